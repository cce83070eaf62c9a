#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// The distinct labels of a classification task in a fixed order: class `i` of a model is `labels[i]`.
///
/// Labels that are numbers, or texts that all look like decimal numbers, are in numeric order; all others in the
/// order of the Unicode scalars of their texts. The order depends on the set alone, not on the data's.
public struct LabelSet<Label: Hashable & Sendable & Codable>: Sendable, Equatable {
    /// The labels in order.
    public let labels: [Label]
    /// What each label is called in files: a string stands for itself, a number in decimal, anything else as its
    /// JSON encoding, that of a `RawRepresentable` enum being its raw value.
    public let texts: [String]
    private let indices: [Label: Int]

    /// Collects the distinct labels among these.
    ///
    /// - Throws: `.emptyData` if there are none; `.unsupported` if a label's text does not lead back to it, or two
    ///   labels have the same text; `.notFinite` for numbers that are not finite.
    public init(_ labels: some Sequence<Label>) throws(MarketingMLError) {
        var named: [(label: Label, text: String)] = []
        for label in Set(labels) {
            let text = try LabelText.encode(label)
            guard let again: Label = LabelText.decode(text), again == label else {
                throw MarketingMLError(
                    .unsupported,
                    "label \(label) is written as \"\(text)\", which does not read back as the same")
            }
            named.append((label, text))
        }
        guard !named.isEmpty else { throw MarketingMLError(.emptyData, "there are no labels") }
        let numbers = named.map { LabelText.number($0.text) }
        if numbers.contains(nil) {
            named.sort { LabelText.precedes($0.text, $1.text) }
        } else {
            named.sort { a, b in
                let (x, y) = (LabelText.number(a.text) ?? 0, LabelText.number(b.text) ?? 0)
                return x == y ? LabelText.precedes(a.text, b.text) : x < y
            }
        }
        for (a, b) in zip(named, named.dropFirst()) where a.text == b.text {
            throw MarketingMLError(.unsupported, "two labels are written as \"\(a.text)\"")
        }
        self.init(ordered: named)
    }

    /// Restores the labels of a saved model from their texts, in the order given.
    ///
    /// - Throws: `.unknownLabel` if a text is none of `Label`'s; `.malformedFile` if two texts are the same label;
    ///   `.emptyData` if there are none.
    public init(texts: [String]) throws(MarketingMLError) {
        var named: [(label: Label, text: String)] = []
        for text in texts {
            guard let label: Label = LabelText.decode(text) else {
                throw MarketingMLError(.unknownLabel, "\"\(text)\" is not a \(Label.self)")
            }
            named.append((label, text))
        }
        guard !named.isEmpty else { throw MarketingMLError(.emptyData, "there are no labels") }
        self.init(ordered: named)
        guard indices.count == labels.count else {
            throw MarketingMLError(.malformedFile, "a label occurs twice among \(texts)")
        }
    }

    private init(ordered: [(label: Label, text: String)]) {
        labels = ordered.map(\.label)
        texts = ordered.map(\.text)
        indices = Dictionary(labels.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// How many labels there are.
    public var count: Int { labels.count }

    /// The label of class `index`.
    public subscript(index: Int) -> Label { labels[index] }

    /// The class of a label; nil for a label that is not in the set.
    public func index(of label: Label) -> Int? { indices[label] }

    /// The classes of labels.
    ///
    /// - Throws: `.unknownLabel` naming the first that is not in the set and where it stands, counted from 1.
    public func indices(of labels: [Label]) throws(MarketingMLError) -> [Int] {
        var result: [Int] = []
        result.reserveCapacity(labels.count)
        for (position, label) in labels.enumerated() {
            guard let index = indices[label] else {
                throw MarketingMLError(
                    .unknownLabel, "label \"\(label)\" of example \(position + 1) is none of \(texts)")
            }
            result.append(index)
        }
        return result
    }
}

/// How labels are written in files, and read back.
private enum LabelText {
    static func encode<Label: Codable>(_ label: Label) throws(MarketingMLError) -> String {
        if let text = label as? String { return text }
        if let number = label as? Int { return String(number) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(label) else {
            throw MarketingMLError(.notFinite, "label \(label) has no JSON encoding; numbers must be finite")
        }
        return (try? JSONDecoder().decode(String.self, from: json)) ?? String(decoding: json, as: UTF8.self)
    }

    static func decode<Label: Codable>(_ text: String) -> Label? {
        if Label.self == String.self { return text as? Label }
        if Label.self == Int.self { return Int(text) as? Label }
        let decoder = JSONDecoder()
        if let label = try? decoder.decode(Label.self, from: Data(text.utf8)) { return label }
        guard let quoted = try? JSONEncoder().encode(text) else { return nil }
        return try? decoder.decode(Label.self, from: quoted)
    }

    /// The value of a text such as `-1`, `2.5` or `1e3`; nil for others, also for what only looks like a number to
    /// a compiler (`0x10`, `nan`).
    static func number(_ text: String) -> Double? {
        let allowed = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
        }
        guard allowed, let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// The order of Unicode scalars, which is that of UTF-8 bytes.
    static func precedes(_ a: String, _ b: String) -> Bool {
        a.utf8.lexicographicallyPrecedes(b.utf8)
    }
}
