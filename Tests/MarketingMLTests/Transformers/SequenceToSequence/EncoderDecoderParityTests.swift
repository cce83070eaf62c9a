import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Encoded sources, scores, loss with label smoothing and every gradient on ragged batches against PyTorch's layers:
/// Tests/Reference/encoder_decoder.py wrote the fixtures.
@Suite struct EncoderDecoderParityTests {
    /// The fixture's model in the precision asked for, and its rows.
    struct Fixture<Scalar: TensorFloatingPoint> {
        let file: SafeTensorsFile
        var model: EncoderDecoder<Scalar>
        let sources: TokenBatch
        let targets: TokenBatch
        static var end: Int32 { 2 }

        init(_ name: String) throws {
            file = try SafeTensorsFile(TestData.fixture("encoder-decoder-\(name).safetensors", .module))
            var configuration = EncoderDecoderConfiguration(
                sourceVocabularySize: 37, targetVocabularySize: 41, hiddenSize: 16, encoderLayers: 2,
                decoderLayers: 2, heads: 4, intermediateSize: 24)
            configuration.dropout = 0
            configuration.maximumPositions = 32
            if name == "before" {
                configuration.normalization = .before
                configuration.positions = .learned
                configuration.tiesOutput = false
                configuration.activation = .gelu
            }
            model = try EncoderDecoder(configuration: configuration, seed: 1)
            let file = file
            try model.forEachParameter { name, value in
                value = try file.tensor("weight.\(name)", shape: value.shape)
            }
            sources = try file.rows("source")
            targets = try file.rows("target")
        }
    }

    @Test(arguments: ["after", "before"]) func scoresLossAndEveryGradient(_ name: String) throws {
        let fixture = try Fixture<Float>(name)
        let file = fixture.file
        let weights = file.names.filter { $0.hasPrefix("weight.") }.map { String($0.dropFirst(7)) }
        #expect(Set(weights) == Set(fixture.model.parameters.map(\.name)))
        var none: DropoutStreams?
        let encoded = fixture.model.encoded(fixture.sources, dropout: &none)
        let scores = fixture.model.scores(
            fixture.model.decoded(fixture.targets, over: fixture.sources, encoded: encoded, dropout: &none))
        #expect(encoded.shape == [18, 16] && scores.shape == [19, 41])
        expectClose(encoded.elements, try file.tensor("encoded").elements, absolute: 1e-5, "encoded")
        expectClose(scores.elements, try file.tensor("scores").elements, absolute: 3e-5, "scores")
        #expect(
            fixture.targets.following(end: 2) == (try file.integers("labels").elements.map { Int32($0) }))

