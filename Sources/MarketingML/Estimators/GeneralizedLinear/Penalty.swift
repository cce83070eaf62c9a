import Tensor

/// What keeps the coefficients of a model small, in one convention for all models that are linear in their
/// features.
///
/// With ρ the share of the absolute values, C the weight of the losses ℓᵢ and wᵢ the examples' weights, a fit
/// minimises
///
///     ρ ‖β‖₁ + (1 − ρ) ½ ‖β‖² + C Σ wᵢ ℓᵢ
///
/// over the coefficients β and the intercepts, which are never penalised. Other libraries' conventions are
/// initialisers of this one type: ``lambda(_:l1Ratio:)``, ``glmnet(lambda:alpha:)``,
/// ``scikitLearn(c:l1Ratio:)`` and ``scikitLearn(alpha:)``.
public struct Penalty: Sendable, Equatable, Codable {
    enum Kind: String, Sendable, Codable { case none, elasticNet, firth }
    /// Whether `c` is the weight of the losses' sum or of their weighted mean.
    enum Scale: String, Sendable, Codable { case sum, mean }

    let kind: Kind
    let c: Double
    let l1Ratio: Double
    let scale: Scale

    private init(_ kind: Kind, c: Double, l1Ratio: Double, scale: Scale = .sum) {
        self.kind = kind
        self.c = c
        self.l1Ratio = l1Ratio
        self.scale = scale
    }

    /// No penalty: maximum likelihood.
    public static let none = Penalty(.none, c: 1, l1Ratio: 0)

    /// Half the squares: ½‖β‖² + C Σ wᵢ ℓᵢ. `c` must be above 0.
    public static func l2(c: Double = 1) -> Penalty { Penalty(.elasticNet, c: c, l1Ratio: 0) }

    /// The absolute values: ‖β‖₁ + C Σ wᵢ ℓᵢ. `c` must be above 0.
    public static func l1(c: Double = 1) -> Penalty { Penalty(.elasticNet, c: c, l1Ratio: 1) }

    /// A mixture: ρ‖β‖₁ + (1 − ρ) ½‖β‖² + C Σ wᵢ ℓᵢ. `c` must be above 0, `ratio` (ρ) in 0...1.
    public static func elasticNet(c: Double = 1, ratio: Double) -> Penalty {
        Penalty(.elasticNet, c: c, l1Ratio: ratio)
    }

    /// Firth's penalty, minus half the logarithm of the information's determinant: it takes the bias of first
    /// order away, and its estimates are finite for rare events and separated classes. For binary logistic
    /// regression.
    ///
    /// D. Firth, "Bias reduction of maximum likelihood estimates", Biometrika 80 (1993) 27–38,
    /// doi:10.1093/biomet/80.1.27.
    public static let firth = Penalty(.firth, c: 1, l1Ratio: 0)

    /// Σ wᵢ ℓᵢ + λ (ρ‖β‖₁ + (1 − ρ) ½‖β‖²), that is C = 1/λ. `lambda` must be above 0.
    public static func lambda(_ lambda: Double, l1Ratio: Double = 0) -> Penalty {
        Penalty(.elasticNet, c: 1 / lambda, l1Ratio: l1Ratio)
    }

    /// As R's glmnet writes it: Σ wᵢ ℓᵢ / Σ wᵢ + λ (α‖β‖₁ + (1 − α) ½‖β‖²). (glmnet also standardises the
    /// features unless told not to; this does not.)
    public static func glmnet(lambda: Double, alpha: Double = 1) -> Penalty {
        Penalty(.elasticNet, c: 1 / lambda, l1Ratio: alpha, scale: .mean)
    }

    /// As scikit-learn's LogisticRegression writes it, which is this type's own convention: `C` and
    /// `l1_ratio`.
    public static func scikitLearn(c: Double, l1Ratio: Double = 0) -> Penalty {
        Penalty(.elasticNet, c: c, l1Ratio: l1Ratio)
    }

    /// As scikit-learn's PoissonRegressor, GammaRegressor and TweedieRegressor write it: Σ wᵢ ℓᵢ / Σ wᵢ + α
    /// ½‖β‖², with ℓ half the deviance. 0 is ``none``.
    public static func scikitLearn(alpha: Double) -> Penalty {
        alpha == 0 ? .none : Penalty(.elasticNet, c: 1 / alpha, l1Ratio: 0, scale: .mean)
    }

    /// The same penalty with the losses' weight multiplied.
    func scaled(by factor: Double) -> Penalty {
        Penalty(kind, c: c * factor, l1Ratio: l1Ratio, scale: scale)
    }

    /// Whether coefficients are shrunk: then the usual standard errors do not hold.
    var isShrinking: Bool { kind == .elasticNet }

    /// Throws if C is not above 0, ρ outside 0...1 or Firth's penalty not allowed.
    func check(allowsFirth: Bool = true) throws(MarketingMLError) {
        guard allowsFirth || kind != .firth else {
            throw MarketingMLError(
                .invalidOption, "Firth's penalty is for logistic regression of two classes")
        }
        guard c > 0, c.isFinite else {
            throw MarketingMLError(
                .invalidOption,
                "the penalty's C must be above 0 and finite (so must a lambda or alpha), found \(c); "
                    + "use .none for no penalty")
        }
        guard (0...1).contains(l1Ratio) else {
            throw MarketingMLError(
                .invalidOption, "the share of the absolute values must be in 0...1, found \(l1Ratio)")
        }
    }

    /// The factors of ‖β‖₁ and ½‖β‖² beside a weight of 1 of the losses' sum, and C: what that objective is
    /// multiplied with to be the one stated.
    func resolved(totalWeight: Double) -> (l1: Double, l2: Double, c: Double) {
        guard kind == .elasticNet else { return (0, 0, 1) }
        let c = scale == .mean ? c / totalWeight : c
        return (l1Ratio / c, (1 - l1Ratio) / c, c)
    }
}

extension Penalty: CustomStringConvertible {
    /// The penalty and its numbers.
    public var description: String {
        switch kind {
        case .none: "no penalty"
        case .firth: "Firth"
        case .elasticNet:
            (l1Ratio == 0 ? "L2" : l1Ratio == 1 ? "L1" : "elastic net \(l1Ratio)")
                + (scale == .sum ? ", C = \(c)" : ", lambda = \(1 / c)")
        }
    }
}
