internal import CTensorKernels

/// Matrices of factors: [rows, width], a row's factors padded with zeros so that rows begin on cache lines.
package enum FactorMatrix {
    /// The width of rows with this many factors: the next multiple of 16.
    package static func width(factors: Int) -> Int { (factors + 15) / 16 * 16 }

    /// Normally distributed factors; the padding is zero.
    package static func random(
        rows: Int, factors: Int, standardDeviation: Double, seed: UInt64, stream: UInt64
    ) -> Tensor<Float> {
        let width = width(factors: factors)
        var result = Tensor<Float>.randomNormal(
            [rows, width], standardDeviation: standardDeviation, seed: seed, stream: stream)
        result.withUnsafeMutableElements { elements in
            for row in 0..<rows {
                for column in factors..<width { elements[row * width + column] = 0 }
            }
        }
        return result
    }

    /// Σ x xᵀ over the rows: [width, width]. Parts of 1,024 rows are added up in Double.
    ///
    /// - Complexity: O(rows · width²), on the pool.
    package static func gram(_ x: Tensor<Float>) -> [Double] {
        let (rows, width) = (x.shape[0], x.shape[1])
        let part = 1024
        let count = (rows + part - 1) / part
        let square = width * width
        var parts = Tensor<Float>(uninitialized: [count, square])
        parts.withUnsafeMutableElements { parts in
            guard let target = parts.baseAddress else { return }
            let source = x.pointer
            parallel(count) { index in
                let first = index * part
                mml_factor_gram(
                    MML_F32, min(part, rows - first), width, source + first * width, target + index * square)
            }
        }
        var result = [Double](repeating: 0, count: square)
        result.withUnsafeMutableBufferPointer { result in
            for index in 0..<count {
                let from = parts.pointer + index * square
                for element in 0..<square { result[element] += Double(from[element]) }
            }
        }
        result.mirrorUpper(order: width)
        return result
    }
}

