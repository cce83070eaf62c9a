internal import CTensorKernels

/// The transpose of a weight in 8 bits, in the layout that the integer kernel reads: symmetric around 0, a scale for each
/// output.
///
/// The scheme is that of Jacob et al., CVPR 2018, arXiv:1712.05877; the rows that it is multiplied with are quantised as they
/// come, each with a scale and a zero of its own.
final class QuantizedMatrix: Sendable {
    /// K, the inputs.
    let rows: Int
    /// M, the outputs.
    let columns: Int
    private let type: mml_type
    // Bytes, which the kernel reads as signed integers and as numbers of `type`.
    private let values: Tensor<UInt8>
    private let scales: Tensor<UInt8>
    private let sums: Tensor<Int32>

    /// The most inputs whose sums of products fit 32 bits: 131072 · 255 · 64 < 2³¹.
    static let maximumRows = 1 << 17

    /// Quantises a weight [M, K].
    init<Scalar: TensorFloatingPoint>(_ weight: Tensor<Scalar>) {
        precondition(
            weight.rank == 2 && weight.shape[1] <= Self.maximumRows,
            "only matrices of at most \(Self.maximumRows) columns are quantised, the shape is \(weight.shape)"
        )
        columns = weight.shape[0]
        rows = weight.shape[1]
        type = Scalar.kernelType
        let width = mml_integer_panel_width(type, 0)
        let panels = (columns + width - 1) / width
        values = Tensor(uninitialized: [panels * width * byteRow(rows)], lasting: true)
        scales = Tensor(uninitialized: [columns * MemoryLayout<Scalar>.stride], lasting: true)
        sums = Tensor(uninitialized: [columns], lasting: true)
        forEachPanels { range in
            mml_quantize_panels(
                type, rows, columns, weight.pointer, range.lowerBound, range.upperBound, bytes,
                scales.pointer,
                sums.pointer)
        }
    }

    /// Writes the weight that it stands for, [M, K], of the element type it was made from.
    func dequantize(into target: UnsafeMutableRawPointer) {
        forEachPanels {
            mml_dequantize_panels(
                type, rows, columns, bytes, scales.pointer, $0.lowerBound, $0.upperBound, target)
        }
    }

    /// Writes the rows `ids` of the weight that it stands for to `target`, or adds them.
    func gather<Scalar: TensorFloatingPoint>(
        _ ids: UnsafePointer<Int32>, count: Int, adding: Bool, into target: UnsafeMutablePointer<Scalar>
    ) {
        var panels = panels
        mml_gather_quantized(type, count, rows, &panels, ids, adding ? 1 : 0, target)
    }

    /// What it takes in memory.
    var byteCount: Int { values.count + scales.count + 4 * sums.count }

    /// For the kernel, as long as this lives.
    fileprivate var panels: mml_quantized_panels {
        mml_quantized_panels(values: bytes, scales: scales.pointer, sums: sums.pointer)
    }

    private var bytes: UnsafeMutablePointer<Int8> {
        UnsafeMutableRawPointer(values.pointer).assumingMemoryBound(to: Int8.self)
    }

    private func forEachPanels(_ body: (Range<Int>) -> Void) {
        let width = mml_integer_panel_width(type, 0)
        parallelRanges(
            (columns + width - 1) / width, grain: max(1, (1 << 14) / max(1, rows * width)), body)
    }
}

/// Bytes of a row of k elements.
private func byteRow(_ k: Int) -> Int { (k + 3) / 4 * 4 }

extension Tensor where Scalar: TensorFloatingPoint {
    /// The same weight [M, K] held in 8 bits alone, for models that only predict: a quarter of the memory, and products of
    /// integers. In all else it counts as the rounded weights that it then stands for.
    ///
    /// If it is held so already, or has too many columns for sums of 32 bits, it stays as it is.
    package func heldQuantized() -> Tensor {
        guard storage.quantized == nil, columnCount <= QuantizedMatrix.maximumRows else { return detached }
        return Tensor(shape: shape, storage: Storage(quantized: QuantizedMatrix(self), count: count))
    }

    /// Itself; of a weight held in 8 bits the rounded weights, in memory of their own: so that a frozen one, through which gradients
    /// pass, does not grow a plain form that stays.
    var plainForm: Tensor {
        guard let quantized = storage.quantized, !storage.isPlain else { return self }
        let plain = Tensor(uninitialized: shape, lasting: true)
        quantized.dequantize(into: UnsafeMutableRawPointer(plain.pointer))
        return plain
    }

    /// Whether it is held in 8 bits.
    package var isHeldQuantized: Bool { storage.quantized != nil }

    /// The bytes that a weight takes in the form in which a model that only predicts holds it.
    package var heldByteCount: Int {
        storage.quantized?.byteCount ?? count * MemoryLayout<Scalar>.stride
    }
}

/// result = activation(x Wᵀ + bias) by integer products, W [M, K] held in 8 bits; x counts as a matrix of rows.
///
/// A row of the result depends on that row of x alone, whatever stands beside it and however the work is cut.
func multiply<Scalar: TensorFloatingPoint>(
    _ x: Tensor<Scalar>, by weight: QuantizedMatrix, bias: Tensor<Scalar>?, activation: Activation,
    into result: Tensor<Scalar>
) {
    let (m, n, k) = (x.rowCount, weight.columns, weight.rows)
    guard m > 0, n > 0 else { return }
    let (type, stride) = (Scalar.kernelType, byteRow(k))
    let bytes = Tensor<UInt8>(uninitialized: [m, stride])
    let scales = Tensor<Scalar>(uninitialized: [m])
    let zeros = Tensor<Int32>(uninitialized: [m])
    parallelRanges(m, grain: max(4, (1 << 15) / max(1, k))) { rows in
        let first = rows.lowerBound
        mml_quantize_rows(
            type, rows.count, k, x.pointer + first * k, k, bytes.pointer + first * stride, stride,
            scales.pointer + first, zeros.pointer + first)
    }
    let width = mml_integer_panel_width(type, 0)
    // An integer product takes half the time of one in float.
    let tiles = ProductTiles(
        rows: m, panels: (n + width - 1) / width, work: m * n * k / 2, threads: ThreadPool.threadCount)
    parallel(tiles.count) { tile in
        let (rows, panels) = tiles[tile]
        let first = rows.lowerBound
        var a = mml_quantized_rows(
            values: bytes.pointer + first * stride, stride: stride, scales: scales.pointer + first,
            zeros: zeros.pointer + first)
        var b = weight.panels
        var spec = mml_epilogue(
            alpha: 1, accumulate: 0, activation: Int32(activation.kernel.rawValue),
            bias: bias.map { UnsafeRawPointer($0.pointer) }, preactivation: nil)
        mml_gemm_quantized(
            type, rows.count, n, k, &a, &b, panels.lowerBound, panels.upperBound, &spec,
            result.pointer + first * n, n)
    }
    withExtendedLifetime((x, weight, bias, bytes, scales, zeros)) {}
}
