internal import CTensorKernels

/// Lion (arXiv:2302.06675): θ ← θ - η (sign(β₁ m + (1 - β₁) g) + λ θ);  m ← β₂ m + (1 - β₂) g.
///
/// Every step has the length η, so the rate is chosen 3 to 10 times lower than Adam's.
public struct Lion<Scalar: TensorFloatingPoint>: Optimizer {
    /// η, above 0.
    public var learningRate: Double
    /// β₁, weight of the past in a step, in [0, 1).
    public var beta1: Double
    /// β₂, decay of the mean, in [0, 1).
    public var beta2: Double
    /// λ, decoupled as in ``AdamW``, from 0 on, for all parameters.
    public var weightDecay: Double
    /// m.
    public var memory = OptimizerMemory<Scalar>()

    /// Creates the optimizer with the paper's defaults (Keras takes the rate 1e-3).
    public init(
        learningRate: Double = 1e-4, beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.weightDecay = weightDecay
    }

    /// The decayed mean of the gradients.
    public var memoryNames: [String] { ["mean"] }

    /// One update of one parameter.
    public func apply(
        _ gradient: Tensor<Scalar>, scale: Double, to parameter: inout Tensor<Scalar>,
        memory: inout [Tensor<Scalar>], step: Int
    ) {
        let settings = mml_optimizer_step(
            learning_rate: learningRate, gradient_scale: scale, l2: weightDecay, decay: beta1, decay2: beta2,
            momentum: 0, epsilon: 0, variant: 0)
        parameter.updateElements(&memory) { range, weights, memory in
            var settings = settings
            mml_lion(
                Scalar.kernelType, range.count, &settings, gradient.pointer + range.lowerBound, weights,
                memory[0])
        }
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    public func validate() throws {
        try requireRate()
        try require(0..<1 ~= beta1, "beta1", "in [0, 1)", beta1)
        try require(0..<1 ~= beta2, "beta2", "in [0, 1)", beta2)
        try require(weightDecay >= 0, "weightDecay", "at least 0", weightDecay)
    }
}

extension Optimizer where Self == Lion<Float> {
    /// Lion with the paper's defaults.
    public static func lion(
        learningRate: Double = 1e-4, beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0
    ) -> Lion<Float> {
        Lion(learningRate: learningRate, beta1: beta1, beta2: beta2, weightDecay: weightDecay)
    }
}
