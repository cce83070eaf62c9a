internal import COpenBLAS

extension Tensor where Scalar: TensorFloatingPoint {
    /// The matrix product, optionally of transposed operands: [M, K] · [K, N] → [M, N].
    ///
    /// - Complexity: O(M N K).
    public func matmul(_ other: Tensor, transposingSelf: Bool = false, transposingOther: Bool = false)
        -> Tensor
    {
        let (a, b) = (detached, other.detached)
        let result = Tensor.product(a, transposingSelf, b, transposingOther)
        return result.recorded(from: self, other) { gradient in
            let g = gradient
            let da =
                transposingSelf
                ? Tensor.product(b, transposingOther, g, true)
                : Tensor.product(g, false, b, !transposingOther)
            let db =
                transposingOther
                ? Tensor.product(g, true, a, transposingSelf) : Tensor.product(a, !transposingSelf, g, false)
            return [da, db]
        }
    }

    /// Rows from which packing the right side pays.
    private static var packedRows: Int { 8 }

    /// op(a) op(b).
    ///
    /// By our own kernel: OpenBLAS' threads collapse when a core is shared, and on a processor younger than itself it falls
    /// back to kernels of a seventh of the speed (17 of 115 GF/s a core). A few rows go through OpenBLAS, which reads the right
    /// side where it stands.
    private static func product(_ a: Tensor, _ transposeA: Bool, _ b: Tensor, _ transposeB: Bool) -> Tensor {
        precondition(
            a.rank == 2 && b.rank == 2, "matmul needs matrices, the shapes are \(a.shape) and \(b.shape)")
        let (m, k) = transposeA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
        let (k2, n) = transposeB ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
        precondition(k == k2, "matmul of \(a.shape) and \(b.shape): \(k) is not \(k2)")
        guard k > 0, m > 0, n > 0 else { return .zeros([m, n]) }
        let result = Tensor(uninitialized: [m, n])
        if m >= packedRows {
            let packed = PackedMatrix(b, rows: k, columns: n, transposed: transposeB)
            multiply(
                MatrixView(
                    UnsafePointer(a.pointer), rowStride: transposeA ? 1 : k, columnStride: transposeA ? m : 1),
                rows: m, by: packed, into: result.pointer)
            return result
        }
        SingleThreadedBLAS.prepare()
        parallelRanges(n, grain: max(16, (1 << 16) / k)) { columns in
            let first = columns.lowerBound
            gemm(
                transposeA, transposeB, m, columns.count, k, a.pointer, a.shape[1],
                b.pointer + (transposeB ? first * k : first), b.shape[1], result.pointer + first, n)
        }
        return result
    }

    private static func gemm(
        _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Scalar>,
        _ lda: Int,
        _ b: UnsafePointer<Scalar>, _ ldb: Int, _ c: UnsafeMutablePointer<Scalar>, _ ldc: Int
    ) {
        let ta = transposeA ? CblasTrans : CblasNoTrans
        let tb = transposeB ? CblasTrans : CblasNoTrans
        let (m, n, k) = (blasint(m), blasint(n), blasint(k))
        let (lda, ldb, ldc) = (blasint(lda), blasint(ldb), blasint(ldc))
        if Scalar.kernelType.rawValue == 0 {
            let (a, b) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
            cblas_sgemm(
                CblasRowMajor, ta, tb, m, n, k, 1, a.assumingMemoryBound(to: Float.self), lda,
                b.assumingMemoryBound(to: Float.self), ldb, 0,
                UnsafeMutableRawPointer(c).assumingMemoryBound(to: Float.self), ldc)
        } else {
            let (a, b) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
            cblas_dgemm(
                CblasRowMajor, ta, tb, m, n, k, 1, a.assumingMemoryBound(to: Double.self), lda,
                b.assumingMemoryBound(to: Double.self), ldb, 0,
                UnsafeMutableRawPointer(c).assumingMemoryBound(to: Double.self), ldc)
        }
    }
}

/// OpenBLAS has one process-wide thread count and none that is local to a thread.
enum SingleThreadedBLAS {
    private static let once: Void = openblas_set_num_threads(1)
    static func prepare() { once }
}
