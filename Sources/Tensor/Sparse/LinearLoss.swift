internal import CTensorKernels

/// The loss of a linear model on one example, by its target y and its linear value z.
package enum LinearLoss: Sendable, Equatable {
    /// log(1 + exp(−y z)), y = ±1.
    case logistic
    /// max(0, 1 − y z).
    case hinge
    /// max(0, 1 − y z)².
    case squaredHinge
    /// max(0, |y − z| − ε).
    case epsilonInsensitive(Double)
    /// max(0, |y − z| − ε)².
    case squaredEpsilonInsensitive(Double)

    /// Whether it has a continuous derivative, as Newton's method needs.
    package var isSmooth: Bool {
        switch self {
        case .logistic, .squaredHinge, .squaredEpsilonInsensitive: true
        case .hinge, .epsilonInsensitive: false
        }
    }

    var kernel: mml_loss {
        switch self {
        case .logistic: MML_LOSS_LOGISTIC
        case .hinge: MML_LOSS_HINGE
        case .squaredHinge: MML_LOSS_SQUARED_HINGE
        case .epsilonInsensitive: MML_LOSS_EPSILON
        case .squaredEpsilonInsensitive: MML_LOSS_SQUARED_EPSILON
        }
    }

    var epsilon: Double {
        switch self {
        case .epsilonInsensitive(let epsilon), .squaredEpsilonInsensitive(let epsilon): epsilon
        default: 0
        }
    }

    /// Σ costᵢ loss(yᵢ, zᵢ).
    package func total(targets: [Double], costs: [Double], values z: [Double]) -> Double {
        sum(z.count) { rows, y, c, z in
            mml_linear_loss(
                Int32(kernel.rawValue), epsilon, rows.count, y + rows.lowerBound, c + rows.lowerBound,
                z + rows.lowerBound, nil, nil)
        } over: {
            (targets, costs, z)
        }
    }

    /// Σ costᵢ loss(yᵢ, zᵢ), and each term's first and second derivative by zᵢ.
    package func expanded(
        targets: [Double], costs: [Double], values z: [Double]
    ) -> (total: Double, slope: [Double], curvature: [Double]) {
        var slope = [Double](repeating: 0, count: z.count)
        var curvature = slope
        let total = slope.withUnsafeMutableBufferPointer { slope in
            curvature.withUnsafeMutableBufferPointer { curvature in
                let slope = slope.baseAddress
                let curvature = curvature.baseAddress
                return sum(z.count) { rows, y, c, z in
                    guard let slope, let curvature else { return 0 }
                    return mml_linear_loss(
                        Int32(kernel.rawValue), epsilon, rows.count, y + rows.lowerBound, c + rows.lowerBound,
                        z + rows.lowerBound, slope + rows.lowerBound, curvature + rows.lowerBound)
                } over: {
                    (targets, costs, z)
                }
            }
        }
        return (total, slope, curvature)
    }

    /// The duality gap at the coefficients β of w = Σ βᵢ xᵢ, for zᵢ = w · xᵢ + offset.
    package func gap(targets: [Double], costs: [Double], values z: [Double], coefficients beta: [Double])
        -> Double
    {
        beta.withUnsafeBufferPointer { beta in
            sum(z.count) { rows, y, c, z in
                guard let beta = beta.baseAddress else { return 0 }
                return mml_linear_gap(
                    Int32(kernel.rawValue), epsilon, rows.count, y + rows.lowerBound, c + rows.lowerBound,
                    z + rows.lowerBound, beta + rows.lowerBound)
            } over: {
                (targets, costs, z)
            }
        }
    }

    /// Adds up what `body` returns for ranges of the examples.
    private func sum(
        _ count: Int,
        _ body: (Range<Int>, UnsafePointer<Double>, UnsafePointer<Double>, UnsafePointer<Double>) -> Double,
        over arrays: () -> ([Double], [Double], [Double])
    ) -> Double {
        let (targets, costs, z) = arrays()
        precondition(targets.count == count && costs.count == count, "one target and cost an example")
        let grain = 4096
        var parts = [Double](repeating: 0, count: (count + grain - 1) / grain)
        parts.withUnsafeMutableBufferPointer { parts in
            let parts = parts
            targets.withUnsafeBufferPointer { targets in
                costs.withUnsafeBufferPointer { costs in
                    z.withUnsafeBufferPointer { z in
                        guard let y = targets.baseAddress, let c = costs.baseAddress, let z = z.baseAddress
                        else { return }
                        parallelRanges(count, grain: grain) { rows in
                            parts[rows.lowerBound / grain] = body(rows, y, c, z)
                        }
                    }
                }
            }
        }
        return parts.reduce(0, +)
    }
}
