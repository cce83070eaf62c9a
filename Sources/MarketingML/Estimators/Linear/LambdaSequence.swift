import Foundation
import Tensor

/// The weights λ of the penalty that a path goes through, from the largest to the smallest.
public struct LambdaSequence: Sendable, Equatable, ExpressibleByArrayLiteral {
    private enum Kind: Equatable, Sendable {
        case values([Double])
        case logarithmic(ClosedRange<Double>, count: Int)
        case automatic(count: Int, smallestShare: Double)
    }
    private let kind: Kind

    private init(kind: Kind) { self.kind = kind }

    /// These values, in any order.
    public static func values(_ values: [Double]) -> LambdaSequence { LambdaSequence(kind: .values(values)) }

    /// `count` values from one end of the range to the other, equally spaced on a logarithmic scale.
    public static func logarithmic(_ range: ClosedRange<Double>, count: Int) -> LambdaSequence {
        LambdaSequence(kind: .logarithmic(range, count: count))
    }

    /// `count` values from the smallest λ at which all penalised coefficients are 0 down to `smallestShare` of it, equally spaced on
    /// a logarithmic scale. For penalties with an absolute part only.
    public static func automatic(count: Int = 100, smallestShare: Double = 1e-3) -> LambdaSequence {
        LambdaSequence(kind: .automatic(count: count, smallestShare: smallestShare))
    }

    /// These values, in any order.
    public init(arrayLiteral elements: Double...) { self = .values(elements) }

    /// The values, decreasing and each once.
    ///
    /// - Parameter largest: Where an automatic sequence begins; nil if the penalty has no such place.
    /// - Throws: `.invalidOption`.
    func resolved(largest: Double?) throws(MarketingMLError) -> [Double] {
        let all: [Double]
        switch kind {
        case .values(let values): all = values
        case .logarithmic(let range, let count):
            guard range.lowerBound > 0, count > 0 else {
                throw MarketingMLError(
                    .invalidOption,
                    "a logarithmic scale needs a range above 0 and a count, found \(range), \(count)")
            }
            all = LambdaSequence.spaced(range.lowerBound, range.upperBound, count)
        case .automatic(let count, let share):
            guard let largest else {
                throw MarketingMLError(
                    .invalidOption, "this penalty has no largest lambda to begin with; name the values")
            }
            guard count > 0, share > 0, share < 1 else {
                throw MarketingMLError(
                    .invalidOption,
                    "expected a count above 0 and a share between 0 and 1, found \(count), \(share)")
            }
            // Targets that no feature is correlated with have no scale of their own.
            let start = largest > 0 ? largest : 1
            all = LambdaSequence.spaced(start * share, start, count)
        }
        guard !all.isEmpty else { throw MarketingMLError(.invalidOption, "there are no values of lambda") }
        for value in all { try LeastSquaresOptions.check(lambda: value) }
        return Array(Set(all)).sorted(by: >)
    }

    private static func spaced(_ low: Double, _ high: Double, _ count: Int) -> [Double] {
        guard count > 1 else { return count == 1 ? [high] : [] }
        let step = (log(high) - log(low)) / Double(count - 1)
        return (0..<count).map { $0 == 0 ? high : $0 == count - 1 ? low : high * exp(-Double($0) * step) }
    }
}