/// One half of alternating least squares: the rows x of a sparse matrix that are best while the other side's rows y are fixed.
///
/// Each row minimises Σ over its elements c of (slope c − base) (x·y)² − 2 α c x·y, plus unobserved Σ (x·y)² over all y, plus
/// penalty ‖x‖². With slope α this is Σ α c (1 − x·y)² − base (x·y)², confidence; with slope 0 and base −1 Σ (c − x·y)², ratings;
/// both but for a constant.
package struct FactorProblem: Sendable {
    /// How a row's normal equations are solved.
    package enum Solver: Sendable, Equatable {
        /// Exactly: O(n F² + F³) for n elements and F factors.
        case cholesky
        /// So many preconditioned steps from the row that is there: O(n F steps + F²).
        case conjugateGradient(steps: Int)
        /// Blocks of factors in turn from the row that is there, each exactly: O(n F size + F size²).
        case blocks(size: Int)
        /// Without negative factors, by coordinate descent from the row that is there: O(n F² + F² sweeps).
        case nonNegative
    }

    /// The elements c, row by row.
    package let elements: SparseMatrix<Float>
    /// The factor of each c that pulls x·y up.
    package let alpha: Double
    /// The factor of each c in the weight of its pair.
    package let slope: Double
    /// What an element takes off the weight of its pair.
    package let base: Double
    /// The weight of every pair.
    package let unobserved: Double
    /// The weight of each row's own square.
    package let penalties: [Float]

    package init(
        elements: SparseMatrix<Float>, alpha: Double, slope: Double, base: Double, unobserved: Double,
        penalties: [Float]
    ) {
        precondition(penalties.count == elements.rowCount, "one penalty a row")
        self.elements = elements
        self.alpha = alpha
        self.slope = slope
        self.base = base
        self.unobserved = unobserved
        self.penalties = penalties
    }

    /// What all rows share of their systems, for `solve`.
    package func sharedSystem(of fixed: Tensor<Float>) -> [Float] {
        guard unobserved != 0 else { return [Float](repeating: 0, count: fixed.shape[1] * fixed.shape[1]) }
        return FactorMatrix.gram(fixed).map { Float(unobserved * $0) }
    }

    /// Replaces the rows of `solved` by better ones. A row's result depends on nothing but its own elements.
    ///
    /// - Parameter shared: `sharedSystem(of: fixed)`.
    /// - Returns: The first row whose system is not positive definite; nil if all were solved.
    package func solve(
        _ solved: inout Tensor<Float>, fixed: Tensor<Float>, factors: Int, shared: [Float], by solver: Solver
    ) -> Int? {
        guard case .conjugateGradient = solver else {
            return solveRows(&solved, fixed: fixed, factors: factors, shared: shared, by: solver)
        }
        // G is of the fixed rows, the same for all rows: in the basis of its eigenvectors it is diagonal.
        guard let basis = EigenBasis(shared, factors: factors, width: fixed.shape[1]) else { return 0 }
        var turned = basis.coordinates(of: solved)
        let failed = solveRows(
            &turned, fixed: basis.coordinates(of: fixed), factors: factors, shared: basis.values, by: solver)
        basis.write(turned, to: &solved)
        return failed
    }

    private func solveRows(
        _ solved: inout Tensor<Float>, fixed: Tensor<Float>, factors: Int, shared: [Float], by solver: Solver
    ) -> Int? {
        let rows = elements.rowCount
        let longest = (0..<rows).reduce(0) {
            max($0, elements.rowOffsets[$1 + 1] - elements.rowOffsets[$1])
        }
        let grain = 16
        let failed = solved.withUnsafeMutableElements { target in
            withProblem(target.baseAddress, fixed: fixed, factors: factors, shared: shared, solver: solver) {
                problem in
                let scratch = mml_als_scratch(MML_F32, problem, longest) * MemoryLayout<Float>.stride
                return parallelMap((rows + grain - 1) / grain) { task in
                    let (address, sizeClass) = TensorMemory.allocate(bytes: scratch)
                    defer { TensorMemory.release(address, sizeClass: sizeClass) }
                    return mml_als_solve(
                        MML_F32, problem, task * grain, min(rows, (task + 1) * grain), address)
                }
            }
        }
        return failed.first { $0 >= 0 }
    }

    /// What the elements add to the loss: Σ (slope c − base) p² − 2 α c p + α c.
    package func elementLoss(of solved: Tensor<Float>, fixed: Tensor<Float>, factors: Int) -> Double {
        let rows = elements.rowCount
        let grain = 64
        let parts = withProblem(solved.pointer, fixed: fixed, factors: factors, shared: [], solver: .cholesky)
        {
            problem in
            parallelMap((rows + grain - 1) / grain) { task in
                mml_als_loss(MML_F32, problem, task * grain, min(rows, (task + 1) * grain))
            }
        }
        return withExtendedLifetime(solved) { parts.reduce(0, +) }
    }

    private func withProblem<Result>(
        _ solved: UnsafeMutablePointer<Float>?, fixed: Tensor<Float>, factors: Int, shared: [Float],
        solver: Solver, _ body: (UnsafePointer<mml_als>) -> Result
    ) -> Result {
        let (kind, steps, block) =
            switch solver {
            case .cholesky: (MML_ALS_CHOLESKY, 0, 0)
            case .conjugateGradient(let steps): (MML_ALS_CONJUGATE_GRADIENT, steps, 0)
            case .blocks(let size): (MML_ALS_BLOCKS, 0, FactorMatrix.width(factors: size))
            case .nonNegative: (MML_ALS_NONNEGATIVE, 1000, 0)
            }
        return elements.rowOffsets.withUnsafeBufferPointer { offsets in
            elements.columnIndices.withUnsafeBufferPointer { indices in
                elements.values.withUnsafeBufferPointer { values in
                    penalties.withUnsafeBufferPointer { penalties in
                        shared.withUnsafeBufferPointer { shared in
                            var problem = mml_als(
                                solver: Int32(kind.rawValue), steps: steps, block: block, factors: factors,
                                width: fixed.shape[1], offsets: offsets.baseAddress,
                                indices: indices.baseAddress,
                                confidences: values.baseAddress, alpha: alpha, slope: slope, base: base,
                                fixed: fixed.pointer, gram: shared.baseAddress,
                                share: unobserved > 0 ? 1 / (unobserved * Double(fixed.shape[0])) : 0,
                                penalties: penalties.baseAddress,
                                solved: solved)
                            return body(&problem)
                        }
                    }
                }
            }
        }
    }
}

extension SparseMatrix<Float> {
    /// The transpose, compiled for this element type here: other modules would run the generic code.
    package var flipped: SparseMatrix<Float> { transposed }
}
