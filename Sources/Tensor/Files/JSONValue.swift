/// A JSON value held in memory, for small documents that are read, changed and written back.
///
/// Objects keep the order of their members and integers stay integers, so a configuration is written back as it
/// was read but for its white space.
public enum JSONValue: Sendable, Equatable {
    /// One member of an object.
    public struct Member: Sendable, Equatable {
        /// The member's name.
        public var key: String
        /// The member's value.
        public var value: JSONValue

        /// Creates a member.
        public init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number written without fraction or exponent.
    case integer(Int)
    /// Any other number.
    case number(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object, with its members in order.
    case object([Member])

    /// Parses a whole document; of duplicate keys the last one counts.
    ///
    /// - Throws: `malformedFile` with the byte at which the syntax fails.
    public init(parsing bytes: [UInt8], file: String? = nil) throws {
        var reader = JSONReader(bytes, file: file)
        self = try JSONValue(from: &reader)
        try reader.finish()
    }

    /// Reads the next value of a document.
    public init(from reader: inout JSONReader) throws {
        switch try reader.peek() {
        case .null:
            try reader.readNull()
            self = .null
        case .bool: self = .bool(try reader.readBool())
        case .number:
            var ahead = reader  // an integer too large for Int becomes a Double
            if let value = try? ahead.readInt() {
                reader = ahead
                self = .integer(value)
            } else {
                self = .number(try reader.readDouble())
            }
        case .string: self = .string(try reader.readString())
        case .array:
            var elements: [JSONValue] = []
            try reader.readArray { elements.append(try JSONValue(from: &$0)) }
            self = .array(elements)
        case .object:
            var members: [Member] = []
            var positions: [String: Int] = [:]
            try reader.readObject { key, reader in
                let value = try JSONValue(from: &reader)
                if let position = positions[key] {
                    members[position].value = value
                } else {
                    positions[key] = members.count
                    members.append(Member(key, value))
                }
            }
            self = .object(members)
        }
    }

    /// The member with that key; nil if there is none or this is no object. Assigning nil removes it.
    public subscript(key: String) -> JSONValue? {
        get {
            guard case .object(let members) = self else { return nil }
            return members.first { $0.key == key }?.value
        }
        set {
            guard case .object(var members) = self else { return }
            if let index = members.firstIndex(where: { $0.key == key }) {
                if let newValue { members[index].value = newValue } else { members.remove(at: index) }
            } else if let newValue {
                members.append(Member(key, newValue))
            }
            self = .object(members)
        }
    }

    /// The string, if this is one.
    public var string: String? { if case .string(let value) = self { value } else { nil } }

    /// The boolean, if this is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The number, if this is an integer.
    public var integer: Int? { if case .integer(let value) = self { value } else { nil } }

    /// The number, if this is one.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The elements, if this is an array.
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    /// The members, if this is an object.
    public var object: [Member]? { if case .object(let value) = self { value } else { nil } }
}

// MARK: - Literals

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
{
    /// Creates a string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// Creates a boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// Creates an integer.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// Creates a number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// Creates an array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// Creates an object with its members in the order written.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { Member($0, $1) })
    }
    /// Creates `null`.
    public init(nilLiteral: ()) { self = .null }
}

// MARK: - Writing

extension JSONValue: CustomStringConvertible {
    /// The value on one line.
    public var description: String { serialized() }

    /// The value as JSON text; the same value always gives the same text.
    ///
    /// NaN and infinity, which JSON does not have, become `null`.
    public func serialized(pretty: Bool = false) -> String {
        var text = ""
        write(to: &text, indentation: pretty ? 0 : nil)
        return text
    }

    private func write(to text: inout String, indentation: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): text += value.isFinite ? value.description : "null"
        case .string(let value): Self.write(value, to: &text)
        case .array(let elements):
            Self.write(elements, in: ("[", "]"), to: &text, indentation: indentation) {
                element, inner, text in
                element.write(to: &text, indentation: inner)
            }
        case .object(let members):
            Self.write(members, in: ("{", "}"), to: &text, indentation: indentation) { member, inner, text in
                Self.write(member.key, to: &text)
                text += inner == nil ? ":" : ": "
                member.value.write(to: &text, indentation: inner)
            }
        }
    }

    private static func write<Item>(
        _ items: [Item], in brackets: (String, String), to text: inout String, indentation: Int?,
        _ writeItem: (Item, Int?, inout String) -> Void
    ) {
        text += brackets.0
        let inner = indentation.map { $0 + 2 }
        for (index, item) in items.enumerated() {
            if index > 0 { text += "," }
            if let inner { text += "\n" + String(repeating: " ", count: inner) }
            writeItem(item, inner, &text)
        }
        if let indentation, !items.isEmpty { text += "\n" + String(repeating: " ", count: indentation) }
        text += brackets.1
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
