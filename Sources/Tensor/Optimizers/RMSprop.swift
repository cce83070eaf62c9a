internal import CTensorKernels

/// RMSprop (Hinton's lecture 6e, 2012): g ← g + λ θ;  v ← α v + (1 - α) g²;  θ ← θ - η g / (√v + ε).
///
/// Centred, the variance v - m² with the decayed mean m takes the place of v. With momentum b ← μ b + g / (√v + ε);
/// θ ← θ - η b. Keras adds ε inside the root, keeps η b, and has other defaults: ``keras(learningRate:)``.
public struct RMSprop<Scalar: TensorFloatingPoint>: Optimizer {
    /// η, above 0.
    public var learningRate: Double
    /// α, decay of the mean square, in [0, 1).
    public var decay: Double
    /// ε, above 0.
    public var epsilon: Double
    /// Where ε is added.
    public var placement: EpsilonPlacement
    /// μ, in [0, 1).
    public var momentum: Double
    /// Whether the mean is subtracted.
    public var centered: Bool
    /// λ of the L2 penalty that is added to the gradient, from 0 on.
    public var weightDecay: Double
    /// v, then m and b where they are used.
    public var memory = OptimizerMemory<Scalar>()

    /// Creates the optimizer with PyTorch's defaults.
    public init(
        learningRate: Double = 0.01, decay: Double = 0.99, epsilon: Double = 1e-8,
        placement: EpsilonPlacement = .pytorch, momentum: Double = 0, centered: Bool = false,
        weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.decay = decay
        self.epsilon = epsilon
        self.placement = placement
        self.momentum = momentum
        self.centered = centered
        self.weightDecay = weightDecay
    }

    /// Keras' formula and defaults: α = 0.9, ε = 1e-7 inside the root.
    public static func keras(learningRate: Double = 1e-3, momentum: Double = 0, centered: Bool = false)
        -> RMSprop
    {
        RMSprop(
            learningRate: learningRate, decay: 0.9, epsilon: 1e-7, placement: .keras, momentum: momentum,
            centered: centered)
    }

    /// The decayed mean square of the gradients, then their mean and the momentum where they are used.
    public var memoryNames: [String] {
        ["square"] + (centered ? ["mean"] : []) + (momentum > 0 ? ["momentum"] : [])
    }

    /// One update of one parameter.
    public func apply(
        _ gradient: Tensor<Scalar>, scale: Double, to parameter: inout Tensor<Scalar>,
        memory: inout [Tensor<Scalar>], step: Int
    ) {
        let settings = mml_optimizer_step(
            learning_rate: learningRate, gradient_scale: scale, l2: weightDecay, decay: decay, decay2: 0,
            momentum: momentum, epsilon: epsilon, variant: placement == .keras ? 1 : 0)
        let (centered, hasMomentum) = (centered, momentum > 0)
        parameter.updateElements(&memory) { range, weights, memory in
            var settings = settings
            mml_rmsprop(
                Scalar.kernelType, range.count, &settings, gradient.pointer + range.lowerBound, weights,
                memory[0], centered ? memory[1] : nil, hasMomentum ? memory[memory.count - 1] : nil)
        }
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    public func validate() throws {
        try requireRate()
        try require(0..<1 ~= decay, "decay", "in [0, 1)", decay)
        try require(epsilon > 0, "epsilon", "above 0", epsilon)
        try require(0..<1 ~= momentum, "momentum", "in [0, 1)", momentum)
        try require(weightDecay >= 0, "weightDecay", "at least 0", weightDecay)
    }
}

extension Optimizer where Self == RMSprop<Float> {
    /// RMSprop with PyTorch's defaults; `RMSprop.keras()` has Keras'.
    public static func rmsprop(
        learningRate: Double = 0.01, decay: Double = 0.99, epsilon: Double = 1e-8,
        placement: EpsilonPlacement = .pytorch, momentum: Double = 0, centered: Bool = false,
        weightDecay: Double = 0
    ) -> RMSprop<Float> {
        RMSprop(
            learningRate: learningRate, decay: decay, epsilon: epsilon, placement: placement,
            momentum: momentum, centered: centered, weightDecay: weightDecay)
    }
}
