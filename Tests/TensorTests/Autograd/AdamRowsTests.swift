import Testing
import TestSupport

@testable import Tensor

/// Rows that wait give the numbers of the update that moves every row at every step, to the bit.
@Suite struct AdamRowsTests {
    private struct Table: Parameterized {
        var table: Tensor<Float>
        var scale: Tensor<Float>

        mutating func forEachParameter(_ body: (String, inout Tensor<Float>) throws -> Void) rethrows {
            try body("table", &table)
            try body("scale", &scale)
        }
    }

    private static let rows = 60

    private func model(width: Int) -> Table {
        var random = SeededGenerator(seed: 7)
        return Table(
            table: .init(
                shape: [Self.rows, width],
                (0..<Self.rows * width).map { _ in Float.random(in: -1...1, using: &random) }),
            scale: .init([1.5]))
    }

    private func gradients(_ model: Table, step: Int) -> Gradients<Float> {
        var random = SeededGenerator(seed: UInt64(step))
        // Rows from 50 on are read by nobody; some rows come twice.
        let ids = (0..<11).map { _ in Int32.random(in: 0..<50, using: &random) } + [3]
        let (_, gradients) = valueAndGradient(of: model) { model in
            let picked = model.table.gathered(ids)
            return (picked * picked * picked * model.scale).sum()
        }
        return gradients
    }

    /// Runs `steps` updates of both kinds side by side, and `visit` after each.
    private func run<Rule: Optimizer<Float>>(
        _ rule: Rule, width: Int, steps: Int,
        _ visit: (Int, inout Table, inout Table, inout Rule, inout Rule) -> Void = { _, _, _, _, _ in }
    ) {
        var (late, plain) = (model(width: width), model(width: width))
        var (lateRule, plainRule) = (rule, rule)
        for step in 0..<steps {
            let scale = step % 3 == 0 ? 0.5 : 1
            let first = gradients(late, step: step)
            #expect(first.tensors[0]?.rowGradient != nil, "the gradient is no longer that of rows")
            lateRule.update(&late, with: first, scale: scale)
            let second = gradients(plain, step: step)
            // What has been read is dense.
            _ = second["table"]?.elements
            #expect(second.tensors[0]?.rowGradient == nil)
            plainRule.update(&plain, with: second, scale: scale)
            (lateRule.learningRate, plainRule.learningRate) = (
                0.01 / Double(step + 1), 0.01 / Double(step + 1)
            )
            visit(step, &late, &plain, &lateRule, &plainRule)
        }
        #expect(late.table.storage.isLate)
        for (name, tensor) in plainRule.state {
            #expect(bits(lateRule.state[name]) == bits(tensor), "\(name)")
        }
        #expect(bits(late.table) == bits(plain.table))
        #expect(bits(late.scale) == bits(plain.scale))
    }

    private func bits(_ tensor: Tensor<Float>?) -> [UInt32]? { tensor?.elements.map(\.bitPattern) }

    @Test(arguments: [1, 5, 16, 33]) func equalsThePlainUpdate(width: Int) {
        run(Adam(learningRate: 0.01), width: width, steps: 40)
        run(
            Adam(learningRate: 0.01, epsilon: 1e-7, placement: .keras, weightDecay: 0.1), width: width,
            steps: 40)
        run(AdamW(learningRate: 0.01, weightDecay: 0.2), width: width, steps: 40)
    }

    @Test func stepsAreNotNotedWithoutEnd() { run(Adam(learningRate: 0.01), width: 3, steps: 1100) }

    @Test func copiesKeepTheirNumbers() {
        var copies: [(Table, [UInt32]?)] = []
        var rules: [(Adam<Float>, [UInt32]?)] = []
        run(Adam(learningRate: 0.01), width: 9, steps: 30) { step, late, plain, lateRule, plainRule in
            switch step {
            case 5, 12: copies.append((late, bits(plain.table)))
            case 8: rules.append((lateRule, bits(plainRule.state["first.0"])))
            case 15:
                late.table.withUnsafeMutableElements { $0[4] = 2 }
                plain.table.withUnsafeMutableElements { $0[4] = 2 }
            case 20:
                let state = lateRule.state
                lateRule.restore(state, step: step + 1, parameterCount: 2)
            default: break
            }
        }
        for (copy, expected) in copies { #expect(bits(copy.table) == expected) }
        for (rule, expected) in rules { #expect(bits(rule.state["first.0"]) == expected) }
    }

    @Test func readersSeeOneAnothersRows() async {
        var late = model(width: 64)
        var rule = Adam<Float>(learningRate: 0.01)
        for step in 0..<20 { rule.update(&late, with: gradients(late, step: step)) }
        let shared = late
        let seen = await withTaskGroup(of: [Float].self) { group in
            for part in 0..<8 {
                group.addTask {
                    part == 7
                        ? shared.table.elements
                        : shared.table.gathered((0..<60).map { Int32(($0 * 7 + part) % 60) }).elements
                }
            }
            return await group.reduce(into: [[Float]]()) { $0.append($1) }
        }
        let sorted = shared.table.elements.sorted()
        for elements in seen { #expect(elements.sorted() == sorted) }
    }

    @Test func aGradientOfRowsAddsAndIsMeasuredAsAWhole() {
        let model = model(width: 5)
        var sum = gradients(model, step: 1)
        let norm = sum.norm
        let dense = sum["table"]?.elements ?? []
        let scale = sum["scale"]?.item ?? 0
        expectClose([norm * norm], [Double((dense + [scale]).reduce(0) { $0 + $1 * $1 })], relative: 1e-5)
        let other = gradients(model, step: 2)
        let added = gradients(model, step: 2)["table"]?.elements ?? []
        sum.add(other)
        #expect(sum["table"]?.elements == zip(dense, added).map { $0 + $1 })
        var clipped = gradients(model, step: 1)
        clipped.clip(to: 0.01)
        #expect(clipped.tensors[0]?.rowGradient == nil)
        #expect(clipped["table"]?.elements.allSatisfy { abs($0) <= 0.01 } == true)
    }
}
