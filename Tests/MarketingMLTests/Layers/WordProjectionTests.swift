import MarketingML
import Testing

@testable import Tensor

/// Recurrent layers that predict from kept projections of words give what they give without them, to the bit.
@Suite struct WordProjectionTests {
    static let vocabularySize = 40

    static func rows(_ seed: Int32) -> LayerValue<Float> {
        .tokens(
            TokenBatch(
                rows: [5, 1, 0, 9, 3].map { length in
                    (0..<Int32(length)).map { ($0 * 7 + seed) % Int32(vocabularySize) }
                }))
    }

    private func layers(_ kind: any LayerRecipe) throws -> LayerStack<Float> {
        try LayerStack<Float>(
            [Embedding(vocabularySize: Self.vocabularySize, dimension: 6), kind, Dense(units: 2)],
            input: .tokens(), seed: 3)
    }

    private func table(_ layers: LayerStack<Float>) -> Tensor<Float> {
        (layers.entries[0].layer as! EmbeddingLayer<Float>).table
    }

    private func isReady(_ layers: LayerStack<Float>) -> Bool {
        let width = (layers.entries[1].layer as! RecurrentLayer<Float>).weights[0]
        return WordProjections.of(
            table(layers), (layers.entries[1].layer as! RecurrentLayer<Float>).kind, width, count: 0)
            != nil
    }

    @Test(arguments: [
        LSTM(units: 5) as any LayerRecipe, GRU(units: 7), SimpleRNN(units: 4),
        LSTM(units: 5, options: .init(isBidirectional: true)),
        GRU(units: 3, options: .init(layers: 2, isBidirectional: true)),
    ]) func sameBits(_ kind: any LayerRecipe) throws {
        let layers = try layers(kind)
        let first = layers(Self.rows(1)).vectors.elements
        #expect(!isReady(layers))
        // 18 words a call, a vocabulary of 40.
        for _ in 0..<3 { #expect(layers(Self.rows(1)).vectors.elements == first) }
        #expect(isReady(layers))
        for seed in 0..<4 as Range<Int32> {
            let fresh = try self.layers(kind)
            #expect(layers(Self.rows(seed)).vectors.elements == fresh(Self.rows(seed)).vectors.elements)
        }
    }

    /// A change of the words' vectors, of the weights or of the bias is seen.
    @Test(arguments: ["0.weight", "1.weight_ih_l0", "1.bias_ih_l0", "1.weight_hh_l0"])
    func changedWeights(_ changed: String) throws {
        let before = try layers(LSTM(units: 5))
        for _ in 0..<4 { _ = before(Self.rows(1)) }
        var after = before
        var fresh = try layers(LSTM(units: 5))
        func double(_ layers: inout LayerStack<Float>) {
            layers.forEachParameter { name, parameter in
                guard name == changed else { return }
                parameter.withUnsafeMutableElements { for index in $0.indices { $0[index] += 0.5 } }
            }
        }
        let old = before(Self.rows(2)).vectors.elements
        double(&after)
        double(&fresh)
        let expected = fresh(Self.rows(2)).vectors.elements
        #expect(expected != old)
        for _ in 0..<4 { #expect(after(Self.rows(2)).vectors.elements == expected) }
        #expect(before(Self.rows(2)).vectors.elements == old)
    }

    /// After training steps, whose rows are brought up to date late.
    @Test func training() throws {
        var layers = try layers(LSTM(units: 5))
        var fresh = layers
        for _ in 0..<4 { _ = layers(Self.rows(1)) }
        func train(_ layers: inout LayerStack<Float>) {
            var optimizer = Adam<Float>(learningRate: 0.1)
            for step in 0..<3 as Range<Int32> {
                let (_, gradients) = valueAndGradient(of: layers) {
                    let output = $0(Self.rows(step)).vectors
                    return (output * output).sum()
                }
                optimizer.update(&layers, with: gradients)
            }
        }
        train(&layers)
        train(&fresh)
        for seed in [1, 2, 1, 2, 3] as [Int32] {
            #expect(layers(Self.rows(seed)).vectors.elements == fresh(Self.rows(seed)).vectors.elements)
        }
        #expect(isReady(layers))
    }

    /// A vocabulary that is too large is projected anew each time.
    @Test func limit() {
        let table = Tensor<Float>.zeros([40_000, 1])
        let weights = RecurrentWeights<Float>(input: .zeros([512, 1]), recurrent: .zeros([512, 128]))
        #expect(WordProjections.of(table, .lstm, weights, count: 1_000_000) == nil)
    }
}
