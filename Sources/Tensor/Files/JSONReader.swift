/// A pull parser for JSON: the caller walks the document and takes each value as the type it expects.
///
/// Files that describe models are read through it: headers of safetensors, configurations, vocabularies. It never
/// builds more than the caller asks for, so a vocabulary of 30,000 strings costs as much as scanning its bytes.
/// Whatever the bytes are, the worst that happens is a thrown error that names the byte.
///
/// ```swift
/// var reader = JSONReader(bytes, file: "config.json")
/// try reader.readObject { key, reader in
///     if key == "hidden_size" { hiddenSize = try reader.readInt() }     // a value left alone is skipped
/// }
/// try reader.finish()
/// ```
public struct JSONReader {
    /// The kinds of value that can stand in a document.
    public enum Kind: String, Sendable {
        // The raw value is the kind's name in messages.
        case object = "an object"
        case array = "an array"
        case string = "a string"
        case number = "a number"
        case bool = "true or false"
        case null = "null"
    }

    /// How deep values may be nested.
    public static let maximumDepth = 256

    /// The offset of the next byte to be read.
    public private(set) var position = 0

    private let bytes: [UInt8]
    private let file: String?
    private var depth = 0
    /// Nothing has been read since the last opening bracket, so no comma is due.
    private var isAtOpening = false

    /// Creates a reader of a document; `file` is the name that errors carry.
    public init(_ bytes: [UInt8], file: String? = nil) {
        self.bytes = bytes
        self.file = file
    }

    // MARK: Containers

    /// Reads an object; `body` is called with each key, in order, to read its value.
    ///
    /// A value that `body` leaves unread is skipped. Duplicate keys are reported twice.
    public mutating func readObject(_ body: (String, inout JSONReader) throws -> Void) throws {
        try beginObject()
        while let key = try nextKey() {
            let start = position
            try body(key, &self)
            if position == start { try skipValue() }
        }
    }

    /// Reads an array; `body` is called once for each element, to read it, or it is skipped.
    public mutating func readArray(_ body: (inout JSONReader) throws -> Void) throws {
        try beginArray()
        while try nextElement() {
            let start = position
            try body(&self)
            if position == start { try skipValue() }
        }
    }

    /// Enters an object; `nextKey()` follows.
    public mutating func beginObject() throws {
        try open(UInt8(ascii: "{"), .object)
    }

    /// Enters an array; `nextElement()` follows.
    public mutating func beginArray() throws {
        try open(UInt8(ascii: "["), .array)
    }

    /// The next key of the object entered last, or nil at its end, which is then left.
    public mutating func nextKey() throws -> String? {
        guard try advance(to: UInt8(ascii: "}")) else { return nil }
        let key = try readString()
        try readColon()
        return key
    }

    /// Appends the next key's UTF-8 to `buffer`; false at the object's end, which is then left.
    ///
    /// For objects with very many keys: no string is made.
    public mutating func nextKey(appendingTo buffer: inout [UInt8]) throws -> Bool {
        guard try advance(to: UInt8(ascii: "}")) else { return false }
        try readString(appendingTo: &buffer)
        try readColon()
        return true
    }

    /// Whether the array entered last has another element; at its end it is left.
    public mutating func nextElement() throws -> Bool {
        try advance(to: UInt8(ascii: "]"))
    }

    // MARK: Values

    /// The kind of the next value, which stays unread.
    public mutating func peek() throws -> Kind {
        skipSpace()
        guard position < bytes.count else { throw error("the file ends where a value should begin") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw error("expected a value, found \(found)")
        }
    }

    /// Reads a string.
    public mutating func readString() throws -> String {
        var buffer: [UInt8] = []
        try readString(appendingTo: &buffer)
        return String(decoding: buffer, as: UTF8.self)
    }

    /// Reads a string and appends its UTF-8 to `buffer`.
    public mutating func readString(appendingTo buffer: inout [UInt8]) throws {
        try expect(.string)
        position += 1
        while true {
            let start = position
            var combined: UInt8 = 0
            var byte: UInt8 = 0
            while position < bytes.count {
                byte = bytes[position]
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
                combined |= byte
                position += 1
            }
            let piece = bytes[start..<position]
            if combined >= 0x80, String(validating: piece, as: UTF8.self) == nil {
                throw error("the string is not valid UTF-8", at: start)
            }
            buffer += piece
            guard position < bytes.count else { throw error("the file ends inside a string") }
            guard byte >= 0x20 else { throw error("a control character inside a string") }
            position += 1
            if byte == UInt8(ascii: "\"") { break }
            try readEscape(appendingTo: &buffer)
        }
        isAtOpening = false
    }

    /// Reads a number without fraction or exponent that fits `Int`.
    public mutating func readInt() throws -> Int {
        let (range, isInteger) = try scanNumber()
        guard isInteger else {
            throw error("expected an integer, found \(text(range))", at: range.lowerBound)
        }
        let isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
        var value = 0
        for byte in bytes[range] where byte != UInt8(ascii: "-") {
            // Summed below zero, where there is room for one more number than above.
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (difference, underflow) = product.subtractingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            if overflow || underflow {
                throw error("the number \(text(range)) is too large", at: range.lowerBound)
            }
            value = difference
        }
        guard isNegative || value > Int.min else {
            throw error("the number \(text(range)) is too large", at: range.lowerBound)
        }
        return isNegative ? value : -value
    }

