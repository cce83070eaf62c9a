/// Which items may be recommended.
///
/// ```swift
/// model.recommend(for: user, count: 10, filter: .init(denied: soldOut, rule: { shop.ships($0) }))
/// ```
public struct RecommendationFilter<Item: Hashable & Sendable & Codable>: Sendable {
    /// Whether items of the user's own history may be recommended.
    public var includingSeen: Bool
    /// The only items that may be; nil: all.
    public var allowed: Set<Item>?
    /// Items that may not be.
    public var denied: Set<Item>
    /// Whether an item may be; asked once for each item and call.
    public var rule: (@Sendable (Item) -> Bool)?

    /// Creates a filter; by default only what the user has seen is left out.
    public init(
        includingSeen: Bool = false, allowed: Set<Item>? = nil, denied: Set<Item> = [],
        rule: (@Sendable (Item) -> Bool)? = nil
    ) {
        self.includingSeen = includingSeen
        self.allowed = allowed
        self.denied = denied
        self.rule = rule
    }

    /// Leaves out what the user has seen.
    public static var unseen: RecommendationFilter { RecommendationFilter() }
    /// Leaves out nothing.
    public static var all: RecommendationFilter { RecommendationFilter(includingSeen: true) }

    /// What is added to the items' scores: 0, or −∞ for those that may not be recommended; nil if all may.
    func offsets(of items: [Item]) -> [Float]? {
        guard allowed != nil || !denied.isEmpty || rule != nil else { return nil }
        return items.map { item in
            let isIn =
                allowed?.contains(item) ?? true && !denied.contains(item) && rule?(item) ?? true
            return isIn ? 0 : -.infinity
        }
    }
}
