/// Letters, numbers, white space and the rest: the classes of Unicode scalars that patterns of byte-level tokenizers tell
/// apart, as `\p{L}`, `\p{N}` and `\s` of their regular expressions.
///
/// A two-stage table in which the pages of 256 scalars that hold one class, nearly all, are stored once.
struct ScalarClasses: Sendable {
    /// The class of a scalar.
    enum Class: UInt8 {
        case other
        case letter
        case number
        case space
    }

    static let shared = ScalarClasses()

    private let pages: [UInt16]
    private let classes: [Class]

    /// Calls `body` with the table as the inner loop sees it.
    func withTable<Result>(_ body: (Table) -> Result) -> Result? {
        pages.withUnsafeBufferPointer { pages in
            classes.withUnsafeBufferPointer { classes in
                guard let pages = pages.baseAddress, let classes = classes.baseAddress else { return nil }
                return body(Table(pages: pages, classes: classes))
            }
        }
    }

    /// The classes as the inner loop sees them. Valid only inside `withTable`.
    struct Table {
        fileprivate let pages: UnsafePointer<UInt16>
        fileprivate let classes: UnsafePointer<Class>

        /// The class of a scalar that `decodeScalar` has found.
        @inline(__always)
        subscript(scalar: UInt32) -> Class {
            classes[Int(pages[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)]
        }
    }

    private init() {
        let every: [Class] = [.other, .letter, .number, .space]
        // The first pages hold one class each.
        var pages = [UInt16](repeating: 0, count: 0x110000 >> 8)
        var classes = every.flatMap { [Class](repeating: $0, count: 256) }
        for (table, value) in [
            (UnicodeTables.letters, Class.letter), (UnicodeTables.numbers, .number),
            (UnicodeTables.whitespace, .space),
        ] {
            UnicodeProperties.parse(table, radix: 16) { item in
                var first = Int(item.first)
                while first <= Int(item.last) {
                    let page = first >> 8
                    let end = min(Int(item.last) + 1, (page + 1) << 8)
                    if end - first == 256 {
                        pages[page] = UInt16(value.rawValue)
                    } else {
                        if Int(pages[page]) < every.count {
                            pages[page] = UInt16(classes.count >> 8)
                            classes += repeatElement(.other, count: 256)
                        }
                        let start = Int(pages[page]) << 8
                        for index in start + first & 0xFF..<start + (end - 1) & 0xFF + 1 {
                            classes[index] = value
                        }
                    }
                    first = end
                }
            }
        }
        (self.pages, self.classes) = (pages, classes)
    }
}
