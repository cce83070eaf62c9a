internal import CTensorKernels
import Synchronization

extension Tensor where Scalar: TensorFloatingPoint {
    /// The cross-entropy of the scores self · weightᵀ + bias over a vocabulary: the mean over the rows that have a
    /// target of -log softmax(scores)[target], a scalar.
    ///
    /// The product with the output weight, the softmax and the loss are one operation over chunks of rows, so that of a
    /// batch's scores [N, V] only a chunk exists at a time. The gradients are computed in the same pass, while a
    /// chunk's probabilities are there: the backward pass only scales them.
    ///
    /// - Parameters:
    ///   - weight: The output weight [V, D], often the table of embeddings itself.
    ///   - bias: [V].
    ///   - targets: N ids in 0 ..< V; a negative one leaves its row out. When all are left out the loss is 0.
    ///   - labelSmoothing: s in [0, 1): the target distribution is 1 - s at the target plus s / V everywhere.
    /// - Complexity: O(N V D); extra memory 32 MiB and a gradient of the weight's size.
    public func vocabularyLoss(
        weight: Tensor, bias: Tensor? = nil, targets: [Int32], labelSmoothing: Double = 0
    ) -> Tensor {
        let (vocabulary, width) = (weight.rowCount, columnCount)
        precondition(
            rank == 2 && weight.rank == 2 && weight.shape[1] == width && targets.count == shape[0]
                && (bias.map { $0.shape == [vocabulary] } ?? true)
                && targets.allSatisfy { $0 < vocabulary } && 0..<1 ~= labelSmoothing,
            "vocabularyLoss of \(shape) with weight \(weight.shape), bias \(String(describing: bias?.shape)) and \(targets.count) targets"
        )
        let counted = targets.indices.filter { targets[$0] >= 0 }
        let isWhole = counted.count == targets.count
        var pass = VocabularyPass(
            hidden: isWhole ? detached : detached.rows(at: counted), weight: weight.detached,
            bias: bias?.detached, targets: isWhole ? targets : counted.map { targets[$0] },
            smoothing: labelSmoothing,
            wanted: LinearGradients(
                input: isTracked, weight: weight.isTracked, bias: bias?.isTracked == true))
        let loss = Tensor(Scalar(pass.run()))
        let (dhidden, dweight, dbias) = (pass.dhidden, pass.dweight, pass.dbias)
        let hiddenShape = shape
        let kept = Mutex([dhidden, dweight] + (bias == nil ? [] : [dbias]))
        return loss.recorded(from: [self, weight] + (bias.map { [$0] } ?? [])) { gradient in
            // Taken out, so that the gradients are nobody else's and can be scaled and added to in place.
            var gradients = kept.withLock { kept in
                defer { kept = [] }
                return kept
            }
            let scale = Double(gradient.item)
            for index in gradients.indices where scale != 1 { gradients[index]?.scale(by: scale) }
            if !isWhole { gradients[0] = gradients[0]?.spread(to: counted, of: hiddenShape) }
            return gradients
        }
    }

    /// Zeros of `shape` with this matrix' rows at the places `rows`.
    private func spread(to rows: [Int], of shape: [Int]) -> Tensor {
        let result = Tensor.zeros(shape)
        let width = columnCount
        for (index, row) in rows.enumerated() {
            (result.pointer + row * width).update(from: pointer + index * width, count: width)
        }
        return result
    }
}

/// One pass over all rows: losses, and the gradients of their mean that are wanted.
private struct VocabularyPass<Scalar: TensorFloatingPoint> {
    /// Scores that exist at a time.
    private static var chunkElements: Int { 1 << 23 }
    /// Rows of the weight that are packed at a time: a few MB, which stay in the cache until they are multiplied.
    private static var sliceRows: Int { 2048 }

    let hidden: Tensor<Scalar>
    let weight: Tensor<Scalar>
    let bias: Tensor<Scalar>?
    let targets: [Int32]
    let smoothing: Double
    let wanted: LinearGradients
    private(set) var dhidden: Tensor<Scalar>?
    private(set) var dweight: Tensor<Scalar>?
    private(set) var dbias: Tensor<Scalar>?

    init(
        hidden: Tensor<Scalar>, weight: Tensor<Scalar>, bias: Tensor<Scalar>?, targets: [Int32],
        smoothing: Double, wanted: LinearGradients
    ) {
        self.hidden = hidden
        self.weight = weight
        self.bias = bias
        self.targets = targets
        self.smoothing = smoothing
        self.wanted = wanted
        if wanted.input { dhidden = Tensor(uninitialized: hidden.shape) }
        if wanted.weight { dweight = Tensor(uninitialized: weight.shape, lasting: true) }
        if wanted.bias { dbias = .lastingZeros([weight.shape[0]]) }
    }

    /// Whether no gradient is wanted and the weight is held for products: these then are those of a prediction.
    private var isPrediction: Bool {
        !wanted.input && !wanted.weight && !wanted.bias && weight.storage.isHeldForProducts
    }

