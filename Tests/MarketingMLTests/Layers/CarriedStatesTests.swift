import TestSupport
import Testing

@testable import MarketingML

/// Sequences in parts give what they give in one piece.
@Suite struct CarriedStatesTests {
    private static let units = 5
    private static let lengths = [7, 3, 9]

    private func layer(
        _ kind: RecurrentCellKind, layers: Int = 2, returnsSequences: Bool = true
    ) throws -> RecurrentLayer<Float> {
        var random = SeededGenerator(seed: 3)
        func tensor(_ shape: [Int]) -> Tensor<Float> {
            Tensor(
                shape: shape,
                (0..<shape.reduce(1, *)).map { _ in Float.random(in: -0.6...0.6, using: &random) })
        }
        let rows = kind.gateCount * Self.units
        return RecurrentLayer(
            kind,
            weights: (0..<layers).map { index in
                RecurrentWeights(
                    input: tensor([rows, index == 0 ? 4 : Self.units]),
                    recurrent: tensor([rows, Self.units]),
                    inputBias: tensor([rows]), recurrentBias: tensor([rows]))
            }, returnsSequences: returnsSequences)
    }

    private func sequences() -> [[Float]] {
        var random = SeededGenerator(seed: 8)
        return Self.lengths.map { (0..<4 * $0).map { _ in Float.random(in: -1...1, using: &random) } }
    }

    /// Steps `range` of each sequence; one that has ended has none.
    private func part(_ range: Range<Int>) -> PackedSequences<Float> {
        var (elements, offsets): ([Float], [Int]) = ([], [0])
        for (steps, length) in zip(sequences(), Self.lengths) {
            let range = range.clamped(to: 0..<length)
            elements += steps[4 * range.lowerBound..<4 * range.upperBound]
            offsets.append(offsets[offsets.count - 1] + range.count)
        }
        return PackedSequences(vectors: Tensor(shape: [elements.count / 4, 4], elements), offsets: offsets)
    }

    private func rows(_ value: LayerValue<Float>) -> [[Float]] {
        let sequences = value.sequences
        let elements = sequences.vectors.elements
        return (0..<sequences.count).map {
            Array(elements[Self.units * sequences.offsets[$0]..<Self.units * sequences.offsets[$0 + 1]])
        }
    }

    @Test(arguments: RecurrentCellKind.allCases) func partsAreTheWhole(_ kind: RecurrentCellKind) throws {
        let layer = try layer(kind)
        var dropout: DropoutStreams?
        let whole = rows(layer(.sequences(part(0..<9)), dropout: &dropout))
        var carried = CarriedStates<Float>()
        for round in 0..<2 {
            var joined = [[Float]](repeating: [], count: 3)
            for range in [0..<2, 2..<3, 3..<8, 8..<9] {
                let outputs = try rows(layer(part(range), carrying: &carried, dropout: &dropout))
                for index in joined.indices { joined[index] += outputs[index] }
            }
            #expect(joined == whole, "\(kind), round \(round)")
            // Without it the second round would go on.
            carried.reset()
        }
    }

    @Test func lastStatesAlone() throws {
        let layer = try layer(.lstm, returnsSequences: false)
        var dropout: DropoutStreams?
        let whole = layer(.sequences(part(0..<9)), dropout: &dropout).vectors
        var carried = CarriedStates<Float>()
        _ = try layer(part(0..<4), carrying: &carried, dropout: &dropout)
        let last = try layer(part(4..<9), carrying: &carried, dropout: &dropout).vectors
        #expect(last == whole)
        let other = try layer(part(4..<9), carrying: &carried, dropout: &dropout).vectors
        #expect(other != whole)
    }

    /// Gradients of a part are those with the state at its beginning held fixed.
    @Test func gradientsStopAtTheBeginningOfAPart() throws {
        let layer = try layer(.gru, layers: 1)
        var dropout: DropoutStreams?
        var carried = CarriedStates<Float>()
        _ = try layer(part(0..<4), carrying: &carried, dropout: &dropout)
        let initial = carried.states
        let (_, expected) = valueAndGradient(of: layer) { layer in
            let outputs =
                layer(part(4..<9), initial: initial, dropout: &dropout).outputs?.vectors ?? .zeros([1])
            return (outputs * outputs).sum()
        }
        let (_, found) = try valueAndGradient(of: layer) { layer in
            let outputs = try layer(part(4..<9), carrying: &carried, dropout: &dropout).vectors
            return (outputs * outputs).sum()
        }
        for (name, tensor) in zip(expected.names, expected.tensors) {
            #expect(found[name] == tensor, "\(name)")
        }
        // What is carried on has no part in the computation that is over.
        let (_, next) = try valueAndGradient(of: layer) { layer in
            try layer(part(0..<1), carrying: &carried, dropout: &dropout).vectors.sum()
        }
        #expect(next.norm.isFinite && next.norm > 0)
    }

    @Test func whatCannotGoOn() throws {
        let layer = try layer(.lstm, layers: 1)
        var dropout: DropoutStreams?
        var carried = CarriedStates<Float>()
        _ = try layer(part(0..<2), carrying: &carried, dropout: &dropout)
        let two = PackedSequences(vectors: Tensor<Float>.zeros([2, 4]), offsets: [0, 1, 2])
        #expect {
            _ = try layer(two, carrying: &carried, dropout: &dropout)
        } throws: { ($0 as? MarketingMLError)?.code == .shapeMismatch }
        let both = RecurrentLayer(.lstm, weights: layer.weights + layer.weights, isBidirectional: true)
        var none = CarriedStates<Float>()
        #expect {
            _ = try both(two, carrying: &none, dropout: &dropout)
        } throws: { ($0 as? MarketingMLError)?.code == .unsupported }
    }
}
