import TestSupport
import Testing

@testable import MarketingML

/// Gradients of all parameters through whole stacks of layers, against finite differences in Double.
@Suite struct LayerGradientTests {
    private func expectGradients(
        _ recipes: [any LayerRecipe], _ input: LayerValue<Double>, _ targets: Targets, _ loss: Loss
    ) throws {
        let stack = try LayerStack<Double>(recipes, input: input.shape, seed: 5)
        for (index, parameter) in stack.parameters.enumerated() {
            expectGradient(parameter.name, at: parameter.value, step: 1e-3, tolerance: 1e-7) { moved in
                var changed = stack
                var position = 0
                changed.forEachParameter { _, value in
                    if position == index { value = moved }
                    position += 1
                }
                var dropout: DropoutStreams? = DropoutStreams(seed: 3, step: 1)
                let output = changed.output(input, for: loss, dropout: &dropout)
                return loss(output.vectors, targets, logitsOf: output.logitsOf)
            }
        }
    }

    @Test func tokens() throws {
        let rows: [[Int32]] = [[1, 4, 2], [0, 3, 3]]
        try expectGradients(
            [
                Embedding(vocabularySize: 5, dimension: 3, initializer: .normal(standardDeviation: 1)),
                LayerNormalization(), Flatten(),
                Dense(units: 4, activation: .tanh), Dropout(rate: 0.3), Dense(units: 3, activation: .softmax),
            ], .tokens(TokenBatch(rows: rows)), .classes([2, 0]), .crossEntropy)
        // Lengths that differ, one of them 0, and padding that is left out.
        let mixed = TokenBatch(rows: [[1, 0, 2], [], [3]])
        try expectGradients(
            [
                Embedding(vocabularySize: 5, dimension: 3, paddingIndex: 0), Dense(units: 2, usesBias: false),
                Activation.sigmoid,
            ], .tokens(mixed),
            .valueSequences(PackedSequences(vectors: .zeros([3, 2]), offsets: [0, 2, 2, 3])),
            .binaryCrossEntropy)
    }

    @Test func vectors() throws {
        let x = Tensor<Double>.randomNormal([5, 4], seed: 2)
        try expectGradients(
            [Dense(units: 3, activation: .gelu), Dense(units: 2, activation: .sigmoid)], .rows(x),
            .values(Tensor(shape: [5, 2], (0..<10).map { Float($0 % 2) })), .focal())
        try expectGradients(
            [Dense(units: 3, activation: .softmax), Dense(units: 2)], .rows(x),
            .values(.randomNormal([5, 2], seed: 3)), .huber(delta: 0.3))
    }
}
