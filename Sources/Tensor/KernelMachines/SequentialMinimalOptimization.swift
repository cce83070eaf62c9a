internal import CTensorKernels

/// A quadratic problem small enough to hold its kernel values: minimises ½ βᵀKβ + pᵀα over 0 ≤ αₖ ≤ Cₖ with βₖ = sₖαₖ, where the sum
/// of β over each group stays what it is.
///
/// Every step moves the pair with which the objective falls most among those that contain the largest violator (working-set
/// selection by second-order information).
///
/// Reference: Fan, Chen, Lin: Working Set Selection Using Second Order Information for Training Support Vector Machines, JMLR 6
/// (2005) 1889–1918.
package struct SequentialMinimalOptimization<Scalar: TensorFloatingPoint> {
    /// Number of variables.
    package let count: Int
    private let padded: Int
    private let kernel: Tensor<Scalar>
    private var sign: [Double]
    private var bound: [Double]
    private var alpha: [Double]
    private var value: [Double]
    private var group: [UInt8]
    private let groups: Int

    /// - Parameters:
    ///   - rows: Rows of kernel values for each variable, of which the elements at `columns` are taken.
    ///   - sign: sₖ, 1 or −1.
    ///   - value: −sₖ times the objective's derivative by αₖ.
    ///   - group: The group of each variable, 0 or 1; nil for one group.
    package init(
        rows: [UnsafePointer<Scalar>], columns: [Int32], sign: [Double], bound: [Double], alpha: [Double],
        value: [Double], group: [UInt8]?
    ) {
        count = rows.count
        padded = (count + 7) / 8 * 8
        kernel = Tensor.zeros([padded, padded])
        KernelSums.gather(rows, columns: columns, into: kernel.pointer, stride: padded)
        let rest = [Double](repeating: 0, count: padded - count)
        self.sign = sign + rest
        self.bound = bound + rest
        self.alpha = alpha + rest
        self.value = value + rest
        self.group = (group ?? [UInt8](repeating: 0, count: count)) + rest.map { _ in 0 }
        groups = group == nil ? 1 : 2
    }

    /// Makes steps until the largest violation is below `tolerance`, at most `limit`.
    ///
    /// - Returns: α, and how many steps were made.
    package mutating func solve(tolerance: Double, limit: Int) -> (alpha: [Double], steps: Int) {
        var scratch = [Double](repeating: 0, count: padded * (1 + 2 * groups))
        var steps = 0
        sign.withUnsafeBufferPointer { sign in
            bound.withUnsafeBufferPointer { bound in
                group.withUnsafeBufferPointer { group in
                    alpha.withUnsafeMutableBufferPointer { alpha in
                        value.withUnsafeMutableBufferPointer { value in
                            scratch.withUnsafeMutableBufferPointer { scratch in
                                var problem = mml_smo_problem(
                                    n: padded, kernel: kernel.pointer, ld: padded, sign: sign.baseAddress,
                                    bound: bound.baseAddress, groups: Int32(groups), group: group.baseAddress,
                                    alpha: alpha.baseAddress, value: value.baseAddress, tolerance: tolerance,
                                    limit: limit, scratch: scratch.baseAddress, steps: 0, violation: 0)
                                mml_smo(Scalar.kernelType, &problem)
                                steps = problem.steps
                            }
                        }
                    }
                }
            }
        }
        return (Array(alpha.prefix(count)), steps)
    }
}
