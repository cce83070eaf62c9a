internal import CTensorKernels

/// The gradient of a table [V, D] of which a batch read few rows: those rows, the others being zero.
///
/// It travels as a tensor of the table's shape. Whoever asks for its elements gets them, zeros included; an optimizer that
/// knows how can do with the rows.
struct RowGradient<Scalar: TensorFloatingPoint>: LateElements {
    let shape: [Int]
    /// Distinct, in the order in which they were read first.
    let ids: [Int32]
    /// Their gradients [ids.count, D].
    let rows: Tensor<Scalar>

    /// Rows of dy that belong to the same id are added in order.
    init(of dy: Tensor<Scalar>, _ ids: [Int32], shape: [Int]) {
        var place = [Int32](repeating: -1, count: shape[0])
        var distinct: [Int32] = []
        let targets = ids.map { id in
            if place[Int(id)] < 0 {
                place[Int(id)] = Int32(distinct.count)
                distinct.append(id)
            }
            return place[Int(id)]
        }
        self.shape = shape
        self.ids = distinct
        // The first rows of a block of the table's size, of which nothing else is touched: a batch that reads so much of the
        // table that its gradient is whole takes the same block.
        let block = Tensor<Scalar>(uninitialized: shape, lasting: true)
        rows = Tensor(
            shape: [distinct.count, shape[1]],
            storage: Storage(first: distinct.count * shape[1], of: block.storage))
        rows.scatterAdd(dy, targets)
    }

    func whole() -> Storage<Scalar> {
        let table = Tensor<Scalar>(uninitialized: shape, lasting: true)
        table.scatterAdd(rows, ids)
        return table.storage
    }

    func elements(ofRows rows: [Int32]) -> UnsafeMutablePointer<Scalar>? { nil }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// The gradient of a table of that shape from those of the rows that were read.
    static func tableGradient(_ dy: Tensor, _ ids: [Int32], shape: [Int]) -> Tensor {
        guard 2 * ids.count <= shape[0] else {
            let table = Tensor(uninitialized: shape, lasting: true)
            table.scatterAdd(dy, ids)
            return table
        }
        let gradient = RowGradient(of: dy, ids, shape: shape)
        return Tensor(shape: shape, storage: Storage(late: gradient, count: shape[0] * shape[1]))
    }

    /// The rows of a table's gradient, as long as nobody has asked for all its elements.
    var rowGradient: RowGradient<Scalar>? { storage.isLate ? storage.late as? RowGradient<Scalar> : nil }

    /// Becomes zeros to whose row ids[r] row r of dy is added. Threads share the columns, so rows that occur twice are added
    /// in order.
    fileprivate func scatterAdd(_ dy: Tensor, _ ids: [Int32]) {
        let width = shape[1]
        parallelRanges(count, grain: 1 << 18) { range in
            (pointer + range.lowerBound).clear(count: range.count)
        }
        parallelRanges(width, grain: max(16, width / 4)) { columns in
            ids.withUnsafeBufferPointer { ids in
                guard let base = ids.baseAddress else { return }
                mml_scatter_add(
                    Scalar.kernelType, ids.count, columns.lowerBound, columns.upperBound, dy.pointer, width,
                    base, pointer, width)
            }
        }
    }
}
