import Foundation

/// A continuous distribution of one number, as tests and intervals need it.
public protocol ContinuousDistribution: Sendable {
    /// The probability of a value of at most `x`.
    func cdf(_ x: Double) -> Double

    /// The probability of a value above `x`, with all its digits where it is small.
    func survival(_ x: Double) -> Double

    /// The value that is exceeded with probability 1 − p; NaN for p outside 0...1.
    func quantile(_ p: Double) -> Double
}

/// The standard normal distribution.
public struct NormalDistribution: ContinuousDistribution, Equatable {
    /// Creates the distribution.
    public init() {}

    /// Φ(x).
    public func cdf(_ x: Double) -> Double { erfc(-x * 0.5.squareRoot()) / 2 }

    /// 1 − Φ(x).
    public func survival(_ x: Double) -> Double { erfc(x * 0.5.squareRoot()) / 2 }

    /// Φ⁻¹(p), by Wichura's algorithm AS 241 (Applied Statistics 37, 1988).
    public func quantile(_ p: Double) -> Double {
        guard p >= 0, p <= 1 else { return .nan }
        let q = p - 0.5
        if abs(q) <= 0.425 {
            let r = 0.180625 - q * q
            return q
                * polynomial(
                    r, 3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                    1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                    3.3430575583588128105e4, 2.5090809287301226727e3)
                / polynomial(
                    r, 1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
                    2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
                    5.2264952788528545610e3)
        }
        let tail = min(p, 1 - p)
        guard tail > 0 else { return q < 0 ? -.infinity : .infinity }
        var r = (-log(tail)).squareRoot()
        let value: Double
        if r <= 5 {
            r -= 1.6
            value =
                polynomial(
                    r, 1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
                    3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
                    2.27238449892691845833e-2, 7.74545014278341407640e-4)
                / polynomial(
                    r, 1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                    1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                    1.05075007164441684324e-9)
        } else {
            r -= 5
            value =
                polynomial(
                    r, 6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
                    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                    2.71155556874348757815e-5, 2.01033439929228813265e-7)
                / polynomial(
                    r, 1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                    2.04426310338993978564e-15)
        }
        return q < 0 ? -value : value
    }

    private func polynomial(_ x: Double, _ coefficients: Double...) -> Double {
        coefficients.reversed().reduce(0) { $0 * x + $1 }
    }
}

/// Student's t distribution; with infinitely many degrees of freedom it is the normal one.
public struct StudentTDistribution: ContinuousDistribution, Equatable {
    /// The degrees of freedom, above 0.
    public let degreesOfFreedom: Double

    /// Creates the distribution.
    public init(degreesOfFreedom: Double) {
        precondition(degreesOfFreedom > 0, "\(degreesOfFreedom) degrees of freedom must be above 0")
        self.degreesOfFreedom = degreesOfFreedom
    }

    /// The probability of a value of at most `x`.
    public func cdf(_ x: Double) -> Double { survival(-x) }

    /// The probability of a value above `x`.
    public func survival(_ x: Double) -> Double {
        guard degreesOfFreedom < .infinity else { return NormalDistribution().survival(x) }
        guard !x.isNaN else { return .nan }
        // t² has the F distribution with 1 and n degrees of freedom.
        let square = square.tails(x * x)
        return x > 0 ? square.upper / 2 : x < 0 ? 0.5 + square.lower / 2 : 0.5
    }

    /// The value that is exceeded with probability 1 − p.
    public func quantile(_ p: Double) -> Double {
        guard degreesOfFreedom < .infinity else { return NormalDistribution().quantile(p) }
        guard p >= 0, p <= 1 else { return .nan }
        let tail = min(p, 1 - p)
        let value =
            (tail < 0.25 ? square.upperQuantile(2 * tail) : square.quantile(1 - 2 * tail)).squareRoot()
        return p < 0.5 ? -value : value
    }

    private var square: FDistribution { FDistribution(1, degreesOfFreedom) }
}

/// The χ² distribution.
public struct ChiSquaredDistribution: ContinuousDistribution, Equatable {
    /// The degrees of freedom, above 0.
    public let degreesOfFreedom: Double

