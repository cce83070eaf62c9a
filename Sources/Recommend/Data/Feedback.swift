import Foundation
import Tensor

/// What the values of interactions mean: ``Ratings`` or ``Confidence``.
public protocol Feedback<User, Item>: Sendable {
    /// The type of the users' ids.
    associatedtype User: Hashable & Sendable & Codable
    /// The type of the items' ids.
    associatedtype Item: Hashable & Sendable & Codable

    /// Takes the values of interactions in the usual way.
    init(_ interactions: Interactions<User, Item>) throws(MarketingMLError)
}

extension Ratings: Feedback {
    /// Takes the values as ratings on a scale from the smallest to the largest that occur.
    ///
    /// - Throws: `.emptyData`.
    public init(_ interactions: Interactions<User, Item>) throws(MarketingMLError) {
        try self.init(interactions, scale: nil)
    }
}

extension Confidence: Feedback {
    /// Takes the values as confidence.
    ///
    /// - Throws: `.emptyData`; `.invalidOption` for a value below 0, naming its user and item.
    public init(_ interactions: Interactions<User, Item>) throws(MarketingMLError) {
        try self.init(interactions, reading: .value)
    }
}

/// Interactions whose values are ratings: how much users say that they like items. A pair that is missing says nothing.
///
/// Models that predict ratings learn from this type, models that rank by behaviour from ``Confidence``: neither takes the
/// other's, since a rating of 1 of 5 is dislike and a confidence of 1 is not.
public struct Ratings<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>: Sendable {
    let interactions: Interactions<User, Item>
    /// The lowest and the highest rating that can be given: predictions are kept within it.
    public let scale: ClosedRange<Double>

    /// Takes the values as ratings.
    ///
    /// - Parameter scale: The ratings that can be given; nil takes the smallest and the largest that occur.
    /// - Throws: `.emptyData`; `.invalidOption` for a rating outside the scale; `.notFinite`.
    public init(
        _ interactions: Interactions<User, Item>, scale: ClosedRange<Double>?
    ) throws(MarketingMLError) {
        guard let lowest = interactions.matrix.values.min(), let highest = interactions.matrix.values.max()
        else {
            throw MarketingMLError(.emptyData, "there are no ratings")
        }
        if let bad = interactions.matrix.values.first(where: { !$0.isFinite }) {
            throw MarketingMLError(.notFinite, "a rating is \(bad)")
        }
        let found = Double(lowest)...Double(highest)
        if let scale, found.lowerBound < scale.lowerBound || found.upperBound > scale.upperBound {
            throw MarketingMLError(
                .invalidOption, "ratings from \(lowest) to \(highest) are not all within \(scale)",
                at: .init(name: "scale"))
        }
        self.interactions = interactions
        self.scale = scale ?? found
    }
}

/// Interactions whose values are confidence: how sure they make us that the user likes the item. A pair that is missing is weak
/// evidence of the contrary.
public struct Confidence<User: Hashable & Sendable & Codable, Item: Hashable & Sendable & Codable>: Sendable {
    let interactions: Interactions<User, Item>

    /// How values become confidence.
    public enum Reading: Sendable, Equatable {
        /// The value itself.
        case value
        /// 1 for each pair, whatever its value.
        case presence
        /// log(1 + value / scale): amounts and counts that range over orders of magnitude.
        case logarithm(scale: Double = 1)
        /// 1 for values from this one on; the other pairs are left out, with the users and items that have no others: ratings
        /// of 4 and 5 stars as "liked".
        case atLeast(Double)
    }

    /// Takes the values as confidence.
    ///
    /// - Throws: `.emptyData` if there are no interactions; `.invalidOption` for a value below 0, naming its user and item.
    public init(
        _ interactions: Interactions<User, Item>, reading: Reading
    ) throws(MarketingMLError) {
        let kept: Interactions<User, Item>
        switch reading {
        case .value: kept = interactions
        case .presence: kept = try interactions.withValues { _ in 1 }
        case .logarithm(let scale):
            guard scale > 0, scale.isFinite else {
                throw MarketingMLError(
                    .invalidOption, "must be above 0, is \(scale)", at: .init(name: "scale"))
            }
            try Self.check(interactions)
            kept = try interactions.withValues { log1p($0 / scale) }
        case .atLeast(let bound):
            let values = interactions.matrix.values
            kept = try interactions.filtered { Double(values[$1]) >= bound }.withValues { _ in 1 }
        }
        try Self.check(kept)
        self.interactions = kept
    }

    private static func check(_ interactions: Interactions<User, Item>) throws(MarketingMLError) {
        guard interactions.count > 0 else { throw MarketingMLError(.emptyData, "there are no interactions") }
        let matrix = interactions.matrix
        guard let place = matrix.values.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) else { return }
        let row = interactions.users.indices.first { matrix.range($0).contains(place) } ?? 0
        throw MarketingMLError(
            .invalidOption,
            "a confidence must be a finite number of at least 0; that of user \(interactions.users[row]) in item "
                + "\(interactions.items[Int(matrix.columnIndices[place])]) is \(matrix.values[place])")
    }
}
