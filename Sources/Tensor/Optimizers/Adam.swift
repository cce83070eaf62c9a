internal import CTensorKernels

/// Adam (arXiv:1412.6980), fused over each parameter, in PyTorch's order of operations:
/// g ← g + λ θ;  m ← m + (1 - β₁)(g - m);  v ← β₂ v + (1 - β₂) g²;  θ ← θ - η/(1 - β₁ᵗ) · m / (√(v / (1 - β₂ᵗ)) + ε).
///
/// Keras adds ε = 1e-7 to √v before the correction, which in the formula above is ε / √(1 - β₂ᵗ):
/// `epsilon: 1e-7, placement: .keras`.
public struct Adam<Scalar: TensorFloatingPoint>: Optimizer {
    /// η, above 0.
    public var learningRate: Double
    /// β₁, decay of the mean, in [0, 1).
    public var beta1: Double
    /// β₂, decay of the mean square, in [0, 1).
    public var beta2: Double
    /// ε, above 0.
    public var epsilon: Double
    /// Where ε is added.
    public var placement: EpsilonPlacement
    /// λ of the L2 penalty that is added to the gradient, from 0 on; see ``AdamW`` for the decoupled one.
    public var weightDecay: Double
    /// m and v.
    public var memory = OptimizerMemory<Scalar>()

    /// Creates the optimizer with PyTorch's defaults.
    public init(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        placement: EpsilonPlacement = .pytorch, weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.placement = placement
        self.weightDecay = weightDecay
    }

    /// The decayed mean and mean square of the gradients.
    public var memoryNames: [String] { ["first", "second"] }

    /// One update of one parameter.
    public func apply(
        _ gradient: Tensor<Scalar>, scale: Double, to parameter: inout Tensor<Scalar>,
        memory: inout [Tensor<Scalar>], step: Int
    ) {
        let correction2 = 1 - power(beta2, step)
        let settings = mml_adamw_step(
            learning_rate: learningRate, beta1: beta1, beta2: beta2,
            epsilon: placement == .keras ? epsilon / correction2.squareRoot() : epsilon, weight_decay: 0,
            l2: weightDecay, correction1: 1 - power(beta1, step), correction2: correction2,
            gradient_scale: scale)
        parameter.adamUpdate(settings, gradient, &memory)
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    public func validate() throws {
        try requireRate()
        try require(0..<1 ~= beta1, "beta1", "in [0, 1)", beta1)
        try require(0..<1 ~= beta2, "beta2", "in [0, 1)", beta2)
        try require(epsilon > 0, "epsilon", "above 0", epsilon)
        try require(weightDecay >= 0, "weightDecay", "at least 0", weightDecay)
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// One step of Adam or AdamW; where the gradient is that of a few rows, the others wait (see `AdamRows`).
    mutating func adamUpdate(_ settings: mml_adamw_step, _ gradient: Tensor, _ moments: inout [Tensor]) {
        if let rows = gradient.rowGradient {
            AdamRows.owning(&self, &moments).step(settings, rows)
            return
        }
        updateElements(&moments) { range, weights, moments in
            var settings = settings
            mml_adamw(
                Scalar.kernelType, range.count, &settings, gradient.pointer + range.lowerBound, weights,
                moments[0], moments[1])
        }
    }
}

/// base to the power of exponent, by squaring.
func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, rest) = (1.0, base, exponent)
    while rest > 0 {
        if rest & 1 == 1 { result *= factor }
        factor *= factor
        rest >>= 1
    }
    return result
}

extension Optimizer where Self == Adam<Float> {
    /// Adam with PyTorch's defaults; Keras': `epsilon: 1e-7, placement: .keras`.
    public static func adam(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        placement: EpsilonPlacement = .pytorch, weightDecay: Double = 0
    ) -> Adam<Float> {
        Adam(
            learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, placement: placement,
            weightDecay: weightDecay)
    }
}
