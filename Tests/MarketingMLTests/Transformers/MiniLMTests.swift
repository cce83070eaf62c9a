import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// The real MiniLM against PyTorch: Tests/Reference/minilm.py wrote the fixture.
@Suite struct MiniLMTests {
    private func file() throws -> SafeTensorsFile {
        try SafeTensorsFile(TestData.fixture("minilm-hidden.safetensors", .module))
    }

    @Test func hiddenStates() throws {
        guard let directory = TestData.minilm() else { return }
        let bert = try BERT(directory: directory)
        let file = try file()
        var none: DropoutStreams?
        let texts = try file.packedRows()
        let hidden = bert.encoder(texts, dropout: &none)
        expectClose(
            hidden.elements, try file.tensor("hidden", as: Float.self).elements, absolute: 2e-5, "hidden")
        let pooled = bert.encoder.pooler.map {
            $0(hidden.rows(at: texts.rowOffsets.dropLast()), activation: .tanh)
        }
        expectClose(
            pooled?.elements ?? [], try file.tensor("pooled", as: Float.self).elements, absolute: 2e-5,
            "pooled")

        let long = try file.integers("long.ids").elements.map { Int32($0) }
        let states = bert.encoder(TokenBatch(rows: [long]), dropout: &none)
        let rows = try file.integers("long.rows").elements.map { Int($0) }
        expectClose(
            states.rows(at: rows).elements, try file.tensor("long.hidden", as: Float.self).elements,
            absolute: 2e-5, "long")
    }

    @Test func embeddingsAndCosines() throws {
        guard let directory = TestData.minilm() else { return }
        let encoder = try SentenceEncoder(directory: directory)
        let vectors = try encoder.embed([
            "A man is eating pasta.", "A man is eating food.", "A man is eating a piece of bread.",
            "A man is riding a horse.",
            "The girl is carrying a baby.",
        ])
        #expect(vectors.shape == [5, 384])
        let expected = try file().tensor("embeddings", as: Float.self)
        expectClose(vectors.elements, expected.rows(0..<5).elements, absolute: 2e-6, "embeddings")
        let cosines = vectors.matmul(vectors.rows(0..<1), transposingOther: true).elements.dropFirst()
        expectClose(Array(cosines), [0.7035, 0.5272, 0.1889, -0.0898], absolute: 5e-5, "cosines")
        expectClose(try encoder.embed("A man is riding a horse.").elements, vectors.rows(3..<4).elements)
        #expect(try encoder.embed([]).shape == [0, 384])
    }
}
