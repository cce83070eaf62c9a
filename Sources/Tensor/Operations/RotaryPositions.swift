internal import CTensorKernels
import Foundation

/// Which elements of a head make a rotary pair.
public enum RotaryPairs: String, Sendable, Codable, CaseIterable {
    /// i and i + d/2, as Hugging Face's checkpoints have them.
    case halves
    /// 2i and 2i + 1, as the paper and Meta's checkpoints have them.
    case neighbours
}

/// The angles of rotary positions (RoPE, arXiv:2104.09864): pair i of a head of size d at position p turns by
/// p θ^(-2i/d).
public struct RotaryPositions<Scalar: TensorFloatingPoint>: Sendable {
    /// d, even.
    public let headSize: Int
    /// Which elements of a head make a pair.
    public let pairs: RotaryPairs
    /// Cosines and sines [positions, d/2].
    let cosines: Tensor<Scalar>
    let sines: Tensor<Scalar>

    /// Computes the angles of positions 0 ..< `positions`; `base` is θ, usually 10000.
    public init(positions: Int, headSize: Int, base: Double, pairs: RotaryPairs) {
        precondition(headSize > 0 && headSize % 2 == 0, "a head of \(headSize) elements has no pairs")
        self.headSize = headSize
        self.pairs = pairs
        let half = headSize / 2
        let rates = (0..<half).map { pow(base, -2 * Double($0) / Double(headSize)) }
        func table(_ function: (Double) -> Double) -> Tensor<Scalar> {
            var values: [Scalar] = []
            values.reserveCapacity(positions * half)
            for position in 0..<positions {
                for rate in rates { values.append(Scalar(function(Double(position) * rate))) }
            }
            return Tensor(shape: [positions, half], values)
        }
        cosines = table(cos)
        sines = table(sin)
    }

    /// Number of positions.
    public var count: Int { cosines.shape[0] }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// The first `heads` heads of every row turned to the row's position, what follows as it is: of rows with queries,
    /// keys and values, `heads` are those of queries and keys.
    public func rotated(by rotary: RotaryPositions<Scalar>, heads: Int, positions: [Int32]) -> Tensor {
        precondition(
            rank == 2 && heads * rotary.headSize <= shape[1] && positions.count == shape[0]
                && positions.allSatisfy { 0 <= $0 && $0 < rotary.count },
            "rotated needs rows of at least \(heads) heads of \(rotary.headSize) and a position below \(rotary.count) for each; the shape is \(shape)"
        )
        var result = detached
        result.rotate(by: rotary, heads: heads, positions: positions, inverse: false)
        return result.recorded(from: self) { gradient in
            var dx = gradient
            dx.rotate(by: rotary, heads: heads, positions: positions, inverse: true)
            return [dx]
        }
    }

    /// In place, after a copy when the elements are shared.
    private mutating func rotate(
        by rotary: RotaryPositions<Scalar>, heads: Int, positions: [Int32], inverse: Bool
    ) {
        makeUnique()
        let (target, columns) = (pointer, columnCount)
        let grain = Swift.max(1, elementwiseGrain / 4 / Swift.max(1, heads * rotary.headSize))
        positions.withUnsafeBufferPointer { positions in
            guard let base = positions.baseAddress else { return }
            parallelRanges(positions.count, grain: grain) { range in
                mml_rotate(
                    Scalar.kernelType, range.count, heads, rotary.headSize,
                    rotary.pairs == .neighbours ? 1 : 0, inverse ? 1 : 0, base + range.lowerBound,
                    rotary.cosines.pointer, rotary.sines.pointer, target + range.lowerBound * columns, columns
                )
            }
        }
    }
}
