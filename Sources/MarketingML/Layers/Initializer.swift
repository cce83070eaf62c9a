import Foundation

/// How a layer's initial weights are drawn.
///
/// With n_in inputs and n_out outputs of a unit: Glorot (AISTATS 2010) keeps the variance in both directions, He
/// (arXiv:1502.01852) suits ReLU, LeCun (1998) SELU and linear units. Their normal variants are truncated at two standard
/// deviations as in Keras, the deviation being that after truncation; PyTorch does not truncate (`truncated: false`).
public enum Initializer: Sendable, Hashable, Codable {
    /// All 0.
    case zeros
    /// All 1.
    case ones
    /// All the same.
    case constant(Double)
    /// Uniform in ±limit.
    case uniform(limit: Double)
    /// Normal with mean 0.
    case normal(standardDeviation: Double)
    /// Uniform in ±√(6 / (n_in + n_out)).
    case glorotUniform
    /// Variance 2 / (n_in + n_out).
    case glorotNormal(truncated: Bool = true)
    /// Uniform in ±√(6 / n_in).
    case heUniform
    /// Variance 2 / n_in.
    case heNormal(truncated: Bool = true)
    /// Uniform in ±√(3 / n_in).
    case lecunUniform
    /// Variance 1 / n_in.
    case lecunNormal(truncated: Bool = true)
    /// Uniform in ±1 / √n_in: PyTorch's default for linear layers and their biases.
    case fanIn
    /// A matrix with orthonormal rows or columns, whichever are fewer, times `gain` (arXiv:1312.6120).
    case orthogonal(gain: Double = 1)
}

/// Draws the initial weights of a model, each parameter from a random stream of its own: the same seed gives the same
/// weights on every machine, whatever the number of threads.
public struct WeightSource: Sendable {
    private let seed: UInt64
    private var stream: UInt64 = 0
    /// How many elements it may still draw.
    private var remaining: Int

    /// Creates a source.
    ///
    /// - Parameter limit: How many elements it may draw in all: 2³⁸ are a terabyte of `Float`.
    public init(seed: UInt64, limit: Int = 1 << 38) {
        self.seed = seed
        remaining = limit
    }

    /// The initial values of the next parameter.
    ///
    /// - Parameters:
    ///   - initializer: How they are drawn.
    ///   - shape: The parameter's shape, outputs first.
    ///   - fans: n_in and n_out; by default a matrix' columns and rows.
    /// - Throws: `.tooLarge` when the model gets more elements than the source may draw; `.shapeMismatch` for an extent
    ///   below 0.
    public mutating func next<Scalar: TensorFloatingPoint>(
        _ initializer: Initializer, shape: [Int], fans: (input: Int, output: Int)? = nil
    ) throws -> Tensor<Scalar> {
        defer { stream += 1 }
        try reserve(shape)
        let fans = fans ?? (input: shape.dropFirst().reduce(1, *), output: shape.first ?? 1)
        let (input, output) = (Double(max(1, fans.input)), Double(max(1, fans.output)))
        func uniform(_ limit: Double) -> Tensor<Scalar> {
            limit > 0
                ? .randomUniform(shape, in: -limit..<limit, seed: seed, stream: stream) : .zeros(shape)
        }
        func normal(_ variance: Double, _ truncated: Bool) -> Tensor<Scalar> {
            truncated
                ? truncatedNormal(shape, standardDeviation: variance.squareRoot())
                : .randomNormal(shape, standardDeviation: variance.squareRoot(), seed: seed, stream: stream)
        }
        return switch initializer {
        case .zeros: .zeros(shape)
        case .ones: Tensor(repeating: 1, shape: shape)
        case .constant(let value): Tensor(repeating: Scalar(value), shape: shape)
        case .uniform(let limit): uniform(limit)
        case .normal(let deviation): normal(deviation * deviation, false)
        case .glorotUniform: uniform((6 / (input + output)).squareRoot())
        case .glorotNormal(let truncated): normal(2 / (input + output), truncated)
        case .heUniform: uniform((6 / input).squareRoot())
        case .heNormal(let truncated): normal(2 / input, truncated)
        case .lecunUniform: uniform((3 / input).squareRoot())
        case .lecunNormal(let truncated): normal(1 / input, truncated)
        case .fanIn: uniform(1 / input.squareRoot())
        case .orthogonal(let gain): orthogonal(shape, gain: gain)
        }
    }

    private mutating func reserve(_ shape: [Int]) throws {
        guard shape.allSatisfy({ $0 >= 0 }) else {
            throw MarketingMLError(.shapeMismatch, "weights cannot have the shape \(shape)")
        }
        var count = 1
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw MarketingMLError(.tooLarge, "weights of the shape \(shape)") }
            count = product
        }
        guard count <= remaining else {
            throw MarketingMLError(
                .tooLarge, "weights of the shape \(shape), where \(remaining) elements are left")
        }
        remaining -= count
    }

    /// Normal elements, drawn again while they are beyond two standard deviations of the normal distribution, whose
    /// truncation to them has the given deviation.
    private func truncatedNormal<Scalar: TensorFloatingPoint>(_ shape: [Int], standardDeviation: Double)
        -> Tensor<
            Scalar
        >
    {
        // The standard deviation of a standard normal truncated to [-2, 2].
        let shrunk = 0.879_625_661_034_239_78
        var generator = SeededGenerator(seed: seed, stream: stream)
        let values = (0..<shape.reduce(1, *)).map { _ in
            var value = generator.nextNormal()
            while abs(value) > 2 { value = generator.nextNormal() }
            return Scalar(value * standardDeviation / shrunk)
        }
        return Tensor(shape: shape, values)
    }

    /// Gram-Schmidt on normal vectors, in Double and twice over, which leaves them orthogonal to machine precision.
    private func orthogonal<Scalar: TensorFloatingPoint>(_ shape: [Int], gain: Double) -> Tensor<Scalar> {
        let rows = shape.first ?? 1
        let columns = shape.dropFirst().reduce(1, *)
        let (count, size) = (min(rows, columns), max(rows, columns))
        var generator = SeededGenerator(seed: seed, stream: stream)
        var basis: [[Double]] = []
        while basis.count < count {
            var vector = (0..<size).map { _ in generator.nextNormal() }
            for _ in 0..<2 {
                for other in basis {
                    let product = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
                    for index in vector.indices { vector[index] -= product * other[index] }
                }
                let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
                for index in vector.indices { vector[index] /= norm }
            }
            basis.append(vector)
        }
        let wide = Tensor(shape: [count, size], basis.joined().map { Scalar($0 * gain) })
        return Tensor(shape: shape, (rows <= columns ? wide : wide.transposed).elements)
    }
}

extension SeededGenerator {
    /// A standard normal number (Box and Muller).
    mutating func nextNormal() -> Double {
        let radius = (-2 * log(1 - nextUniform())).squareRoot()
        return radius * cos(2 * Double.pi * nextUniform())
    }
}