    /// Reads a number as the nearest finite `Double`.
    public mutating func readDouble() throws -> Double {
        let (range, _) = try scanNumber()
        guard let value = Double(text(range)), value.isFinite else {
            throw error("the number \(text(range)) is too large", at: range.lowerBound)
        }
        return value
    }

    /// Reads `true` or `false`.
    public mutating func readBool() throws -> Bool {
        try expect(.bool)
        let isTrue = bytes[position] == UInt8(ascii: "t")
        try readWord(isTrue ? "true" : "false")
        return isTrue
    }

    /// Reads `null`.
    public mutating func readNull() throws {
        try expect(.null)
        try readWord("null")
    }

    /// Reads `null` if it is next, and says whether it was.
    public mutating func readNullIfPresent() throws -> Bool {
        guard try peek() == .null else { return false }
        try readNull()
        return true
    }

    /// Reads past the next value, whatever it is.
    public mutating func skipValue() throws {
        switch try peek() {
        case .object: try readObject { _, reader in try reader.skipValue() }
        case .array: try readArray { reader in try reader.skipValue() }
        case .string: _ = try readString()
        case .number: _ = try scanNumber()
        case .bool: _ = try readBool()
        case .null: try readNull()
        }
    }

    /// Checks that nothing but white space follows the document's value.
    public mutating func finish() throws {
        skipSpace()
        guard position == bytes.count else { throw error("expected the end of the file, found \(found)") }
    }

    /// An error about this document at a byte, by default the next one, for callers whose own checks fail.
    public func error(
        _ message: String, code: MarketingMLError.Code = .malformedFile, at offset: Int? = nil
    ) -> MarketingMLError {
        MarketingMLError(code, message, at: .init(file: file, offset: offset ?? position))
    }
}

// MARK: - Syntax

extension JSONReader {
    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private var found: String {
        guard position < bytes.count else { return "the end of the file" }
        let byte = bytes[position]
        return 0x20..<0x7F ~= byte ? "'\(Character(Unicode.Scalar(byte)))'" : "the byte \(byte)"
    }

    private mutating func expect(_ kind: Kind) throws {
        let next = try peek()
        guard next == kind else { throw error("expected \(kind.rawValue), found \(next.rawValue)") }
    }

    private mutating func open(_ bracket: UInt8, _ kind: Kind) throws {
        try expect(kind)
        guard depth < Self.maximumDepth else {
            throw error("values are nested deeper than \(Self.maximumDepth) levels")
        }
        depth += 1
        position += 1
        isAtOpening = true
    }

    /// Moves to the next member of a container; false if its closing bracket came instead.
    private mutating func advance(to closing: UInt8) throws -> Bool {
        skipSpace()
        if position < bytes.count, bytes[position] == closing, depth > 0 {
            position += 1
            depth -= 1
            isAtOpening = false
            return false
        }
        if !isAtOpening {
            guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else {
                throw error("expected ',' or '\(Character(Unicode.Scalar(closing)))', found \(found)")
            }
            position += 1
        }
        isAtOpening = false
        skipSpace()
        return true
    }

    private mutating func readColon() throws {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else {
            throw error("expected ':', found \(found)")
        }
        position += 1
        skipSpace()
    }

    private mutating func readWord(_ word: StaticString) throws {
        for index in 0..<word.utf8CodeUnitCount {
            guard position < bytes.count, bytes[position] == word.utf8Start[index] else {
                throw error("expected \(word), found \(found)")
            }
            position += 1
        }
        isAtOpening = false
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    private mutating func scanNumber() throws -> (range: Range<Int>, isInteger: Bool) {
        try expect(.number)
        let start = position
        var isInteger = true
        skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { try skipDigits() }
        if skip(UInt8(ascii: ".")) {
            isInteger = false
            try skipDigits()
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            isInteger = false
            if !skip(UInt8(ascii: "-")) { skip(UInt8(ascii: "+")) }
            try skipDigits()
        }
        guard position - start <= 1_000 else { throw error("a number of more than 1000 digits", at: start) }
        isAtOpening = false
        return (start..<position, isInteger)
    }

    @discardableResult
    private mutating func skip(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipDigits() throws {
        let start = position
        while position < bytes.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[position] {
            position += 1
        }
        guard position > start else { throw error("expected a digit, found \(found)") }
    }

    /// Reads what follows a backslash.
    private mutating func readEscape(appendingTo buffer: inout [UInt8]) throws {
        guard position < bytes.count else { throw error("the file ends inside a string") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0C)
        case UInt8(ascii: "n"): buffer.append(0x0A)
        case UInt8(ascii: "r"): buffer.append(0x0D)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"):
            let start = position - 2
            var value = try readHexadecimal()
            if 0xD800..<0xDC00 ~= value, skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")) {
                let low = try readHexadecimal()
                guard 0xDC00..<0xE000 ~= low else { throw error("half a surrogate pair", at: start) }
                value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(value) else { throw error("half a surrogate pair", at: start) }
            buffer += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
        default:
            throw error("unknown escape in a string", at: position - 1)
        }
    }

    private mutating func readHexadecimal() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue
            else { throw error("expected four hexadecimal digits, found \(found)") }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
