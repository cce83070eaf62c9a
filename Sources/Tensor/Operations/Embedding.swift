internal import CTensorKernels

extension Tensor where Scalar: TensorFloatingPoint {
    /// Rows of this table [V, D]: ids [N] → [N, D]. Every id must be in 0 ..< V.
    public func gathered(_ ids: [Int32]) -> Tensor { Tensor.gatheredSum([(self, ids)]) }

    /// - Precondition: the table has all these rows.
    func requireRows(_ ids: [Int32]) {
        let limit = Int32(clamping: shape[0])
        precondition(
            ids.allSatisfy { 0 <= $0 && $0 < limit }, "an id is outside the table of \(limit) rows")
    }

    /// The sum of rows of several tables of the same width: BERT's words + positions + token types, as one operation.
    public static func gatheredSum(_ parts: [(table: Tensor, ids: [Int32])]) -> Tensor {
        guard let first = parts.first else { preconditionFailure("gatheredSum needs at least one table") }
        let rows = first.ids.count
        let width = first.table.columnCount
        for (table, ids) in parts {
            precondition(
                table.rank == 2 && table.shape[1] == width && ids.count == rows,
                "gatheredSum of tables \(parts.map(\.table.shape)) and \(parts.map(\.ids.count)) ids")
            table.requireRows(ids)
        }
        let result = Tensor(uninitialized: [rows, width])
        let sources = parts.map { $0.table.rowSource($0.ids) }
        parallelRanges(rows, grain: 64) { range in
            for (index, (_, ids)) in parts.enumerated() {
                ids.withUnsafeBufferPointer { ids in
                    guard let base = ids.baseAddress else { return }
                    sources[index].gather(
                        base + range.lowerBound, count: range.count, width: width, adding: index > 0,
                        into: result.pointer + range.lowerBound * width)
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

    /// Where rows `ids` are read: in the form in which the table is held, so that a table that is also an output matrix is
    /// held once.
    private func rowSource(_ ids: [Int32]) -> HeldTable {
        if let quantized = storage.quantized, quantized.columns == shape[0] { return .quantized(quantized) }
        if !storage.isPlain, let packed = storage.packed.withLock({ $0 }), packed.columns == shape[0] {
            return .packed(packed)
        }
        return .plain(UnsafePointer(storage.elements(ofRows: ids)))
    }

    private enum HeldTable {
        case plain(UnsafePointer<Scalar>)
        case packed(PackedMatrix)
        case quantized(QuantizedMatrix)

        /// Writes the rows `ids` to `target`, or adds them.
        func gather(
            _ ids: UnsafePointer<Int32>, count: Int, width: Int, adding: Bool,
            into target: UnsafeMutablePointer<Scalar>
        ) {
            let (type, add) = (Scalar.kernelType, Int32(adding ? 1 : 0))
            switch self {
            case .plain(let table): mml_gather(type, count, width, table, ids, add, target)
            case .packed(let table): mml_gather_packed(type, count, width, table.pointer, ids, add, target)
            case .quantized(let table): table.gather(ids, count: count, adding: adding, into: target)
            }
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
