/// Rows of a square matrix of kernel values over N points.
package protocol KernelRows<Scalar> {
    /// The precision of the values.
    associatedtype Scalar: TensorFloatingPoint

    /// How many rows can be had at once.
    var capacity: Int { get }

    /// The rows of these points, N elements each; valid until the next call.
    func rows(_ points: [Int]) -> [UnsafePointer<Scalar>]
}

extension KernelRowCache: KernelRows {}

/// A kernel matrix that is there as a whole.
package struct KernelTable<Scalar: TensorFloatingPoint>: KernelRows {
    private let matrix: Tensor<Scalar>

    /// - Parameter matrix: [N, N].
    package init(_ matrix: Tensor<Scalar>) { self.matrix = matrix }

    package var capacity: Int { matrix.shape[0] }

    package func rows(_ points: [Int]) -> [UnsafePointer<Scalar>] {
        points.map { UnsafePointer(matrix.pointer + $0 * matrix.shape[1]) }
    }
}
