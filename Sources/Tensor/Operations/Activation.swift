internal import CTensorKernels

/// An activation function.
public enum Activation: String, Sendable, Codable, CaseIterable {
    /// f(x) = x.
    case identity
    /// x Φ(x) with the Gaussian distribution function, as BERT uses it (arXiv:1606.08415).
    case gelu
    /// GELU by the tanh approximation, as GPT-2 uses it.
    case geluTanh
    /// max(0, x).
    case relu
    /// The hyperbolic tangent.
    case tanh
    /// 1 / (1 + e⁻ˣ).
    case sigmoid
    /// exp(x) / Σ exp(x) over the last dimension: the one that is no function of single elements.
    case softmax

    package var isElementwise: Bool { self != .softmax }

    var kernel: mml_activation {
        switch self {
        case .identity: MML_IDENTITY
        case .gelu: MML_GELU
        case .geluTanh: MML_GELU_TANH
        case .relu: MML_RELU
        case .tanh: MML_TANH
        case .sigmoid: MML_SIGMOID
        case .softmax: preconditionFailure("softmax is no function of single elements")
        }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// The activation function of every element (of every row, for `softmax`).
    public func activated(by activation: Activation) -> Tensor {
        if activation == .identity { return self }
        guard activation.isElementwise else { return softmax() }
        let kind = Int32(activation.kernel.rawValue)
        let result = Tensor(uninitialized: shape)
        parallelRanges(count, grain: elementwiseGrain / 4) { range in
            let start = range.lowerBound
            mml_activate(Scalar.kernelType, kind, range.count, pointer + start, result.pointer + start)
        }
        let x = detached
        return result.recorded(from: self) { gradient in
            var dx = gradient
            dx.multiplyByDerivative(of: activation, at: x)
            return [dx]
        }
    }

    /// self *= activation'(x). When `x` is given as a variable that nobody else refers to, `value` gets
    /// activation(x) as well, at almost no cost.
    mutating func multiplyByDerivative(of activation: Activation, at x: Tensor, value: Tensor? = nil) {
        if activation == .identity { return }
        makeUnique()
        let kind = Int32(activation.kernel.rawValue)
        let target = pointer
        parallelRanges(count, grain: elementwiseGrain / 4) { range in
            let start = range.lowerBound
            mml_activate_backward(
                Scalar.kernelType, kind, range.count, x.pointer + start, target + start, target + start,
                value.map { $0.pointer + start })
        }
    }
}