    /// Creates the distribution.
    public init(degreesOfFreedom: Double) {
        precondition(degreesOfFreedom > 0, "\(degreesOfFreedom) degrees of freedom must be above 0")
        self.degreesOfFreedom = degreesOfFreedom
    }

    /// The probability of a value of at most `x`.
    public func cdf(_ x: Double) -> Double { tails(x).lower }

    /// The probability of a value above `x`.
    public func survival(_ x: Double) -> Double { tails(x).upper }

    /// The value that is exceeded with probability 1 − p.
    public func quantile(_ p: Double) -> Double {
        quantileOfPositive(p, start: degreesOfFreedom, tails)
    }

    private func tails(_ x: Double) -> TailPair {
        x.isNaN ? .undefined : incompleteGamma(degreesOfFreedom / 2, max(0, x / 2))
    }
}

/// The F distribution: the ratio of two independent χ² values, each divided by its degrees of freedom.
public struct FDistribution: ContinuousDistribution, Equatable {
    /// The degrees of freedom of the numerator, above 0.
    public let numerator: Double
    /// The degrees of freedom of the denominator, above 0.
    public let denominator: Double

    /// Creates the distribution from the degrees of freedom.
    public init(_ numerator: Double, _ denominator: Double) {
        precondition(
            numerator > 0 && denominator > 0,
            "\(numerator), \(denominator) degrees of freedom must be above 0")
        self.numerator = numerator
        self.denominator = denominator
    }

    /// The probability of a value of at most `x`.
    public func cdf(_ x: Double) -> Double { tails(x).lower }

    /// The probability of a value above `x`.
    public func survival(_ x: Double) -> Double { tails(x).upper }

    /// The value that is exceeded with probability 1 − p.
    public func quantile(_ p: Double) -> Double { quantileOfPositive(p, start: 1, tails) }

    /// The value that is exceeded with probability p.
    fileprivate func upperQuantile(_ p: Double) -> Double {
        quantileOfPositive(p, start: 1) { x in
            let pair = tails(x)
            return TailPair(lower: pair.upper, upper: pair.lower, slope: -pair.slope)
        }
    }

    fileprivate func tails(_ x: Double) -> TailPair {
        guard !x.isNaN else { return .undefined }
        guard x > 0 else { return TailPair(lower: 0, upper: 1, slope: 0) }
        guard x < .infinity else { return TailPair(lower: 1, upper: 0, slope: 0) }
        let ratio = numerator * x / denominator
        return incompleteBeta(numerator / 2, denominator / 2, ratio / (1 + ratio), 1 / (1 + ratio))
    }
}

extension TailPair {
    fileprivate static let undefined = TailPair(lower: .nan, upper: .nan, slope: .nan)
}

/// The x above 0 whose lower tail is p, by Newton's method on the logarithm of the smaller tail over log x, inside a bracket.
/// The lower tail may rise or fall with x.
private func quantileOfPositive(_ p: Double, start: Double, _ tails: (Double) -> TailPair) -> Double {
    guard p >= 0, p <= 1 else { return .nan }
    let rises = tails(start).slope >= 0
    guard p > 0, p < 1 else { return (p == 0) == rises ? 0 : .infinity }
    var (low, high) = (-745.0, 709.0)
    var u = log(start)
    for _ in 0..<200 {
        let pair = tails(exp(u))
        let usesLower = p <= 0.5
        let (value, target) = usesLower ? (pair.lower, p) : (pair.upper, 1 - p)
        // Where value rises with u, it is too large above the solution.
        if (value > target) == (rises == usesLower) { high = u } else { low = u }
        let slope = (usesLower ? pair.slope : -pair.slope) / value
        var next = u - log(value / target) / slope
        if !(next > low && next < high) {
            // Out of reach in large steps first: a bracket of hundreds is no help.
            next = next >= high ? min((u + high) / 2, u + 8) : max((u + low) / 2, u - 8)
            if !(next > low && next < high) { next = (low + high) / 2 }
        }
        if abs(next - u) <= 0x1p-52 * max(1, abs(u)) { return exp(next) }
        u = next
    }
    return exp(u)
}
