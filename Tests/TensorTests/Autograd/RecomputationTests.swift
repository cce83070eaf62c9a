import TestSupport
import Testing

@testable import Tensor

/// Parts of a computation that the backward pass computes again: the same bits as without.
@Suite struct RecomputationTests {
    private struct Block: Parameterized {
        var weight: Tensor<Double>
        var bias: Tensor<Double>
        mutating func forEachParameter(_ body: (String, inout Tensor<Double>) throws -> Void) rethrows {
            try body("weight", &weight)
            try body("bias", &bias)
        }
    }

    private struct Stack: Parameterized {
        var blocks: [Block]
        mutating func forEachParameter(_ body: (String, inout Tensor<Double>) throws -> Void) rethrows {
            for index in blocks.indices { try blocks[index].forEachParameter("\(index)", body) }
        }
    }

    private func random(_ shape: [Int], _ stream: UInt64) -> Tensor<Double> {
        .randomNormal(shape, seed: 8, stream: stream)
    }

    private var stack: Stack {
        Stack(blocks: (0..<3).map { Block(weight: random([6, 6], 2 * $0), bias: random([6], 2 * $0 + 1)) })
    }

    private func output(
        _ stack: Stack, _ x: Tensor<Double>, _ other: Tensor<Double>, recomputing: Bool,
        dropout: inout DropoutStreams?
    ) -> Tensor<Double> {
        @Sendable func body(_ block: Block, _ inputs: [Tensor<Double>], _ dropout: inout DropoutStreams?)
            -> Tensor<Double>
        {
            let y = inputs[0].linear(block.weight, bias: block.bias, activation: .gelu) + inputs[1]
            return inputs[0] + y.dropped(dropout?.take(rate: 0.3) ?? .none)
        }
        var hidden = x
        for block in stack.blocks {
            hidden =
                recomputing
                ? recomputed(block, [hidden, other], dropout: &dropout) { body($0, $1, &$2) }
                : body(block, [hidden, other], &dropout)
        }
        return hidden
    }

    @Test(arguments: [false, true]) func sameBits(drops: Bool) {
        let (stack, x, other) = (stack, random([5, 6], 20), random([5, 6], 21))
        func streams() -> DropoutStreams? { drops ? DropoutStreams(seed: 3, step: 1) : nil }
        func gradients(_ recomputing: Bool) -> (Tensor<Double>, Gradients<Double>) {
            valueAndGradient(of: stack, where: { $0 != "1.bias" }) { stack in
                var dropout = streams()
                return weigh(output(stack, x, other, recomputing: recomputing, dropout: &dropout))
            }
        }
        let (plain, again) = (gradients(false), gradients(true))
        #expect(plain.0 == again.0 && plain.1.names == again.1.names)
        for (name, pair) in zip(plain.1.names, zip(plain.1.tensors, again.1.tensors)) {
            #expect(pair.0 == pair.1, "\(name)")
            #expect((pair.1 == nil) == (name == "1.bias"))
        }
        // Of the inputs, the second of which every block sees; and without a tape.
        for place in [0, 1] {
            func gradient(_ recomputing: Bool) -> Tensor<Double> {
                valueAndGradient(at: place == 0 ? x : other) { value in
                    var dropout = streams()
                    return weigh(
                        output(
                            stack, place == 0 ? value : x, place == 0 ? other : value,
                            recomputing: recomputing, dropout: &dropout))
                }.gradient
            }
            #expect(gradient(true) == gradient(false), "input \(place)")
        }
        var (one, two) = (streams(), streams())
        let (first, second) = (
            output(stack, x, other, recomputing: true, dropout: &one),
            output(stack, x, other, recomputing: false, dropout: &two)
        )
        let (next, expected) = (one?.take(rate: 0.5), two?.take(rate: 0.5))
        #expect(first == second && next == expected)
    }
}
