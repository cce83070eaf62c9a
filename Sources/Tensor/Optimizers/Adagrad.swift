internal import CTensorKernels

/// Adagrad (JMLR 12, 2121-2159): g ← g + λ θ;  s ← s + g²;  θ ← θ - η / (1 + (t - 1) δ) · g / (√s + ε).
///
/// PyTorch starts at s = 0 with ε = 1e-10; Keras at s = 0.1 with ε = 1e-7 inside the root: ``keras(learningRate:)``.
public struct Adagrad<Scalar: TensorFloatingPoint>: Optimizer {
    /// η, above 0.
    public var learningRate: Double
    /// δ, decay of the learning rate, from 0 on.
    public var learningRateDecay: Double
    /// What s starts at, from 0 on.
    public var initialAccumulator: Double
    /// ε, above 0.
    public var epsilon: Double
    /// Where ε is added.
    public var placement: EpsilonPlacement
    /// λ of the L2 penalty that is added to the gradient, from 0 on.
    public var weightDecay: Double
    /// s.
    public var memory = OptimizerMemory<Scalar>()

    /// Creates the optimizer with PyTorch's defaults.
    public init(
        learningRate: Double = 0.01, learningRateDecay: Double = 0, initialAccumulator: Double = 0,
        epsilon: Double = 1e-10, placement: EpsilonPlacement = .pytorch, weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.learningRateDecay = learningRateDecay
        self.initialAccumulator = initialAccumulator
        self.epsilon = epsilon
        self.placement = placement
        self.weightDecay = weightDecay
    }

    /// Keras' formula and defaults.
    public static func keras(learningRate: Double = 1e-3) -> Adagrad {
        Adagrad(learningRate: learningRate, initialAccumulator: 0.1, epsilon: 1e-7, placement: .keras)
    }

    /// The sum of the gradients' squares.
    public var memoryNames: [String] { ["sum"] }
    /// What the sum starts at.
    public var initialMemory: Double { initialAccumulator }

    /// One update of one parameter.
    public func apply(
        _ gradient: Tensor<Scalar>, scale: Double, to parameter: inout Tensor<Scalar>,
        memory: inout [Tensor<Scalar>], step: Int
    ) {
        let settings = mml_optimizer_step(
            learning_rate: learningRate / (1 + Double(step - 1) * learningRateDecay), gradient_scale: scale,
            l2: weightDecay, decay: 0, decay2: 0, momentum: 0, epsilon: epsilon,
            variant: placement == .keras ? 1 : 0)
        parameter.updateElements(&memory) { range, weights, memory in
            var settings = settings
            mml_adagrad(
                Scalar.kernelType, range.count, &settings, gradient.pointer + range.lowerBound, weights,
                memory[0])
        }
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    public func validate() throws {
        try requireRate()
        try require(learningRateDecay >= 0, "learningRateDecay", "at least 0", learningRateDecay)
        try require(initialAccumulator >= 0, "initialAccumulator", "at least 0", initialAccumulator)
        try require(epsilon > 0, "epsilon", "above 0", epsilon)
        try require(weightDecay >= 0, "weightDecay", "at least 0", weightDecay)
    }
}

extension Optimizer where Self == Adagrad<Float> {
    /// Adagrad with PyTorch's defaults; `Adagrad.keras()` has Keras'.
    public static func adagrad(
        learningRate: Double = 0.01, learningRateDecay: Double = 0, initialAccumulator: Double = 0,
        epsilon: Double = 1e-10, placement: EpsilonPlacement = .pytorch, weightDecay: Double = 0
    ) -> Adagrad<Float> {
        Adagrad(
            learningRate: learningRate, learningRateDecay: learningRateDecay,
            initialAccumulator: initialAccumulator, epsilon: epsilon, placement: placement,
            weightDecay: weightDecay)
    }
}
