import Synchronization

/// W e + b for every word vector e of a table, kept with the table: half of the operations of a recurrent layer that only
/// predicts depend on the word alone.
///
/// It is made when as many words were looked up as the table has, so it never costs more than it has saved by then, and the
/// numbers are those of the plain way to the bit, since a row of a product does not depend on the others.
final class WordProjections<Scalar: TensorFloatingPoint>: Sendable {
    /// The most that is kept for one table and weight.
    private static var largestBytes: Int { 64 << 20 }

    private enum State {
        case counting(Int)
        case beingMade
        case ready(Tensor<Scalar>)
    }

    private let cell: RecurrentCellKind
    /// Held, so that nobody can write to them without taking a copy.
    private let weights: [Storage<Scalar>?]
    private let state = Mutex(State.counting(0))

    private init(_ cell: RecurrentCellKind, _ weights: [Storage<Scalar>?]) {
        self.cell = cell
        self.weights = weights
    }

    /// The projections [V, G U] of all rows of `table`, or nil while `count` further ones do not make them worth their cost.
    static func of(
        _ table: Tensor<Scalar>, _ cell: RecurrentCellKind, _ weights: RecurrentWeights<Scalar>, count: Int
    ) -> Tensor<Scalar>? {
        let (words, width) = (table.shape[0], weights.input.shape[0])
        guard words * width <= largestBytes / MemoryLayout<Scalar>.stride else { return nil }
        let parts = [weights.input.storage, weights.inputBias?.storage, weights.recurrentBias?.storage]
        let entry = table.storage.projections.withLock { entries in
            let known = entries.lazy.compactMap { $0 as? WordProjections }.first { $0.isOf(cell, parts) }
            if let known { return known }
            let new = WordProjections(cell, parts)
            // Those of both directions of a layer.
            entries = entries.suffix(1) + [new]
            return new
        }
        return entry.projections(of: table, weights, count: count)
    }

    private func isOf(_ cell: RecurrentCellKind, _ parts: [Storage<Scalar>?]) -> Bool {
        self.cell == cell && zip(weights, parts).allSatisfy { $0 === $1 }
    }

    private func projections(
        of table: Tensor<Scalar>, _ weights: RecurrentWeights<Scalar>, count: Int
    ) -> Tensor<Scalar>? {
        let (ready, isDue) = state.withLock { state -> (Tensor<Scalar>?, Bool) in
            switch state {
            case .ready(let projections): return (projections, false)
            case .beingMade: return (nil, false)
            case .counting(let before):
                let isDue = before + count >= table.shape[0]
                state = isDue ? .beingMade : .counting(before + count)
                return (nil, isDue)
            }
        }
        guard isDue else { return ready }
        let projections = table.projected(cell, weights, lasting: true)
        state.withLock { $0 = .ready(projections) }
        return projections
    }
}

/// Rows of a table that are gathered when they are first read: a recurrent layer may have no need of them.
struct LookedUpRows<Scalar: TensorFloatingPoint>: LateElements {
    let table: Tensor<Scalar>
    let ids: [Int32]

    func whole() -> Storage<Scalar> { table.gathered(ids).storage }
    func elements(ofRows rows: [Int32]) -> UnsafeMutablePointer<Scalar>? { nil }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// The rows `ids` of a table [V, D]: as ``gathered(_:)``, which outside of gradient computations waits until they are read.
    package func lookedUp(_ ids: [Int32]) -> Tensor {
        guard !isTracked else { return gathered(ids) }
        requireRows(ids)
        return Tensor(
            shape: [ids.count, columnCount],
            storage: Storage(
                late: LookedUpRows(table: self, ids: ids), count: ids.count * columnCount))
    }

    /// x Wᵀ + b of every row: [rows, G U].
    func projected(
        _ cell: RecurrentCellKind, _ weights: RecurrentWeights<Scalar>, keepPacked: Bool = true,
        lasting: Bool = false
    ) -> Tensor {
        let result = Tensor(uninitialized: [shape[0], weights.input.shape[0]], lasting: lasting)
        let bias = weights.projectionBias(cell)
        multiply(
            MatrixView(pointer, rowStride: columnCount), rows: shape[0],
            by: weights.input.packedTranspose(keep: keepPacked), into: result.pointer,
            Epilogue(bias: bias.map { UnsafePointer($0.pointer) }))
        return result
    }
}
