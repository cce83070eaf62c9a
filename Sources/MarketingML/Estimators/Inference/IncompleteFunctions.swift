import Foundation

/// A probability and its complement, each computed without cancellation, and how fast the first grows with the logarithm
/// of its argument.
struct TailPair {
    var lower: Double
    var upper: Double
    var slope: Double
}

/// The regularised incomplete gamma function: lower = P(a, x), upper = Q(a, x), for a > 0, x ≥ 0.
///
/// By its power series below a + 1 and Legendre's continued fraction above (Abramowitz and Stegun 6.5.29, 6.5.31).
func incompleteGamma(_ a: Double, _ x: Double) -> TailPair {
    guard x > 0 else { return TailPair(lower: 0, upper: 1, slope: 0) }
    guard x < .infinity else { return TailPair(lower: 1, upper: 0, slope: 0) }
    let term = exp(-stirlingError(a) - deviance(a, x)) / (2 * Double.pi * a).squareRoot()
    if x < a + 1 {
        var factor = 1.0
        var sum = 1.0
        var n = 1.0
        while factor > sum * 0x1p-54 {
            factor *= x / (a + n)
            sum += factor
            n += 1
        }
        return TailPair(lower: term * sum, upper: 1 - term * sum, slope: term * a)
    }
    let fraction = continuedFraction(first: x + 1 - a) { n in
        (-n * (n - a), x + 2 * n + 1 - a)
    }
    return TailPair(lower: 1 - term * a / fraction, upper: term * a / fraction, slope: term * a)
}

/// The regularised incomplete beta function: lower = I_x(a, b), upper = I_y(b, a), for a, b > 0 and x + y = 1, both given
/// so that neither loses digits. `slope` is with respect to log(x / y).
///
/// By its continued fraction (Abramowitz and Stegun 26.5.8).
func incompleteBeta(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> TailPair {
    guard x > 0 else { return TailPair(lower: 0, upper: 1, slope: 0) }
    guard y > 0 else { return TailPair(lower: 1, upper: 0, slope: 0) }
    if x > (a + 1) / (a + b + 2) {
        let mirrored = incompleteBeta(b, a, y, x)
        return TailPair(lower: mirrored.upper, upper: mirrored.lower, slope: mirrored.slope)
    }
    // x^a y^b / (a B(a, b)), as the binomial probability that it nearly is.
    let n = a + b
    let exponent =
        stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x) - deviance(b, n * y)
    let binomial = exp(exponent) * (n / (2 * Double.pi * a * b)).squareRoot()
    let front = binomial * b / n
    let fraction = continuedFraction(first: 1) { k in
        let m = (k / 2).rounded(.down)
        let numerator =
            k == 2 * m
            ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        return (numerator, 1)
    }
    return TailPair(lower: front / fraction, upper: 1 - front / fraction, slope: front * a)
}

/// first + numerator(1) / (denominator(1) + numerator(2) / …) by the modified method of Lentz.
private func continuedFraction(
    first: Double, _ terms: (_ n: Double) -> (numerator: Double, denominator: Double)
) -> Double {
    let tiny = 1e-300
    var value = first == 0 ? tiny : first
    var c = value
    var d = 0.0
    var n = 1.0
    while n < 1e7 {
        let (numerator, denominator) = terms(n)
        d = denominator + numerator * d
        if abs(d) < tiny { d = tiny }
        c = denominator + numerator / c
        if abs(c) < tiny { c = tiny }
        d = 1 / d
        value *= c * d
        if abs(c * d - 1) < 0x1p-52 { break }
        n += 1
    }
    return value
}

/// log Γ(n + 1) less Stirling's √(2πn) (n/e)ⁿ, for n > 0 (Loader, "Fast and accurate computation of binomial
/// probabilities", 2000).
private func stirlingError(_ n: Double) -> Double {
    // Upwards by recurrence to where the series has all digits.
    var sum = 0.0
    var n = n
    while n < 16 {
        sum += (n + 0.5) * log1p(1 / n) - 1
        n += 1
    }
    let square = n * n
    let series =
        (1 / 12.0
            - (1 / 360.0
                - (1 / 1260.0 - (1 / 1680.0 - (1 / 1188.0 - 691 / 360360.0 / square) / square) / square)
                    / square)
                / square)
        / n
    return sum + series
}

/// x log(x / m) + m − x without cancellation where x is near m (Loader, 2000).
private func deviance(_ x: Double, _ m: Double) -> Double {
    guard abs(x - m) < 0.1 * (x + m) else { return x * log(x / m) + m - x }
    let v = (x - m) / (x + m)
    var sum = (x - m) * v
    var term = 2 * x * v
    var j = 3.0
    while true {
        term *= v * v
        let next = sum + term / j
        if next == sum { return next }
        sum = next
        j += 2
    }
}
