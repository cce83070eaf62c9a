@testable import MarketingML
import TestSupport
import Testing

/// Recurrent layers and convolutions against PyTorch: outputs to 1e-5 of their norm, all gradients to 1e-4.
@Suite struct RecurrentParityTests {
    private let offsets = [4, 1, 7, 3, 1, 7].reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    private static let kinds: [(String, RecurrentCellKind)] = [
        ("rnn_tanh", .tanh), ("rnn_relu", .relu), ("lstm", .lstm), ("gru", .gru),
    ]

    /// A tensor of the fixture in its own shape.
    private func tensor(_ name: String) throws -> Tensor<Float> {
        let file = try SafeTensorsFile(TestData.fixture("recurrent.safetensors", .module))
        return try file.tensor(name, shape: #require(file.shape(of: name), "no tensor \(name)"))
    }

    private func layer(_ name: String, _ kind: RecurrentCellKind, isStacked: Bool) throws -> RecurrentLayer<
        Float
    > {
        let suffixes = isStacked ? ["l0", "l0_reverse", "l1", "l1_reverse"] : ["l0"]
        return RecurrentLayer(
            kind,
            weights: try suffixes.map {
                RecurrentWeights(
                    input: try tensor("\(name).weight_ih_\($0)"),
                    recurrent: try tensor("\(name).weight_hh_\($0)"),
                    inputBias: try tensor("\(name).bias_ih_\($0)"),
                    recurrentBias: try tensor("\(name).bias_hh_\($0)"))
            }, isBidirectional: isStacked, returnsSequences: true)
    }

    @Test(arguments: kinds.indices, [false, true]) func recurrent(_ index: Int, _ isStacked: Bool) throws {
        let (kindName, kind) = Self.kinds[index]
        let name = "\(kindName).\(isStacked ? "stacked" : "plain")"
        let layer = try layer(name, kind, isStacked: isStacked)
        let x = try tensor("\(name).x")
        let expected = try ["outputs", "hidden"].map { try tensor("\(name).\($0)") }
        let weights = try ["outputs", "hidden"].map { try tensor("\(name).g_\($0)") }
        let expectedCell = kind == .lstm ? try tensor("\(name).cell") : nil
        let cellWeights = kind == .lstm ? try tensor("\(name).g_cell") : nil

        func run(_ layer: RecurrentLayer<Float>, _ x: Tensor<Float>) -> [Tensor<Float>] {
            var dropout: DropoutStreams?
            let (outputs, states) = layer(
                PackedSequences(vectors: x, offsets: offsets), initial: nil, dropout: &dropout)
            return [
                outputs?.vectors, .concatenated(states.map(\.hidden)),
                states[0].cell.map { _ in .concatenated(states.compactMap(\.cell)) },
            ].compactMap(\.self)
        }
        func loss(_ layer: RecurrentLayer<Float>, _ x: Tensor<Float>) -> Tensor<Float> {
            zip(run(layer, x), weights + [cellWeights].compactMap(\.self)).reduce(Tensor(0)) {
                $0 + ($1.0 * $1.1.reshaped(like: $1.0)).sum()
            }
        }
        for (actual, expected) in zip(run(layer, x), expected + [expectedCell].compactMap(\.self)) {
            #expect(actual.count == expected.count)
            expectRelativeNorm(actual.elements, expected.elements, 1e-5, name)
        }
        let dx = valueAndGradient(at: x) { loss(layer, $0) }.gradient
        expectRelativeNorm(dx.elements, try tensor("\(name).d_x").elements, 1e-4, "\(name) d_x")
        let gradients = valueAndGradient(of: layer) { loss($0, x) }.gradients
        for (parameter, gradient) in zip(gradients.names, gradients.tensors) {
            let expected = try tensor("\(name).d_\(parameter)")
            let gradient = try #require(gradient, "\(parameter) has no gradient")
            #expect(gradient.shape == expected.shape)
            expectRelativeNorm(gradient.elements, expected.elements, 1e-4, "\(name) d_\(parameter)")
        }
        #expect(gradients.names.count == (isStacked ? 16 : 4))
    }

    @Test(arguments: [("valid", 1), ("valid", 2), ("same", 1), ("causal", 1), ("causal", 2)])
    func convolution(_ padding: String, _ stride: Int) throws {
        let name = "conv.\(padding).\(stride)"
        let x = try tensor("\(name).x").reshaped(18, 3)
        let layer = Conv1DLayer(
            weight: try tensor("\(name).weight"), bias: try tensor("\(name).bias"), stride: stride,
            padding: try #require(ConvolutionPadding(rawValue: padding)))
        let above = try tensor("\(name).g_outputs")
        func outputs(_ layer: Conv1DLayer<Float>, _ x: Tensor<Float>) -> Tensor<Float> {
            layer(.sequences(PackedSequences(vectors: x, offsets: [0, 9, 18]))).vectors
        }
        let expected = try tensor("\(name).outputs")
        #expect(outputs(layer, x).shape == expected.shape)
        expectRelativeNorm(outputs(layer, x).elements, expected.elements, 1e-5, name)
        let dx = valueAndGradient(at: x) { (outputs(layer, $0) * above).sum() }.gradient
        expectRelativeNorm(dx.elements, try tensor("\(name).d_x").elements, 1e-4, "\(name) d_x")
        let gradients = valueAndGradient(of: layer) { (outputs($0, x) * above).sum() }.gradients
        for parameter in ["weight", "bias"] {
            expectRelativeNorm(
                try #require(gradients[parameter]).elements, try tensor("\(name).d_\(parameter)").elements,
                1e-4, "\(name) d_\(parameter)")
        }
    }

    /// What stands behind a sequence's end in a rectangle does not change what stands before it, and the state that was
    /// handed over goes on as if there had been no break.
    @Test(arguments: kinds.indices) func partsOfASequence(_ index: Int) throws {
        let (name, kind) = Self.kinds[index]
        let layer = try layer("\(name).plain", kind, isStacked: false)
        let x = Tensor<Float>.randomNormal([12, 5], seed: 8)
        var dropout: DropoutStreams?
        let whole = layer(PackedSequences(vectors: x, offsets: [0, 12]), initial: nil, dropout: &dropout)
        let first = layer(
            PackedSequences(vectors: x.rows(0..<5), offsets: [0, 5]), initial: nil, dropout: &dropout)
        let rest = layer(
            PackedSequences(vectors: x.rows(5..<12), offsets: [0, 7]),
            initial: first.states.map(\.detached),
            dropout: &dropout)
        let parts = [first, rest].compactMap { $0.outputs?.vectors }
        expectRelativeNorm(
            Tensor.concatenated(parts).elements, try #require(whole.outputs).vectors.elements, 1e-6)
        #expect(first.outputs?.vectors == whole.outputs?.vectors.rows(0..<5))
    }

    /// The fused operation does what the formulas say, written down step by step.
    @Test func unrolledCellIsTheSame() throws {
        let layer = try layer("lstm.plain", .lstm, isStacked: false)
        let lengths = [3, 0, 6, 1]
        let offsets = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        let input = LayerValue.sequences(
            PackedSequences(vectors: Tensor<Float>.randomNormal([10, 5], seed: 4), offsets: offsets))
        for returnsSequences in [false, true] {
            var fused = layer
            fused.returnsSequences = returnsSequences
            let unrolled = Recurrent(PlainLSTM(weights: layer.weights[0]), returnsSequences: returnsSequences)
            #expect(try unrolled.outputShape(for: input.shape) == fused.outputShape(for: input.shape))
            expectRelativeNorm(
                fused(input).vectors.elements, unrolled(input).vectors.elements, 1e-6, "outputs")
            let expected = valueAndGradient(of: unrolled) { ($0(input).vectors * $0(input).vectors).sum() }
            let actual = valueAndGradient(of: fused) { ($0(input).vectors * $0(input).vectors).sum() }
            for (a, e) in zip(actual.gradients.tensors, expected.gradients.tensors) {
                expectRelativeNorm(a?.elements ?? [], e?.elements ?? [], 1e-5, "gradients")
            }
        }
    }

    @Test(arguments: RecurrentCellKind.allCases, [false, true])
    func kerasLayoutRoundTrip(_ kind: RecurrentCellKind, _ hasTwoBiases: Bool) throws {
        var source = WeightSource(seed: 2)
        func make() throws -> RecurrentLayer<Float> {
            let initialization: RecurrentInitialization = hasTwoBiases ? .pytorch : .keras
            return RecurrentLayer(
                kind,
                weights: try (0..<2).map { _ in
                    try initialization.makeWeights(kind, inputs: 3, units: 4, from: &source)
                }, isBidirectional: true)
        }
        let layer = try make()
        var other = try make()
        let kept = Dictionary(uniqueKeysWithValues: layer.kerasWeights().map { ($0.name, $0.value) })
        #expect(kept["kernel"]?.shape == [3, kind.gateCount * 4])
        #expect(kept["bias"]?.shape == (kind == .gru ? [2, 12] : [kind.gateCount * 4]))
        try other.setKerasWeights { name, shape in
            let value = try #require(kept[name])
            #expect(value.shape == shape)
            return value
        }
        let input = LayerValue.sequences(
            PackedSequences(vectors: Tensor<Float>.randomNormal([9, 3], seed: 4), offsets: [0, 4, 9]))
        expectRelativeNorm(other(input).vectors.elements, layer(input).vectors.elements, 1e-6)
    }

    @Test func recipesBuild() throws {
        let model = try Sequential(input: .tokens()) {
            Embedding(vocabularySize: 11, dimension: 4)
            LSTM(
                units: 6, returnsSequences: true,
                options: .init(layers: 2, isBidirectional: true, dropout: 0.2))
            Conv1D(filters: 5, kernelSize: 3, padding: .same, activation: .relu)
            GRU(units: 3, returnsSequences: true, options: .init(recurrentDropout: 0.3))
            SimpleRNN(units: 4, returnsSequences: true, options: .init(initialization: .pytorch))
            AttentionPooling(units: 2)
            Dense(units: 1, activation: .sigmoid)
        }
        #expect(model.layers?.entries.map(\.output).last == .vector(width: 1))
        let forget = try #require(model.parameters.first { $0.name == "1.bias_ih_l0" }).value
        #expect(
            forget.elements == Array(repeating: 0, count: 6) + Array(repeating: 1, count: 6)
                + Array(repeating: 0, count: 12))
        let batch = TokenBatch(rows: [[1, 2, 3], [4], [5, 6, 7, 8, 9]])
        let (loss, gradients) = valueAndGradient(of: model) { model -> Tensor<Float> in
            var streams: DropoutStreams? = DropoutStreams(seed: 1, step: 0)
            return (model.layers.map { $0(.tokens(batch), dropout: &streams).vectors } ?? Tensor(0)).sum()
        }
        #expect(loss.item.isFinite)
        #expect(gradients.tensors.allSatisfy { $0?.elements.allSatisfy(\.isFinite) == true })
        #expect(throws: MarketingMLError.self) {
            try Sequential(input: .vector(width: 3)) { LSTM(units: 4) }
        }
        #expect(throws: MarketingMLError.self) {
            try Sequential(input: .sequence(width: 3)) { GRU(units: 0) }
        }
    }
}

