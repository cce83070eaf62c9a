import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Models whose layers are held in 8 bits.
@Suite struct QuantizedModelTests {
    private func encoder() throws -> (BERTEncoder<Float>, TokenBatch) {
        let checkpoint = try BERTCheckpoint(directory: TestData.fixture("bert-small", .module))
        let file = try SafeTensorsFile(TestData.fixture("bert-small.safetensors", .module))
        return (try checkpoint.encoder(), try file.packedRows())
    }

    @Test func hiddenStatesStayClose() throws {
        let (encoder, batch) = try encoder()
        var none: DropoutStreams?
        let exact = encoder(batch, dropout: &none)
        let small = encoder.quantized()
        #expect(small.parameters.count { $0.value.isHeldQuantized } == 2 * 4)
        // Narrow matrices are filled up to whole vectors, 64 bytes at most.
        let wide = BERTEncoder<Float>(configuration: .tiny(vocabularySize: 50), seed: 1)
        #expect(wide.quantized().heldByteCount < wide.heldByteCount / 2)
        expectRelativeNorm(small(batch, dropout: &none).elements, exact.elements, 0.05, "hidden states")
        // A row is the same alone as in a batch.
        let whole = small(batch, dropout: &none)
        for row in 0..<batch.rowCount {
            let alone = small(batch.select(rows: row..<row + 1), dropout: &none)
            #expect(alone == whole.rows(batch.rowOffsets[row]..<batch.rowOffsets[row + 1]))
        }
    }

    @Test func aClassifierInEightBits() throws {
        let classifier = try TextClassifierTests.trained()
        let small = try classifier.quantized()
        let report = try classifier.quantizationReport(on: TextClassifierTests.texts)
        #expect(try report.before == (classifier.evaluate(TextClassifierTests.texts)))
        #expect(try report.after == (small.evaluate(TextClassifierTests.texts)))
        #expect(report.agreement >= 0.9 && report.bytesAfter < report.bytesBefore)
        #expect(abs(report.before.logLoss - report.after.logLoss) < 0.05)
        #expect("\(report)".contains("same label"))
        // Files hold the rounded weights: quantised again they are the same.
        try withTemporaryDirectory { path in
            let folder = URL(fileURLWithPath: path).appending(path: "model")
            try small.save(to: folder)
            let again = try TextClassifier<String>(directory: folder).quantized()
            let texts = TextClassifierTests.texts.texts
            for (a, b) in zip(try again.predict(texts), try small.predict(texts)) {
                expectClose(a.probabilities, b.probabilities, absolute: 1e-5, "read again")
            }
        }
        expectFailure(.emptyData) {
            _ = try classifier.quantizationReport(on: LabeledTexts(texts: [], labels: []))
        }
        expectFailure(.unsupported) {
            _ = try TextClassifier.train(.nGrams(), on: TextClassifierTests.texts).quantized()
        }
    }

    @Test(.enabled(if: TestData.minilm() != nil)) func sentencesOfMiniLM() throws {
        let encoder = try SentenceEncoder(directory: #require(TestData.minilm()))
        let texts = [
            "Arrived broken and nobody answers.", "The screen is bright and sharp.", "", "okay",
            "I have bought this twice already, and both times the delivery was a day early.",
        ]
        let (exact, small) = (try encoder.embed(texts), try encoder.quantized().embed(texts))
        let cosines = (exact * small).sum(along: 1).elements
        #expect(cosines.allSatisfy { $0 > 0.99 }, "\(cosines)")
        #expect(try small.rows(at: [1]) == (encoder.quantized().embed([texts[1]])))
    }
}
