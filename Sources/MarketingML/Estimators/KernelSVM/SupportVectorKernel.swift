import Tensor

/// The kernel of a support vector machine: how alike two examples x and z are.
public enum SupportVectorKernel: Sendable, Equatable, Codable {
    /// The factor γ of a kernel.
    public enum Gamma: Sendable, Equatable, Codable {
        /// 1 / (D · variance of all elements of the training features); 1 if they are all the same.
        case scale
        /// 1 / D.
        case auto
        /// A number above 0.
        case value(Double)
    }

    /// x·z
    case linear
    /// exp(−γ‖x − z‖²)
    case rbf(gamma: Gamma = .scale)
    /// (γ x·z + constant)^degree, of a degree from 0 to 100.
    case polynomial(degree: Int = 3, gamma: Gamma = .scale, constant: Double = 0)
    /// tanh(γ x·z + constant). Not positive semidefinite: the solution is then a stationary point.
    case sigmoid(gamma: Gamma = .scale, constant: Double = 0)
    /// The features are the kernel values themselves: for a fit those between all examples, [N, N] and symmetric; for a
    /// prediction those of new examples with all that were fitted on, [examples, N].
    case precomputed

    /// The kernel's name, for tables.
    var name: String {
        switch self {
        case .linear: "linear"
        case .rbf: "RBF"
        case .polynomial(let degree, _, _): "polynomial \(degree)"
        case .sigmoid: "sigmoid"
        case .precomputed: "precomputed"
        }
    }

    /// The function with its numbers, from the training features; nil for precomputed values.
    ///
    /// - Throws: `.invalidOption`.
    func function(for features: Features) throws(MarketingMLError) -> KernelFunction? {
        switch self {
        case .linear: return .linear
        case .rbf(let gamma): return .rbf(gamma: try gamma.number(for: features))
        case .polynomial(let degree, let gamma, let constant):
            guard 0...100 ~= degree else { throw invalid("degree", "from 0 to 100", degree) }
            guard constant.isFinite else { throw invalid("constant", "finite", constant) }
            return .polynomial(degree: degree, gamma: try gamma.number(for: features), constant: constant)
        case .sigmoid(let gamma, let constant):
            guard constant.isFinite else { throw invalid("constant", "finite", constant) }
            return .sigmoid(gamma: try gamma.number(for: features), constant: constant)
        case .precomputed: return nil
        }
    }
}

extension SupportVectorKernel.Gamma {
    fileprivate func number(for features: Features) throws(MarketingMLError) -> Double {
        switch self {
        case .auto: return 1 / Double(features.featureCount)
        case .scale:
            let variance =
                switch features {
                case .float(let matrix): matrix.elementVariance
                case .double(let matrix): matrix.elementVariance
                case .sparse(let matrix): matrix.elementVariance
                }
            let gamma = 1 / (Double(features.featureCount) * variance)
            return variance > 0 && gamma.isFinite ? gamma : 1
        case .value(let gamma):
            guard gamma > 0, gamma.isFinite else { throw invalid("gamma", "above 0 and finite", gamma) }
            return gamma
        }
    }
}

/// The error of an option outside its range.
func invalid(_ option: String, _ range: String, _ found: some Any) -> MarketingMLError {
    MarketingMLError(.invalidOption, "must be \(range), found \(found)", at: .init(name: option))
}

/// When the solver of a kernel machine stops, and how much memory it may take.
public struct KernelSolverOptions: Sendable, Equatable, Codable {
    /// The fit ends when no pair of variables violates the optimality conditions by more than this (LIBSVM's ε); above 0.
    public var tolerance: Double
    /// The most steps, of a pair of variables each; the fit then returns what it has.
    public var maximumIterations: Int
    /// What the kernel values that are kept may take, in units of 10⁶ bytes. More are computed again when they are needed.
    public var cacheMegabytes: Int

    /// Creates options; the defaults suit most problems.
    public init(tolerance: Double = 1e-3, maximumIterations: Int = 100_000_000, cacheMegabytes: Int = 750) {
        self.tolerance = tolerance
        self.maximumIterations = maximumIterations
        self.cacheMegabytes = cacheMegabytes
    }

    /// - Throws: `.invalidOption`.
    func check() throws(MarketingMLError) {
        guard tolerance > 0, tolerance.isFinite else { throw invalid("tolerance", "above 0", tolerance) }
        guard maximumIterations >= 0 else {
            throw invalid("maximumIterations", "at least 0", maximumIterations)
        }
        guard 0...1_000_000 ~= cacheMegabytes else {
            throw invalid("cacheMegabytes", "from 0 to 1000000", cacheMegabytes)
        }
    }
}
