/// Distinct ids and the number that each one has: its place in the order of first appearance.
struct IDIndex<ID: Hashable & Sendable & Codable>: Sendable {
    private(set) var ids: [ID] = []
    private var places: [ID: Int32] = [:]

    init() {}

    /// Numbers distinct ids; nil if one occurs twice.
    init?(distinct ids: [ID]) {
        for id in ids { insert(id) }
        guard self.ids.count == ids.count else { return nil }
    }

    /// The number of an id, a new one if it was not there.
    @discardableResult
    mutating func insert(_ id: ID) -> Int32 {
        if let place = places[id] { return place }
        let place = Int32(truncatingIfNeeded: ids.count)
        places[id] = place
        ids.append(id)
        return place
    }

    subscript(_ id: ID) -> Int? { places[id].map(Int.init) }
}
