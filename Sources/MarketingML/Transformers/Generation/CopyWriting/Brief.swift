/// What a text is to be written about: attributes with their values, or words.
///
/// ```swift
/// let brief: Brief = ["name": "Alimentum", "food": "French", "area": "city centre"]
/// let same = try Brief(parsing: "name[Alimentum], food[French], area[city centre]")
/// ```
public struct Brief: Sendable, Hashable, Codable {
    /// One attribute.
    public struct Attribute: Sendable, Hashable, Codable {
        /// Its name.
        public var name: String
        /// Its value.
        public var value: String

        /// Creates an attribute.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The attributes, in the order in which they are told.
    public var attributes: [Attribute]
    /// Anything else, in words.
    public var text: String

    /// Creates a brief from attributes.
    public init(_ attributes: [Attribute], text: String = "") {
        self.attributes = attributes
        self.text = text
    }

    /// Creates a brief in words.
    public init(text: String) { self.init([], text: text) }

    /// Reads the notation of the E2E data: `name[Alimentum], area[city centre]`.
    ///
    /// - Throws: `.invalidOption` saying at which character the notation is broken.
    public init(parsing notation: String) throws {
        var attributes: [Attribute] = []
        var rest = notation[...]
        while true {
            rest = rest.drop { $0 == "," || $0.isWhitespace }
            if rest.isEmpty { break }
            guard let open = rest.firstIndex(of: "["), let close = rest[open...].firstIndex(of: "]"),
                open > rest.startIndex
            else {
                let offset = notation.distance(from: notation.startIndex, to: rest.startIndex)
                throw MarketingMLError(
                    .invalidOption,
                    "expected attribute[value] from character \(offset + 1) on, found \"\(rest.prefix(40))\"",
                    at: .init(name: "brief"))
            }
            attributes.append(Attribute(String(rest[..<open]), String(rest[rest.index(after: open)..<close])))
            rest = rest[rest.index(after: close)...]
        }
        self.init(attributes)
    }

    /// The value of the first attribute of that name.
    public subscript(name: String) -> String? { attributes.first { $0.name == name }?.value }
}

extension Brief: ExpressibleByDictionaryLiteral {
    /// Creates a brief from attributes in the order written.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { Attribute($0, $1) })
    }
}

/// A brief and a text that was written for it.
public struct CopyExample: Sendable, Hashable, Codable {
    /// What it is about.
    public var brief: Brief
    /// The text.
    public var copy: String

    /// Creates an example.
    public init(_ brief: Brief, copy: String) {
        self.brief = brief
        self.copy = copy
    }
}
