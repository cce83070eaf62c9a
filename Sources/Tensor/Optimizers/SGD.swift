internal import CTensorKernels

/// Stochastic gradient descent: g ← g + λ θ;  b ← μ b + g;  θ ← θ - η b, with Nesterov's momentum θ ← θ - η (g + μ b).
///
/// This is PyTorch's form (dampening 0). Keras keeps η b instead of b, which is the same while η does not change.
public struct SGD<Scalar: TensorFloatingPoint>: Optimizer {
    /// η, above 0.
    public var learningRate: Double
    /// μ, in [0, 1).
    public var momentum: Double
    /// Whether the step looks ahead along the momentum (Sutskever et al., ICML 2013).
    public var nesterov: Bool
    /// λ of the L2 penalty that is added to the gradient, from 0 on.
    public var weightDecay: Double
    /// b.
    public var memory = OptimizerMemory<Scalar>()

    /// Creates the optimizer; without options it is plain gradient descent.
    public init(
        learningRate: Double = 0.01, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.nesterov = nesterov
        self.weightDecay = weightDecay
    }

    /// The momentum, unless μ is 0.
    public var memoryNames: [String] { momentum == 0 ? [] : ["momentum"] }

    /// One update of one parameter.
    public func apply(
        _ gradient: Tensor<Scalar>, scale: Double, to parameter: inout Tensor<Scalar>,
        memory: inout [Tensor<Scalar>], step: Int
    ) {
        let settings = mml_optimizer_step(
            learning_rate: learningRate, gradient_scale: scale, l2: weightDecay, decay: momentum, decay2: 0,
            momentum: 0, epsilon: 0, variant: nesterov ? 1 : 0)
        parameter.updateElements(&memory) { range, weights, memory in
            var settings = settings
            mml_sgd(
                Scalar.kernelType, range.count, &settings, gradient.pointer + range.lowerBound, weights,
                memory.first)
        }
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    public func validate() throws {
        try requireRate()
        try require(0..<1 ~= momentum, "momentum", "in [0, 1)", momentum)
        try require(!nesterov || momentum > 0, "momentum", "above 0 with nesterov", momentum)
        try require(weightDecay >= 0, "weightDecay", "at least 0", weightDecay)
    }
}

extension Optimizer where Self == SGD<Float> {
    /// Stochastic gradient descent.
    public static func sgd(
        learningRate: Double = 0.01, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0
    ) -> SGD<Float> {
        SGD(learningRate: learningRate, momentum: momentum, nesterov: nesterov, weightDecay: weightDecay)
    }
}