        let (loss, gradients) = valueAndGradient(of: fixture.model) { model in
            var none: DropoutStreams?
            return model.loss(
                sources: fixture.sources, targets: fixture.targets, end: 2, labelSmoothing: 0.1,
                dropout: &none)
        }
        expectClose([loss.item], try file.tensor("loss").elements, absolute: 1e-5, "loss")
        for (name, gradient) in zip(gradients.names, gradients.tensors) {
            let expected: Tensor<Float> = try file.tensor("grad.\(name)")
            let gradient = try #require(gradient, "\(name)")
            #expect(gradient.shape == expected.shape, "\(name)")
            expectRelativeNorm(gradient.elements, expected.elements, 1e-4, name)
        }
    }

    /// A row's scores do not depend on the rows beside it.
    @Test func batchIsEachRowAlone() throws {
        let fixture = try Fixture<Float>("after")
        func scores(_ sources: TokenBatch, _ targets: TokenBatch) -> [Float] {
            var none: DropoutStreams?
            let encoded = fixture.model.encoded(sources, dropout: &none)
            return fixture.model.scores(
                fixture.model.decoded(targets, over: sources, encoded: encoded, dropout: &none)
            ).elements
        }
        let alone = (0..<4).flatMap {
            scores(fixture.sources.select(rows: [$0]), fixture.targets.select(rows: [$0]))
        }
        expectClose(alone, scores(fixture.sources, fixture.targets), absolute: 1e-5)
    }

    @Test func sharedEmbeddingsAreOneTable() throws {
        var configuration = EncoderDecoderConfiguration.tiny
        configuration.sharesEmbeddings = true
        let model = try EncoderDecoder<Float>(configuration: configuration, seed: 1)
        #expect(!model.parameters.map(\.name).contains("source_embeddings.weight"))
        configuration.targetVocabularySize = 5
        expectFailure(.invalidOption) { _ = try EncoderDecoder<Float>(configuration: configuration, seed: 1) }
        configuration = .tiny
        configuration.heads = 3
        expectFailure(.invalidOption) { _ = try EncoderDecoder<Float>(configuration: configuration, seed: 1) }
    }

    // MARK: Decoding

    /// Token by token with the cache, with branches and a new order on the way, the scores are those of the full pass.
    @Test(arguments: ["after", "before"]) func cacheEqualsFullPass(_ name: String) throws {
        let fixture = try Fixture<Float>(name)
        let bound = try BoundDecoder(fixture.model, sources: fixture.sources)
        func full(_ source: Int, _ target: [Int32]) -> [Float] {
            var none: DropoutStreams?
            let sources = fixture.sources.select(rows: [source])
            let encoded = fixture.model.encoded(sources, dropout: &none)
            let hidden = fixture.model.decoded(
                TokenBatch(rows: [target]), over: sources, encoded: encoded, dropout: &none)
            return Array(fixture.model.scores(hidden).elements.suffix(41))
        }
        var rows: [(source: Int, tokens: [Int32])] = [
            (0, [1, 5, 7]), (1, [1]), (2, [1, 9]), (3, [1, 4, 4, 30]),
        ]
        var (state, scores) = try bound.read(rows.map(\.tokens))
        func check(_ what: String) {
            #expect(state.rowCount == rows.count && scores.shape == [rows.count, 41])
            for (index, row) in rows.enumerated() {
                #expect(state.length(ofRow: index) == row.tokens.count)
                let own = Array(scores.elements[index * 41..<(index + 1) * 41])
                expectClose(own, full(row.source, row.tokens), absolute: 1e-4, "\(what), row \(index)")
            }
        }
        check("prompts")
        var generator = SeededGenerator(seed: 4)
        for step in 0..<24 {
            if [2, 9, 15].contains(step) {
                let order = [[3, 3, 0, 1, 2, 2], [5, 0, 2], [1, 1, 0, 2]][
                    [2, 9, 15].firstIndex(of: step) ?? 0]
                state.select(rows: order)
                rows = order.map { rows[$0] }
            }
            let branch = state
            let tokens = rows.map { _ in Int32(generator.next(below: 41)) }
            scores = try bound.advance(&state, by: tokens)
            for index in rows.indices { rows[index].tokens.append(tokens[index]) }
            check("step \(step)")
            #expect(branch.length(ofRow: 0) == state.length(ofRow: 0) - 1)
        }
    }

    @Test func unusableRows() throws {
        let fixture = try Fixture<Float>("after")
        func bind(_ rows: [[Int32]]) throws -> BoundDecoder {
            try BoundDecoder(fixture.model, sources: TokenBatch(rows: rows))
        }
        expectFailure(.emptyData, "no source") { _ = try bind([]) }
        expectFailure(.emptyData, "an empty source") { _ = try bind([[1], []]) }
        expectFailure(.tooLarge, "a long source") { _ = try bind([[Int32](repeating: 3, count: 33)]) }
        expectFailure(.invalidOption, "an id") { _ = try bind([[37]]) }
        let bound = try bind([[1, 2]])
        #expect(bound.sourceCount == 1 && bound.vocabularySize == 41 && bound.contextLength == 32)
        expectFailure(.shapeMismatch, "two prompts") { _ = try bound.read([[1], [1]]) }
        expectFailure(.emptyData, "an empty prompt") { _ = try bound.read([[]]) }
        expectFailure(.invalidOption, "an id") { _ = try bound.read([[-1]]) }
        var (state, _) = try bound.read([[Int32](repeating: 1, count: 31)])
        expectFailure(.invalidOption, "an id") { _ = try bound.advance(&state, by: [41]) }
        expectFailure(.shapeMismatch, "two tokens") { _ = try bound.advance(&state, by: [1, 2]) }
        _ = try bound.advance(&state, by: [4])
        expectFailure(.tooLarge, "a full row") { _ = try bound.advance(&state, by: [4]) }
    }
}

extension SafeTensorsFile {
    fileprivate func rows(_ name: String) throws -> TokenBatch {
        let ids = try integers("\(name)_ids").elements.map { Int32($0) }
        var start = 0
        return TokenBatch(
            rows: try integers("\(name)_lengths").elements.map { length in
                defer { start += Int(length) }
                return Array(ids[start..<start + Int(length)])
            })
    }
}
