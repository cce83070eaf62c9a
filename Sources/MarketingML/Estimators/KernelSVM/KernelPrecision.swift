import Tensor

/// Whether kernel values are computed in single or in double precision.
///
/// Single precision is at least twice as fast. It is not enough where numbers much larger than their result cancel (distances of
/// points with large norms), and gains nothing where there is little to compute.
enum KernelPrecision {
    /// - Parameters:
    ///   - largestSquare: The largest squared norm of a point.
    ///   - work: Multiplications that the kernel values take.
    ///   - smallWork: Below this, double precision costs nothing that one would notice.
    ///   - accuracy: The error that a kernel value may have.
    /// - Throws: `.tooLarge` if kernel values overflow.
    static func needsDouble(
        _ function: KernelFunction, largestSquare: Double, work: Double, smallWork: Double, accuracy: Double
    ) throws(MarketingMLError) -> Bool {
        let magnitude = function.magnitude(largestSquare: largestSquare)
        guard magnitude < 1e300 else {
            throw MarketingMLError(.tooLarge, "kernel values overflow: features are too large, scale them")
        }
        return work <= smallWork || magnitude * 0x1p-23 > accuracy
    }
}

extension Features {
    /// The same elements in the form that kernels are computed from: sparse if at most a quarter is stored, else dense.
    var forKernels: Features {
        guard case .sparse(let matrix) = self,
            4 * matrix.storedCount > matrix.rowCount * matrix.columnCount
        else { return self }
        return .float(matrix.dense)
    }

    /// The mean of each column, unless sparse.
    var center: [Double]? {
        switch self {
        case .float(let matrix): matrix.columnMeans
        case .double(let matrix): matrix.columnMeans
        case .sparse: nil
        }
    }

    /// The rows as points, shifted by the center unless sparse.
    func points<Scalar: TensorFloatingPoint>(_ type: Scalar.Type, center: [Double]?) -> KernelPoints<Scalar> {
        switch self {
        case .float(let matrix): KernelPoints(matrix, center: center)
        case .double(let matrix): KernelPoints(matrix, center: center)
        case .sparse(let matrix): KernelPoints(matrix)
        }
    }

    /// The rows as points for a kernel matrix over dense or sparse ones.
    func points<Scalar: TensorFloatingPoint>(
        _ type: Scalar.Type, sparse: Bool, center: [Double]?
    ) -> KernelPoints<Scalar> {
        switch self {
        case .sparse(let matrix) where !sparse:
            KernelPoints(matrix.dense, center: center)
        case .float(let matrix) where sparse: KernelPoints(SparseMatrix(matrix))
        case .double(let matrix) where sparse:
            KernelPoints(SparseMatrix(Tensor<Float>(shape: matrix.shape, matrix.elements.map { Float($0) })))
        default: points(type, center: center)
        }
    }
}
