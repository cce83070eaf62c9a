/// What the tokenizer has to know of each Unicode scalar, unpacked from `UnicodeTables` at the first use.
///
/// A two-stage table: scalars without any property share page 0, so the common case costs two loads.
struct UnicodeProperties: Sendable {
    /// The properties of one scalar in 32 bits.
    struct Entry {
        let bits: UInt32

        var isPlain: Bool { bits == 0 }
        var isWhitespace: Bool { bits & Flag.whitespace != 0 }
        var isControl: Bool { bits & Flag.control != 0 }
        var isPunctuation: Bool { bits & Flag.punctuation != 0 }
        /// A non-spacing mark.
        var isMark: Bool { bits & Flag.mark != 0 }
        var combiningClass: UInt32 { bits >> 8 & 0xFF }
        /// The index in `mappings`; 0 maps nothing.
        var mapping: Int { Int(bits >> 16) }
    }

    /// What a scalar turns into, as ranges of `sequences`; empty ranges stand for the scalar itself.
    struct Mapping {
        var lowercase: Range<Int> = 0..<0
        var decomposition: Range<Int> = 0..<0
    }

    static let shared = UnicodeProperties()

    let mappings: [Mapping]
    let sequences: [UInt32]
    private let pages: [UInt16]
    private let entries: [UInt32]

    func entry(_ scalar: UInt32) -> Entry {
        let page = pages[Int(scalar >> 8)]
        return Entry(bits: entries[Int(page) << 8 | Int(scalar & 0xFF)])
    }

    /// Whether the scalar belongs to a word for added tokens that match whole words only.
    static func isWordCharacter(_ scalar: UInt32) -> Bool {
        var low = 0
        var high = wordCharacters.count
        while low < high {
            let middle = (low + high) / 2
            if wordCharacters[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        return low < wordCharacters.count && wordCharacters[low].contains(scalar)
    }

    private static let wordCharacters: [ClosedRange<UInt32>] = {
        var ranges: [ClosedRange<UInt32>] = []
        parse(UnicodeTables.wordCharacters, radix: 16) { ranges.append($0.first...$0.last) }
        return ranges
    }()
}

// MARK: - Unpacking

extension UnicodeProperties {
    fileprivate enum Flag {
        static let whitespace: UInt32 = 1
        static let control: UInt32 = 2
        static let punctuation: UInt32 = 4
        static let mark: UInt32 = 8
    }

    /// An entry of a table.
    struct Item {
        var first: UInt32 = 0
        var last: UInt32 = 0
        var step: UInt32 = 1
        var values: [UInt32] = []
    }

    private init() {
        var pages = [UInt16](repeating: 0, count: 0x110000 >> 8)
        var entries = [UInt32](repeating: 0, count: 256)
        var mappings = [Mapping()]
        var sequences: [UInt32] = []

        func position(of scalar: UInt32) -> Int {
            let index = Int(scalar >> 8)
            if pages[index] == 0 {
                pages[index] = UInt16(entries.count >> 8)
                entries += repeatElement(0, count: 256)
            }
            return Int(pages[index]) << 8 | Int(scalar & 0xFF)
        }
        func set(_ table: String, _ flag: UInt32) {
            Self.parse(table, radix: 16) { item in
                var scalar = item.first
                while scalar <= item.last {
                    let start = position(of: scalar)
                    let count = Int(min(item.last, scalar | 0xFF) - scalar) + 1  // up to the page's end
                    for index in start..<start + count { entries[index] |= flag }
                    scalar += UInt32(count)
                }
            }
        }
        func map(_ table: String, _ assign: (inout Mapping, Range<Int>) -> Void) {
            Self.parse(table, radix: 16) { item in
                for scalar in stride(from: item.first, through: item.last, by: Int(item.step)) {
                    let start = sequences.count
                    for value in item.values { sequences.append(value + (scalar - item.first)) }
                    let position = position(of: scalar)
                    var index = Int(entries[position] >> 16)
                    if index == 0 {
                        index = mappings.count
                        mappings.append(Mapping())
                        entries[position] |= UInt32(index) << 16
                    }
                    assign(&mappings[index], start..<sequences.count)
                }
            }
        }

        set(UnicodeTables.whitespace, Flag.whitespace)
        set(UnicodeTables.control, Flag.control)
        set(UnicodeTables.punctuation, Flag.punctuation)
        set(UnicodeTables.marks, Flag.mark)
        Self.parse(UnicodeTables.combiningClasses, radix: 10) { item in
            for scalar in stride(from: item.first, through: item.last, by: Int(item.step)) {
                entries[position(of: scalar)] |= (item.values.first ?? 0) << 8
            }
        }
        map(UnicodeTables.lowercase) { $0.lowercase = $1 }
        map(UnicodeTables.decompositions) { $0.decomposition = $1 }

        self.pages = pages
        self.entries = entries
        self.mappings = mappings
        self.sequences = sequences
    }

    /// Calls `body` with each item of a table; `radix` is that of the values.
    static func parse(_ table: String, radix: UInt32, _ body: (Item) -> Void) {
        var item = Item()
        var number: UInt32 = 0
        var base: UInt32 = 16
        var hasDigits = false
        var target = UInt8(ascii: " ")
        func finishNumber() {
            switch target {
            case UInt8(ascii: "-"): item.last = number
            case UInt8(ascii: "/"): item.step = number
            case UInt8(ascii: "="): item.values.append(number)
            default: (item.first, item.last) = (number, number)
            }
            number = 0
        }
        for byte in table.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                number = number * base + UInt32(byte - UInt8(ascii: "0"))
                hasDigits = true
            case UInt8(ascii: "a")...UInt8(ascii: "f"):
                number = number * base + UInt32(byte - UInt8(ascii: "a") + 10)
                hasDigits = true
            case UInt8(ascii: "."):
                finishNumber()
            case UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "="):
                finishNumber()
                target = byte
                base = byte == UInt8(ascii: "-") ? 16 : byte == UInt8(ascii: "/") ? 10 : radix
            default:
                if hasDigits {
                    finishNumber()
                    body(item)
                }
                (item, target, base, hasDigits) = (Item(), UInt8(ascii: " "), 16, false)
            }
        }
        if hasDigits {
            finishNumber()
            body(item)
        }
    }
}
