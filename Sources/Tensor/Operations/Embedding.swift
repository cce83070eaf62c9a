internal import CTensorKernels

extension Tensor where Scalar: TensorFloatingPoint {
    /// Rows of this table [V, D]: ids [N] → [N, D]. Every id must be in 0 ..< V.
    public func gathered(_ ids: [Int32]) -> Tensor { Tensor.gatheredSum([(self, ids)]) }

    /// The sum of rows of several tables of the same width: BERT's words + positions + token types, as one operation.
    public static func gatheredSum(_ parts: [(table: Tensor, ids: [Int32])]) -> Tensor {
        guard let first = parts.first else { preconditionFailure("gatheredSum needs at least one table") }
        let rows = first.ids.count
        let width = first.table.columnCount
        for (table, ids) in parts {
            precondition(
                table.rank == 2 && table.shape[1] == width && ids.count == rows,
                "gatheredSum of tables \(parts.map(\.table.shape)) and \(parts.map(\.ids.count)) ids")
            let limit = Int32(clamping: table.shape[0])
            precondition(
                ids.allSatisfy { 0 <= $0 && $0 < limit }, "an id is outside the table of \(limit) rows")
        }
        let result = Tensor(uninitialized: [rows, width])
        let sources = parts.map { $0.table.storage.elements(ofRows: $0.ids) }
        parallelRanges(rows, grain: 64) { range in
            for (index, (_, ids)) in parts.enumerated() {
                ids.withUnsafeBufferPointer { ids in
                    guard let base = ids.baseAddress else { return }
                    mml_gather(
                        Scalar.kernelType, range.count, width, sources[index], base + range.lowerBound,
                        index == 0 ? 0 : 1,
                        result.pointer + range.lowerBound * width)
                }
            }
        }
        withExtendedLifetime(parts) {}
        let saved = parts.map { (shape: $0.table.shape, ids: $0.ids, wanted: $0.table.isTracked) }
        return result.recorded(from: parts.map(\.table)) { gradient in
            let dy = gradient
            return saved.map { $0.wanted ? tableGradient(dy, $0.ids, shape: $0.shape) : nil }
        }
    }

    /// The rows at `indices` of a matrix [N, D]; a row may be taken more than once.
    public func rows(at indices: [Int]) -> Tensor { gathered(indices.map { Int32(clamping: $0) }) }

    /// The mean of each packed sequence's rows: [N, D] → [sequences, D]; a sequence without rows gives zeros.
    public func meanPooled(offsets: [Int]) -> Tensor {
        precondition(rank == 2 && offsets.first == 0 && offsets.last == shape[0], "meanPooled of \(shape)")
        let width = shape[1]
        let sequences = offsets.count - 1
        let result = Tensor.zeros([sequences, width])
        parallel(sequences) { sequence in
            let rows = offsets[sequence]..<offsets[sequence + 1]
            let target = result.pointer + sequence * width
            mml_sum_rows(
                Scalar.kernelType, rows.count, width, pointer + rows.lowerBound * width, width, target)
            mml_scale_add(Scalar.kernelType, width, 1 / Double(max(1, rows.count)), target, 0, target)
        }
        let shape = shape
        return result.recorded(from: self) { gradient in
            let dy = gradient
            let dx = Tensor(uninitialized: shape)
            parallel(sequences) { sequence in
                let rows = offsets[sequence]..<offsets[sequence + 1]
                for row in rows {
                    mml_scale_add(
                        Scalar.kernelType, width, 1 / Double(rows.count), dy.pointer + sequence * width, 0,
                        dx.pointer + row * width)
                }
            }
            return [dx]
        }
    }
}