    /// Returns the mean loss.
    mutating func run() -> Double {
        let (rows, vocabulary) = (targets.count, weight.shape[0])
        guard rows > 0, vocabulary > 0 else {
            for tensor in [dhidden, dweight] { if let tensor { tensor.pointer.clear(count: tensor.count) } }
            return 0
        }
        let height = min(rows, max(48, Self.chunkElements / vocabulary / 48 * 48))
        var scores = Tensor<Scalar>(uninitialized: [height, vocabulary])
        let losses = Tensor<Scalar>(uninitialized: [rows])
        for start in stride(from: 0, to: rows, by: height) {
            let chunk = start..<min(rows, start + height)
            if isPrediction {
                scores = hidden.rows(chunk).linear(weight, bias: bias)
            } else {
                score(chunk, into: scores)
            }
            differentiate(chunk, scores, losses)
            if wanted.input || wanted.weight { propagate(chunk, scores) }
            if wanted.bias { addBias(chunk, scores) }
        }
        return losses.blockSum { mml_sum(Scalar.kernelType, $1, $0) } / Double(rows)
    }

    private var slices: [Range<Int>] {
        let vocabulary = weight.shape[0]
        return stride(from: 0, to: vocabulary, by: Self.sliceRows).map {
            $0..<min(vocabulary, $0 + Self.sliceRows)
        }
    }

    private func score(_ chunk: Range<Int>, into scores: Tensor<Scalar>) {
        let (vocabulary, width) = (weight.shape[0], hidden.columnCount)
        for slice in slices {
            let (part, first) = rows(slice, of: weight)
            let packed = PackedMatrix(
                UnsafePointer(first), rows: width, columns: slice.count, rowStride: 1, columnStride: width,
                lasting: false)
            withExtendedLifetime(part) {}
            multiply(
                MatrixView(hidden.pointer + chunk.lowerBound * width, rowStride: width), rows: chunk.count,
                by: packed, into: scores.pointer + slice.lowerBound, resultStride: vocabulary,
                Epilogue(bias: bias.map { UnsafePointer($0.pointer + slice.lowerBound) }))
        }
    }

    /// Losses of the rows; `scores` become their own gradients.
    private func differentiate(_ chunk: Range<Int>, _ scores: Tensor<Scalar>, _ losses: Tensor<Scalar>) {
        let vocabulary = weight.shape[0]
        let needsGradient = wanted.input || wanted.weight || wanted.bias
        targets.withUnsafeBufferPointer { targets in
            guard let base = targets.baseAddress else { return }
            parallelRanges(chunk.count, grain: max(1, elementwiseGrain / 4 / vocabulary)) { range in
                let row = chunk.lowerBound + range.lowerBound
                let at = scores.pointer + range.lowerBound * vocabulary
                _ = mml_cross_entropy(
                    Scalar.kernelType, range.count, vocabulary, at, base + row, nil, smoothing,
                    1 / Double(targets.count), losses.pointer + row, needsGradient ? at : nil)
            }
        }
    }

    /// dhidden = dscores weight; dweight += dscoresᵀ hidden.
    private func propagate(_ chunk: Range<Int>, _ dscores: Tensor<Scalar>) {
        let (vocabulary, width) = (weight.shape[0], hidden.columnCount)
        let inputs = wanted.weight ? packedRows(of: hidden, chunk) : nil
        for slice in slices {
            let first = dscores.pointer + slice.lowerBound
            if let dhidden {
                multiply(
                    MatrixView(first, rowStride: vocabulary), rows: chunk.count,
                    by: packedRows(of: weight, slice),
                    into: dhidden.pointer + chunk.lowerBound * width,
                    Epilogue(accumulate: slice.lowerBound > 0))
            }
            if let dweight, let inputs {
                multiply(
                    MatrixView(first, rowStride: 1, columnStride: vocabulary), rows: slice.count, by: inputs,
                    into: dweight.pointer + slice.lowerBound * width,
                    Epilogue(accumulate: chunk.lowerBound > 0))
            }
        }
    }

    private func packedRows(of matrix: Tensor<Scalar>, _ rows: Range<Int>) -> PackedMatrix {
        let width = matrix.columnCount
        let (part, first) = self.rows(rows, of: matrix)
        return withExtendedLifetime(part) {
            PackedMatrix(
                UnsafePointer(first), rows: rows.count, columns: width, rowStride: width, columnStride: 1,
                lasting: false)
        }
    }

    /// The first element of some rows, and what holds them: the matrix, or a copy of these rows of one that is held in 8 bits.
    private func rows(
        _ rows: Range<Int>, of matrix: Tensor<Scalar>
    ) -> (owner: Tensor<Scalar>, first: UnsafeMutablePointer<Scalar>) {
        guard matrix.isHeldQuantized else {
            return (matrix, matrix.pointer + rows.lowerBound * matrix.columnCount)
        }
        let copy = matrix.gathered(rows.map { Int32(truncatingIfNeeded: $0) })
        return (copy, copy.pointer)
    }

    private func addBias(_ chunk: Range<Int>, _ dscores: Tensor<Scalar>) {
        guard let dbias else { return }
        let vocabulary = weight.shape[0]
        parallelRanges(vocabulary, grain: 4096) { columns in
            mml_sum_rows(
                Scalar.kernelType, chunk.count, columns.count, dscores.pointer + columns.lowerBound,
                vocabulary, dbias.pointer + columns.lowerBound)
        }
    }
}
