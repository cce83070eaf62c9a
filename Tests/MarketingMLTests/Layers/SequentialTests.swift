import MarketingML
import Testing
import TestSupport

@Suite struct SequentialTests {
    /// Ids whose first token decides the label.
    private func tokens(_ count: Int, length: Int) -> (TokenBatch, [Int32]) {
        var generator = SeededGenerator(seed: 5)
        let rows = (0..<count).map { _ in (0..<length).map { _ in Int32(generator.next(below: 12)) } }
        return (TokenBatch(rows: rows), rows.map { $0[0] < 6 ? 0 : 1 })
    }

    @Test func trainsWithAnOptimizerOfOnesOwn() throws {
        var model = try Sequential(input: .tokens(length: 4), seed: 1) {
            Embedding(vocabularySize: 12, dimension: 5)
            Flatten()
            Dense(units: 7, activation: .tanh)
            Dense(units: 2)
        }
        #expect(
            model.parameters.map(\.name)
                == ["0.weight", "2.weight", "2.bias", "3.weight", "3.bias"])
        #expect(model.parameters.map(\.value.shape) == [[12, 5], [7, 20], [7], [2, 7], [2]])
        let (batch, labels) = tokens(64, length: 4)
        var optimizer = AdamW<Float>(learningRate: 0.05)
        var losses: [Float] = []
        for _ in 0..<40 {
            let (loss, gradients) = valueAndGradient(of: model) { crossEntropy($0(batch), labels) }
            losses.append(loss.item)
            optimizer.update(&model, with: gradients)
        }
        #expect(losses[0] > 0.6 && losses[39] < 0.05)
    }

    @Test func summaryIsATable() throws {
        let model = try Sequential(input: .tokens()) {
            Embedding(vocabularySize: 20, dimension: 8)
            Dropout(rate: 0.5)
            LayerNormalization()
            Dense(units: 3, activation: .softmax)
        }
        #expect(
            model.summary == """
                layer                 output            parameters
                input                 [N, L] token ids            
                0 Embedding           [N, L, 8]                160
                1 Dropout             [N, L, 8]                  0
                2 LayerNormalization  [N, L, 8]                 16
                3 Dense               [N, L, 3]                 27
                total                                          203
                """)
    }

    @Test func shapesAreCheckedWhenBuilt() {
        let message = #""layer 1 (Flatten)": expected vectors, or sequences of one length, found [N, L, 8]"#
        #expect {
            try Sequential(input: .tokens()) {
                Embedding(vocabularySize: 20, dimension: 8)
                Flatten()
            }
        } throws: { "\($0)" == message }
        #expect {
            try Sequential(input: .vector(width: 3)) { Embedding(vocabularySize: 20, dimension: 8) }
        } throws: { ($0 as? MarketingMLError)?.code == .shapeMismatch }
        #expect {
            try Sequential(input: .vector(width: 3)) { Dropout(rate: 1) }
        } throws: { ($0 as? MarketingMLError)?.location.name == "layer 0 (Dropout), rate" }
    }

    @Test func paddingIsDataWithoutAMaskAndNothingWithOne() throws {
        let table = Tensor<Float>.randomNormal([5, 3], seed: 1)
        let left = TokenBatch(rows: [[0, 0, 1, 2], [0, 3, 4, 1]])
        let right = TokenBatch(rows: [[1, 2, 0, 0], [3, 4, 1, 0]])
        let packed = TokenBatch(rows: [[1, 2], [3, 4, 1]])
        let masked = EmbeddingLayer(table: table, paddingIndex: 0)
        let expected = masked(.tokens(packed)).sequences
        for padded in [left, right] {
            let found = masked(.tokens(padded)).sequences
            #expect(found.offsets == [0, 2, 5] && found.vectors == expected.vectors)
        }
        #expect(EmbeddingLayer(table: table)(.tokens(left)).sequences.offsets == [0, 4, 8])
    }

    @Test func idsOutsideTheVocabularyAreAnError() throws {
        let model = try LayerStack<Float>(
            [Embedding(vocabularySize: 5, dimension: 2)], input: .tokens(), seed: 1)
        #expect {
            try model.check(.tokens(TokenBatch(rows: [[1, 2], [3, 5]])))
        } throws: {
            "\($0)"
                == #"row 2, "token ids": token ids must be in 0 ..< 5, found 5 at position 1 of example 1"#
        }
        #expect { try model.check(.tokens(TokenBatch())) } throws: {
            ($0 as? MarketingMLError)?.code == .emptyData
        }
    }
}
