internal import CTensorKernels

/// Adam with decoupled weight decay (arXiv:1711.05101), fused over each parameter, in PyTorch's order of operations:
/// θ ← θ - η λ θ;  m ← m + (1 - β₁)(g - m);  v ← β₂ v + (1 - β₂) g²;  θ ← θ - η/(1 - β₁ᵗ) · m / (√(v / (1 - β₂ᵗ)) + ε).
///
/// Weight decay applies to matrices only: biases and norms are vectors and are left alone, as is usual for
/// Transformers.
public struct AdamW<Scalar: TensorFloatingPoint>: Sendable {
    /// η; set it before every update to follow a schedule.
    public var learningRate: Double
    /// β₁, decay of the mean, in [0, 1).
    public var beta1: Double
    /// β₂, decay of the mean square, in [0, 1).
    public var beta2: Double
    /// ε, added to the root.
    public var epsilon: Double
    /// λ, for matrices.
    public var weightDecay: Double
    /// Number of updates so far.
    public private(set) var step = 0
    /// m and v for every parameter; nil for one that never had a gradient.
    private var moments: [(first: Tensor<Scalar>, second: Tensor<Scalar>)?] = []

    /// Creates the optimizer with PyTorch's defaults.
    public init(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0.01
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// One update of the model, in place.
    ///
    /// - Parameters:
    ///   - model: The model that the gradients were computed for.
    ///   - gradients: Its gradients; parameters without one are left as they are.
    ///   - scale: Multiplies every gradient first: `Gradients.clippingScale(maximumNorm:)`.
    public mutating func update<Model: Parameterized<Scalar>>(
        _ model: inout Model, with gradients: Gradients<Scalar>, scale: Double = 1
    ) {
        step += 1
        var kernelStep = mml_adamw_step(
            learning_rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weight_decay: 0,
            correction1: 1 - power(beta1, step), correction2: 1 - power(beta2, step), gradient_scale: scale)
        if moments.isEmpty { moments = Array(repeating: nil, count: gradients.tensors.count) }
        var index = 0
        model.forEachParameter { name, parameter in
            defer { index += 1 }
            precondition(
                index < gradients.names.count && gradients.names[index] == name, "gradients of another model")
            guard let gradient = gradients.tensors[index] else { return }
            precondition(
                gradient.shape == parameter.shape, "gradient \(gradient.shape) of \(name) \(parameter.shape)")
            if moments[index] == nil {
                moments[index] = (.lastingZeros(parameter.shape), .lastingZeros(parameter.shape))
            }
            kernelStep.weight_decay = parameter.rank >= 2 ? weightDecay : 0
            parameter.makeUnique(lasting: true)
            moments[index]?.first.makeUnique(lasting: true)
            moments[index]?.second.makeUnique(lasting: true)
            guard let (first, second) = moments[index] else { return }
            let weights = parameter.pointer
            parallelRanges(parameter.count, grain: 1 << 16) { [kernelStep] range in
                var step = kernelStep
                let start = range.lowerBound
                mml_adamw(
                    Scalar.kernelType, range.count, &step, gradient.pointer + start, weights + start,
                    first.pointer + start, second.pointer + start)
            }
        }
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        var (result, factor, rest) = (1.0, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result *= factor }
            factor *= factor
            rest >>= 1
        }
        return result
    }

    /// Everything that an exact resume needs: the moments, by parameter index.
    public var state: [String: Tensor<Scalar>] {
        get {
            var state: [String: Tensor<Scalar>] = [:]
            for (index, pair) in moments.enumerated() {
                guard let pair else { continue }
                state["first.\(index)"] = pair.first
                state["second.\(index)"] = pair.second
            }
            return state
        }
    }

    /// Restores what ``state`` gave, after `step` updates of a model of `parameterCount` parameters.
    public mutating func restore(_ state: [String: Tensor<Scalar>], step: Int, parameterCount: Int) {
        self.step = step
        moments = (0..<parameterCount).map { index in
            guard let first = state["first.\(index)"], let second = state["second.\(index)"] else {
                return nil
            }
            return (first, second)
        }
    }
}

extension Gradients {
    /// The factor that brings the gradients' common norm down to `maximumNorm`; 1 when it is not larger.
    public func clippingScale(maximumNorm: Double) -> Double { min(1, maximumNorm / (norm + 1e-6)) }
}
