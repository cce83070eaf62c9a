import Foundation
import Tensor

/// A model that predicts ratings: users' rows are [x, μ + bᵤ, 1], items' rows [y, 1, bᵢ].
public protocol RatingModel<User, Item>: FactorModel {
    /// The mean of the ratings that it learned from (μ).
    var meanRating: Double { get }
    /// The ratings that can be given: predictions are kept within it.
    var ratingScale: ClosedRange<Double> { get }
}

extension RatingModel {
    /// The rating that a user would give to an item. An unknown user or item has factors and bias 0.
    public func predict(user: User, item: Item) -> Double {
        let count = factors.factorCount
        let x = catalogue.userIndex[user].map { factors.user($0) }
        var rating = x.map { Double($0[count]) } ?? meanRating
        if let index = catalogue.itemIndex[item] {
            let y = factors.paddedItems.row(index)
            rating += Double(y[count + 1])
            if let x { rating += (0..<count).reduce(0) { $0 + Double(x[$1]) * Double(y[$1]) } }
        }
        return min(max(rating, ratingScale.lowerBound), ratingScale.upperBound)
    }

    /// The root of the mean squared error of `predict` on test ratings, with unknown users and items among them.
    public func rootMeanSquaredError(on test: Ratings<User, Item>) -> Double {
        let events = test.interactions.events
        let sum = events.reduce(0) {
            let error = $1.value - predict(user: $1.user, item: $1.item)
            return $0 + error * error
        }
        return (sum / Double(events.count)).squareRoot()
    }
}