extension Tensor<Float> {
    fileprivate func reshaped(like other: Tensor) -> Tensor { Tensor(shape: other.shape, elements) }
}

/// The formulas of an LSTM in tensor operations.
private struct PlainLSTM: RecurrentCell {
    var weights: RecurrentWeights<Float>

    func outputWidth(inputs: Int) -> Int { weights.units }

    func zeroState(sequences: Int) -> RecurrentState<Float> {
        .zeros(.lstm, sequences: sequences, units: weights.units)
    }

    func step(_ x: Tensor<Float>, _ state: RecurrentState<Float>) -> (
        output: Tensor<Float>, state: RecurrentState<Float>
    ) {
        let units = weights.units
        let sum =
            x.linear(weights.input, bias: weights.inputBias)
            + state.hidden.linear(weights.recurrent, bias: weights.recurrentBias)
        let gates = sum.transposed
        func gate(_ index: Int, _ activation: Activation) -> Tensor<Float> {
            gates.rows(index * units..<(index + 1) * units).transposed.activated(by: activation)
        }
        let before = state.cell ?? .zeros(state.hidden.shape)
        let cell = gate(1, .sigmoid) * before + gate(0, .sigmoid) * gate(2, .tanh)
        let hidden = gate(3, .sigmoid) * cell.activated(by: .tanh)
        return (hidden, RecurrentState(hidden: hidden, cell: cell))
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Float>) throws -> Void) rethrows {
        try body("weight_ih", &weights.input)
        try body("weight_hh", &weights.recurrent)
        if var bias = weights.inputBias {
            try body("bias_ih", &bias)
            weights.inputBias = bias
        }
        if var bias = weights.recurrentBias {
            try body("bias_hh", &bias)
            weights.recurrentBias = bias
        }
    }
}
