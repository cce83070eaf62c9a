/// A piece of a text that is the name of something: a product, a price, a place.
public struct TextEntity: Sendable, Hashable {
    /// What it is.
    public var label: String
    /// Where it stands, in bytes of the text's UTF-8.
    public var bytes: Range<Int>

    /// Creates an entity from its place in bytes of UTF-8.
    public init(label: String, bytes: Range<Int>) {
        self.label = label
        self.bytes = bytes
    }

    /// Creates an entity from its place in a text.
    public init(label: String, _ range: Range<String.Index>, in text: String) {
        let start = text.utf8.distance(from: text.startIndex, to: range.lowerBound)
        self.init(
            label: label,
            bytes: start..<start + text.utf8.distance(from: range.lowerBound, to: range.upperBound))
    }

    /// Its place as indices of the text, as far as the text goes.
    public func range(in text: String) -> Range<String.Index> {
        let utf8 = text.utf8
        func index(_ byte: Int) -> String.Index {
            utf8.index(utf8.startIndex, offsetBy: max(0, byte), limitedBy: utf8.endIndex) ?? utf8.endIndex
        }
        return index(bytes.lowerBound)..<index(bytes.upperBound)
    }
}

/// A text with the entities in it.
public struct TaggedText: Sendable, Equatable {
    /// The text.
    public let text: String
    /// Its entities in order; none overlaps another.
    public let entities: [TextEntity]

    /// Creates a text with entities, in any order.
    ///
    /// - Throws: `.invalidOption` for an entity that is empty, outside the text or overlaps another.
    public init(_ text: String, entities: [TextEntity]) throws(MarketingMLError) {
        let sorted = entities.sorted { $0.bytes.lowerBound < $1.bytes.lowerBound }
        var end = 0
        for entity in sorted {
            guard !entity.bytes.isEmpty, entity.bytes.lowerBound >= end,
                entity.bytes.upperBound <= text.utf8.count
            else {
                throw MarketingMLError(
                    .invalidOption,
                    "must be a part of the text that overlaps no other, is bytes \(entity.bytes) of \(text.utf8.count)",
                    at: .init(name: entity.label))
            }
            end = entity.bytes.upperBound
        }
        self.text = text
        self.entities = sorted
    }

    /// Creates a text from words and their tags (`O`, `B-product`, `I-product`); the words stand apart by spaces.
    ///
    /// - Throws: `.shapeMismatch` for other than one tag a word, `.unsupported` for a tag of another scheme.
    public init(words: [String], tags: [String]) throws(MarketingMLError) {
        guard words.count == tags.count else {
            throw MarketingMLError(.shapeMismatch, "\(words.count) words have \(tags.count) tags")
        }
        var starts: [Int] = []
        var length = 0
        for word in words {
            starts.append(length)
            length += word.utf8.count + 1
        }
        let entities = try Self.entities(inTags: tags).map { entity in
            let last = entity.range.upperBound - 1
            return TextEntity(
                label: entity.label,
                bytes: starts[entity.range.lowerBound]..<starts[last] + words[last].utf8.count)
        }
        try self.init(words.joined(separator: " "), entities: entities.filter { !$0.bytes.isEmpty })
    }

    /// The entities of a row of tags, with their words, as seqeval reads them: one begins at `B-X`, and at an `I-X` that follows
    /// no `B-X` or `I-X`; it ends before anything but `I-X`.
    ///
    /// - Throws: `.unsupported` for a tag that is neither `O`, `B-…` nor `I-…`.
    public static func entities(
        inTags tags: [String]
    ) throws(MarketingMLError) -> [(label: String, range: Range<Int>)] {
        var found: [(label: String, range: Range<Int>)] = []
        for (index, tag) in tags.enumerated() where tag != "O" {
            guard tag.hasPrefix("B-") || tag.hasPrefix("I-") else {
                throw MarketingMLError(
                    .unsupported, "expected O, B-… or I-…, found \"\(tag)\"", at: .init(row: index + 1))
            }
            let label = String(tag.dropFirst(2))
            if tag.hasPrefix("I-"), let last = found.last, last.range.upperBound == index, last.label == label
            {
                found[found.count - 1].range = last.range.lowerBound..<index + 1
            } else {
                found.append((label, index..<index + 1))
            }
        }
        return found
    }
}
