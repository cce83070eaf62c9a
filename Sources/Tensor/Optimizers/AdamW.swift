internal import CTensorKernels

/// Adam with decoupled weight decay (arXiv:1711.05101), fused over each parameter, in PyTorch's order of operations:
/// θ ← θ - η λ θ;  m ← m + (1 - β₁)(g - m);  v ← β₂ v + (1 - β₂) g²;  θ ← θ - η/(1 - β₁ᵗ) · m / (√(v / (1 - β₂ᵗ)) + ε).
///
/// Weight decay applies to matrices only: biases and norms are vectors and are left alone, as is usual for
/// Transformers.
public struct AdamW<Scalar: TensorFloatingPoint>: Optimizer {
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
    /// m and v.
    public var memory = OptimizerMemory<Scalar>()

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

    /// The decayed mean and mean square of the gradients.
    public var memoryNames: [String] { ["first", "second"] }

    /// One update of one parameter.
    public func apply(
        _ gradient: Tensor<Scalar>, scale: Double, to parameter: inout Tensor<Scalar>,
        memory: inout [Tensor<Scalar>], step: Int
    ) {
        let settings = mml_adamw_step(
            learning_rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
            weight_decay: parameter.rank >= 2 ? weightDecay : 0, l2: 0,
            correction1: 1 - power(beta1, step), correction2: 1 - power(beta2, step), gradient_scale: scale)
        parameter.adamUpdate(settings, gradient, &memory)
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    public func validate() throws {
        try Adam<Scalar>(
            learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay
        ).validate()
    }
}

extension Optimizer where Self == AdamW<Float> {
    /// AdamW with PyTorch's defaults.
    public static func adamW(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0.01
    ) -> AdamW<Float> {
        AdamW(
            learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay
        )
    }
}
