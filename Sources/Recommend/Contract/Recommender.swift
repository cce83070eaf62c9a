import Foundation
import Tensor

/// A recipe for a model that ranks items for users: `ImplicitALS`, `EASE`, `ItemKNN`, `Popularity`, …
public protocol Recommender<User, Item>: Sendable {
    /// The type of the users' ids.
    associatedtype User: Hashable & Sendable & Codable
    /// The type of the items' ids.
    associatedtype Item: Hashable & Sendable & Codable
    /// What the recipe learns from: ``Confidence`` or ``Ratings``.
    associatedtype Learnt: Feedback<User, Item>
    /// What `fit` returns.
    associatedtype Model: RecommenderModel<User, Item>

    /// The recipe in words, for tables.
    var name: String { get }

    /// Learns from feedback.
    ///
    /// - Parameter progress: Called as the work proceeds; when it answers `.stop`, the fit returns what there is by then.
    /// - Throws: `.invalidOption`; `CancellationError` when the task is cancelled.
    func fit(_ feedback: Learnt, progress: ProgressHandler?) throws -> Model
}

extension Recommender {
    /// Learns from interactions, whose values are taken as what the recipe learns from.
    ///
    /// - Throws: `.emptyData` if there are none; `.invalidOption` for a confidence below 0; what `fit(_:progress:)` throws.
    public func fit(
        _ interactions: Interactions<User, Item>, progress: ProgressHandler? = nil
    ) throws -> Model {
        try fit(Learnt(interactions), progress: progress)
    }

    /// Learns from feedback.
    public func fit(_ feedback: Learnt) throws -> Model { try fit(feedback, progress: nil) }
}

/// A fitted model that ranks items for users.
///
/// The upper part is for those who use models, the lower one for those who add one: scores by numbers of users and items, from
/// which everything else follows. Of equal scores the item that appeared first in the training data comes first.
public protocol RecommenderModel<User, Item>: Sendable {
    /// The type of the users' ids.
    associatedtype User: Hashable & Sendable & Codable
    /// The type of the items' ids.
    associatedtype Item: Hashable & Sendable & Codable

    /// The users and items of the training data, and their interactions.
    var catalogue: Catalogue<User, Item> { get }

    /// Reads a model that `save(to:)` wrote.
    ///
    /// - Throws: `.malformedFile`, `.missingTensor`, `.shapeMismatch`, `.notFinite` for a damaged file; `.unsupported` for
    ///   another kind of model or a newer version; `.fileNotFound`.
    init(_ url: URL) throws
    /// Writes the model to a file; an older one is there until the new one is complete.
    func save(to url: URL) throws

    /// The scores of all items for a user of the training data, seen ones included.
    func scores(ofUserAt index: Int) -> [Float]
    /// The scores of all items for somebody of whom only a history is known; nil for a history from which the model
    /// cannot tell anything.
    func scores(ofHistory history: History) throws -> [Float]?
    /// How much each item resembles one.
    func similarities(ofItemAt index: Int) -> [Float]
    /// How much each user resembles one.
    func similarities(ofUserAt index: Int) -> [Float]
    /// What each item of a history contributes to the score of an item.
    func contributions(of history: History, toItemAt index: Int) throws -> [Float]
    /// The best items of a range of users, seen ones left out unless `includingSeen`.
    func top(ofUsers users: Range<Int>, count: Int, offsets: [Float]?, includingSeen: Bool) -> TopItems
}

/// The best items of several users: numbers and scores, best first.
public struct TopItems: Sendable {
    @usableFromInline let items: [Int32]
    @usableFromInline let scores: [Float]
    /// Where each user's list begins, and where the last one ends.
    @usableFromInline let offsets: [Int]

    init(_ lists: TopScores) { (items, scores, offsets) = (lists.indices, lists.scores, lists.offsets) }

    /// A user's list.
    @inlinable func list<Item>(_ place: Int, of all: [Item]) -> [(item: Item, score: Double)] {
        let range = offsets[place]..<offsets[place + 1]
        var list: [(item: Item, score: Double)] = []
        list.reserveCapacity(range.count)
        for index in range { list.append((all[Int(items[index])], Double(scores[index]))) }
        return list
    }
}
