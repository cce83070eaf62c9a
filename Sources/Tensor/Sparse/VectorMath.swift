internal import CTensorKernels

/// Sums over whole vectors in double, whose order depends on their length alone.
package enum VectorMath {
    /// Σ aᵢ bᵢ.
    package static func dot(_ a: [Double], _ b: [Double]) -> Double {
        precondition(a.count == b.count, "\(a.count) and \(b.count) elements")
        return a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in mml_dot(MML_F64, a.count, a.baseAddress, b.baseAddress) }
        }
    }

    /// target += factor · x.
    package static func add(_ factor: Double, _ x: [Double], to target: inout [Double]) {
        precondition(x.count == target.count, "\(x.count) and \(target.count) elements")
        x.withUnsafeBufferPointer { x in
            target.withUnsafeMutableBufferPointer { target in
                mml_scale_add(MML_F64, x.count, factor, x.baseAddress, 1, target.baseAddress)
            }
        }
    }
}

extension Tensor where Scalar == Float {
    /// The nonzero elements of a matrix, row by row.
    package var sparse: SparseMatrix<Float> { SparseMatrix(self) }
}

extension Tensor where Scalar == Double {
    /// The nonzero elements of a matrix, row by row.
    package var sparse: SparseMatrix<Double> { SparseMatrix(self) }
}
