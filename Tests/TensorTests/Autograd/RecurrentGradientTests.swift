import Tensor
import TestSupport
import Testing

/// Recurrent cells, convolutions and pooling over packed sequences against finite differences in Double.
@Suite struct RecurrentGradientTests {
    private let offsets = [0, 3, 3, 4, 9]

    private func random(_ shape: [Int], _ stream: UInt64, _ scale: Double = 1) -> Tensor<Double> {
        .randomNormal(shape, standardDeviation: scale, seed: 23, stream: stream)
    }

    private func weights(_ cell: RecurrentCellKind, inputs: Int, units: Int) -> RecurrentWeights<Double> {
        let rows = cell.gateCount * units
        return RecurrentWeights(
            input: random([rows, inputs], 1, 0.7), recurrent: random([rows, units], 2, 0.7),
            inputBias: random([rows], 3, 0.5), recurrentBias: random([rows], 4, 0.5))
    }

    private func weigh(_ result: (outputs: Tensor<Double>?, state: RecurrentState<Double>)) -> Tensor<Double>
    {
        var total = TestSupport.weigh(result.state.hidden)
        if let outputs = result.outputs { total = total + TestSupport.weigh(outputs) * 0.7 }
        if let cell = result.state.cell { total = total + TestSupport.weigh(cell) * 1.3 }
        return total
    }

    @Test(arguments: RecurrentCellKind.allCases, 0..<4)
    func cells(_ cell: RecurrentCellKind, _ variant: Int) {
        let (inputs, units) = (2, 3)
        let x = random([9, inputs], 5)
        let weights = weights(cell, inputs: inputs, units: units)
        let initial =
            variant & 1 == 0
            ? nil
            : RecurrentState(
                hidden: random([4, units], 6), cell: cell.hasCellState ? random([4, units], 7) : nil)
        let mask =
            variant & 2 == 0 ? nil : Tensor<Double>(shape: [4, 3], [0, 2, 2, 2, 0, 0, 1, 2, 0, 2, 2, 0])
        func check(
            _ what: String, at value: Tensor<Double>,
            _ place: (Tensor<Double>) -> (Tensor<Double>, RecurrentWeights<Double>, RecurrentState<Double>?)
        ) {
            // The kink of relu: a step so small that none is crossed.
            let step = cell == .relu ? 1e-5 : 1e-3
            expectGradient("\(cell) \(variant) \(what)", at: value, step: step, tolerance: 1e-6) {
                let (x, weights, initial) = place($0)
                return weigh(
                    x.recurrent(
                        cell, weights, offsets: offsets, initial: initial, reversed: variant & 1 == 1,
                        stateMask: mask, returnsSequences: variant < 3))
            }
        }
        func with(_ change: (inout RecurrentWeights<Double>) -> Void) -> RecurrentWeights<Double> {
            var changed = weights
            change(&changed)
            return changed
        }
        check("x", at: x) { ($0, weights, initial) }
        check("W", at: weights.input) { value in (x, with { $0.input = value }, initial) }
        check("R", at: weights.recurrent) { value in (x, with { $0.recurrent = value }, initial) }
        check("b", at: random([weights.input.shape[0]], 3, 0.5)) { value in
            (x, with { $0.inputBias = value }, initial)
        }
        check("b'", at: random([weights.input.shape[0]], 4, 0.5)) { value in
            (x, with { $0.recurrentBias = value }, initial)
        }
        guard let initial else { return }
        check("h", at: initial.hidden) { (x, weights, RecurrentState(hidden: $0, cell: initial.cell)) }
        if let cell = initial.cell {
            check("c", at: cell) { (x, weights, RecurrentState(hidden: initial.hidden, cell: $0)) }
        }
    }

    /// A batch gives the same bits as its sequences one by one, whatever the number of threads.
    @Test(arguments: RecurrentCellKind.allCases) func batchEqualsSingle(_ cell: RecurrentCellKind) {
        let lengths = [7, 0, 1, 12, 5, 5, 3, 9, 2, 1, 30]
        let offsets = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        let (inputs, units) = (5, 19)
        func make(_ shape: [Int], _ stream: UInt64) -> Tensor<Float> {
            .randomNormal(shape, standardDeviation: 0.5, seed: 3, stream: stream)
        }
        let rows = cell.gateCount * units
        let weights = RecurrentWeights(
            input: make([rows, inputs], 1), recurrent: make([rows, units], 2), inputBias: make([rows], 3))
        let x = make([offsets[lengths.count], inputs], 4)
        let before = ThreadPool.threadCount
        defer { ThreadPool.threadCount = before }
        func gradients(_ threads: Int) -> [Tensor<Float>] {
            ThreadPool.threadCount = threads
            return [x, weights.input, weights.recurrent].enumerated().map { index, value in
                valueAndGradient(at: value) { value in
                    var (x, changed) = (x, weights)
                    switch index {
                    case 0: x = value
                    case 1: changed.input = value
                    default: changed.recurrent = value
                    }
                    let result = x.recurrent(cell, changed, offsets: offsets)
                    return (result.outputs.map { ($0 * $0).sum() } ?? result.state.hidden.sum())
                        + result.state.hidden.sum()
                }.gradient
            }
        }
        #expect(gradients(1) == gradients(2))
        for reversed in [false, true] {
            ThreadPool.threadCount = 1
            let one = x.recurrent(cell, weights, offsets: offsets, reversed: reversed)
            ThreadPool.threadCount = 2
            let two = x.recurrent(cell, weights, offsets: offsets, reversed: reversed)
            #expect(one.outputs == two.outputs && one.state.hidden == two.state.hidden)
            for index in lengths.indices {
                let rows = offsets[index]..<offsets[index + 1]
                let single = x.rows(rows).recurrent(
                    cell, weights, offsets: [0, lengths[index]], reversed: reversed)
                #expect(single.outputs == two.outputs?.rows(rows))
                #expect(single.state.hidden == two.state.hidden.rows(index..<index + 1))
            }
            #expect(two.state.hidden.rows(1..<2).elements.allSatisfy { $0 == 0 })
        }
    }

    @Test(arguments: ConvolutionPadding.allCases, [1, 2, 3]) func convolution(
        _ padding: ConvolutionPadding, _ stride: Int
    ) {
        let x = random([9, 2], 1)
        let weight = random([3, 2, 4], 2)
        let bias = random([3], 3)
        func value(_ x: Tensor<Double>, _ w: Tensor<Double>, _ b: Tensor<Double>) -> Tensor<Double> {
            TestSupport.weigh(
                x.convolved(w, bias: b, offsets: offsets, stride: stride, padding: padding).outputs)
        }
        expectGradient("x", at: x) { value($0, weight, bias) }
        expectGradient("w", at: weight) { value(x, $0, bias) }
        expectGradient("b", at: bias) { value(x, weight, $0) }
    }

    @Test func poolingAndColumns() {
        let x = random([9, 3], 1)
        let scores = random([9, 1], 2)
        expectGradient("max", at: x, step: 1e-6) { TestSupport.weigh($0.maxPooled(offsets: offsets)) }
        expectGradient("attention x", at: x) {
            TestSupport.weigh($0.attentionPooled(scores: scores, offsets: offsets))
        }
        expectGradient("attention scores", at: scores) {
            TestSupport.weigh(x.attentionPooled(scores: $0, offsets: offsets))
        }
        expectGradient("columns", at: x) {
            TestSupport.weigh(.concatenatedColumns([$0, scores, $0]))
        }
        #expect(x.maxPooled(offsets: offsets).rows(1..<2).elements == [0, 0, 0])
    }
}
