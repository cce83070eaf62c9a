internal import CTensorKernels

/// The coefficients β of the dual of a linear model's objective, w = Σ βᵢ xᵢ, and passes of coordinate descent over them.
///
/// The objective is ½‖w‖² + Σ costᵢ loss(yᵢ, xᵢ·w + offset). Each step minimises the dual exactly in one coefficient and
/// costs two visits of the row: x·w before it, w += Δβ x after it.
package struct DualCoordinates<Scalar: TensorFloatingPoint>: Sendable {
    /// What a pass found on its way.
    package struct Pass {
        /// The duality gap, each row's share taken just before its step (the logistic loss': to second order). At the end of
        /// the pass it is smaller.
        package var gap: Double
        /// The largest change of a row's value by its own step.
        package var violation: Double
    }

    /// X.
    package let rows: SparseProducts<Scalar>
    /// The loss.
    package let loss: LinearLoss
    /// y: [N].
    package let targets: [Double]
    /// The factor of each row's loss: [N]. Rows with 0 are left out.
    package let costs: [Double]
    /// β: [N].
    package private(set) var coefficients: [Double]
    /// w = Σ βᵢ xᵢ: [D].
    package private(set) var weights: [Double]
    /// What is added to every x·w.
    package var offset = 0.0
    private let squaredNorms: [Double]
    private var active: [UInt8]

    /// Starts at β (nil: zeros).
    package init(
        _ rows: SparseProducts<Scalar>, loss: LinearLoss, targets: [Double], costs: [Double],
        coefficients: [Double]? = nil
    ) {
        precondition(
            targets.count == rows.rowCount && costs.count == rows.rowCount, "one target and cost a row")
        self.rows = rows
        self.loss = loss
        self.targets = targets
        self.costs = costs
        squaredNorms = rows.squaredRowNorms()
        self.coefficients = coefficients ?? [Double](repeating: 0, count: rows.rowCount)
        weights =
            coefficients.map { rows.transposedTimes($0) } ?? [Double](repeating: 0, count: rows.width)
        active = [UInt8](repeating: 1, count: rows.rowCount)
    }

    /// All rows take part again.
    package mutating func activateAll() { active = [UInt8](repeating: 1, count: rows.rowCount) }

    /// The rows that take part, in increasing order.
    package var activeRows: [Int32] {
        active.withUnsafeBufferPointer { active in
            [Int32](unsafeUninitializedCapacity: active.count) { result, count in
                for row in 0..<active.count where active[row] != 0 {
                    result[count] = Int32(truncatingIfNeeded: row)
                    count += 1
                }
            }
        }
    }

    /// The values X w + offset: [N].
    package var values: [Double] {
        let values = rows.times(weights)
        return offset == 0 ? values : values.map { $0 + offset }
    }

    /// ½‖w‖² + Σ costᵢ lossᵢ and the duality gap, for the values X w + offset.
    package func objective() -> (primal: Double, gap: Double) {
        let z = values
        let half = weights.withUnsafeBufferPointer { w in w.reduce(0) { $0 + $1 * $1 } / 2 }
        return (
            half + loss.total(targets: targets, costs: costs, values: z),
            loss.gap(targets: targets, costs: costs, values: z, coefficients: coefficients)
        )
    }

    /// One step for each row of `order`, in that order.
    ///
    /// - Parameter limit: Rows at a bound whose slack 1 − y z is on that bound's side and larger than this are left out of
    ///   later passes (shrinking); nil leaves out none.
    package mutating func pass(order: [Int32], shrinkingBeyond limit: Double? = nil) -> Pass {
        var sums = mml_dual_sums(gap: 0, violation: 0)
        coefficients.withUnsafeMutableBufferPointer { beta in
            weights.withUnsafeMutableBufferPointer { w in
                active.withUnsafeMutableBufferPointer { active in
                    targets.withUnsafeBufferPointer { targets in
                        costs.withUnsafeBufferPointer { costs in
                            squaredNorms.withUnsafeBufferPointer { norms in
                                var problem = mml_dual(
                                    loss: Int32(loss.kernel.rawValue), epsilon: loss.epsilon, offset: offset,
                                    targets: targets.baseAddress, costs: costs.baseAddress,
                                    squared_norms: norms.baseAddress, beta: beta.baseAddress,
                                    active: limit == nil ? nil : active.baseAddress, shrink_beyond: limit ?? 0
                                )
                                rows.withCSR { csr in
                                    order.withUnsafeBufferPointer { order in
                                        mml_dual_pass(
                                            MML_F64, csr, &problem, order.count, order.baseAddress,
                                            w.baseAddress, &sums)
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return Pass(gap: sums.gap, violation: sums.violation)
    }
}
