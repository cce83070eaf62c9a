internal import CTensorKernels

/// A kernel function k(x, z): an inner product in a space of features that is never written down.
package enum KernelFunction: Sendable, Equatable, Codable {
    /// x·z
    case linear
    /// exp(−γ‖x − z‖²)
    case rbf(gamma: Double)
    /// (γ x·z + c)ᵈ
    case polynomial(degree: Int, gamma: Double, constant: Double)
    /// tanh(γ x·z + c)
    case sigmoid(gamma: Double, constant: Double)

    /// Whether it depends on x − z alone, so that all points may be shifted.
    package var isTranslationInvariant: Bool {
        if case .rbf = self { return true }
        return false
    }

    /// The largest number that rounding acts on before the function's last step, for points of at most this squared norm:
    /// a relative error u in a product makes an error of about u times this in a kernel value.
    package func magnitude(largestSquare: Double) -> Double {
        switch self {
        case .linear: largestSquare
        case .rbf(let gamma): 4 * gamma * largestSquare
        case .polynomial(let degree, let gamma, let constant):
            (0..<degree).reduce(1.0) { power, _ in power * max(1, gamma * largestSquare + abs(constant)) }
        case .sigmoid(let gamma, let constant): gamma * largestSquare + abs(constant)
        }
    }

    var specification: mml_kernel_function {
        switch self {
        case .linear:
            mml_kernel_function(kind: Int32(MML_LINEAR.rawValue), degree: 1, gamma: 1, constant: 0)
        case .rbf(let gamma):
            mml_kernel_function(kind: Int32(MML_RBF.rawValue), degree: 1, gamma: gamma, constant: 0)
        case .polynomial(let degree, let gamma, let constant):
            mml_kernel_function(
                kind: Int32(MML_POLYNOMIAL.rawValue), degree: Int32(degree), gamma: gamma, constant: constant)
        case .sigmoid(let gamma, let constant):
            mml_kernel_function(
                kind: Int32(MML_SIGMOID_KERNEL.rawValue), degree: 1, gamma: gamma, constant: constant)
        }
    }
}
