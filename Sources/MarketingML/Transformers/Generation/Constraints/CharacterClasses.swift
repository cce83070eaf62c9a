import Foundation

/// The alphabet of the constraints' automata: each scalar that a constraint names, in every case, is a class of its own;
/// all others are one class for each kind.
struct CharacterClasses: Sendable {
    /// What a character is to the rules for numbers and words.
    enum Kind: UInt8, Sendable, CaseIterable {
        case space, letter, ideograph, ideographicNumeral, numeric, joiner, mark, other

        init(_ scalar: Unicode.Scalar) {
            let properties = scalar.properties
            switch properties.generalCategory {
            case .decimalNumber, .letterNumber, .otherNumber, .currencySymbol: self = .numeric
            case .nonspacingMark, .enclosingMark, .spacingMark: self = .mark
            default:
                switch scalar {
                case "%", "‰", "‱", "٪", "％", "﹪": self = .numeric
                case ".", ",", "'", "’", ":", "/", "-", "–", "−", "+", "_": self = .joiner
                // What joins or modifies emoji belongs to the character before it.
                case "\u{200D}", "\u{FE0E}", "\u{FE0F}", "\u{1F3FB}"..."\u{1F3FF}", "\u{E0020}"..."\u{E007F}":
                    self = .mark
                default:
                    if properties.isWhitespace {
                        self = .space
                    } else if properties.isIdeographic || Self.isWrittenWithoutSpaces(scalar) {
                        self = properties.numericType == nil ? .ideograph : .ideographicNumeral
                    } else {
                        self = properties.isAlphabetic ? .letter : .other
                    }
                }
            }
        }

        /// Kana, Thai, Lao, Khmer, Myanmar: scripts in which words touch.
        private static func isWrittenWithoutSpaces(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.value {
            case 0x3040...0x30FF, 0x31F0...0x31FF, 0xFF66...0xFF9F, 0x0E00...0x0EFF, 0x1780...0x17FF,
                0x1000...0x109F:
                true
            default: false
            }
        }

        /// A scalar of that kind, the usual one if it can be chosen, else the first.
        func representative(where canBeChosen: (Unicode.Scalar) -> Bool) -> Unicode.Scalar {
            let usual: Unicode.Scalar =
                switch self {
                case .space: "\n"
                case .letter: "e"
                case .ideograph: "的"
                case .ideographicNumeral: "万"
                case .numeric: "0"
                case .joiner: ","
                case .mark: "\u{301}"
                case .other: "!"
                }
            if canBeChosen(usual) { return usual }
            return (UInt32(9)..<0x3_0000).lazy.compactMap { Unicode.Scalar($0) }
                .first { Kind($0) == self && canBeChosen($0) } ?? usual
        }

        /// Whether it continues a word.
        var isWord: Bool { self == .letter || self == .numeric || self == .mark }
    }

    /// One class.
    struct Class: Sendable {
        /// The scalar that stands for the class where a text is made up.
        var scalar: Unicode.Scalar
        var kind: Kind
        /// Whether a constraint names the scalar.
        var isNamed: Bool
        /// The scalar after case folding.
        var folded: [Unicode.Scalar]
    }

    private(set) var classes: [Class] = []
    private var named: [UInt32: Int] = [:]
    private var ofKind: [Int] = []
    private var ascii: [Int] = []

    /// Classes for constraints that name these strings.
    init(naming strings: [String]) {
        func add(_ scalar: Unicode.Scalar, isNamed: Bool) {
            classes.append(
                Class(
                    scalar: scalar, kind: Kind(scalar), isNamed: isNamed, folded: CaseFolding.fold(scalar)))
        }
        // The space first, then scalars as they are written, then those that fold alike: of equally short ways to go on,
        // that of the first class is preferred.
        let written = [" "] + Array(strings.joined().unicodeScalars)
        let folded = written.flatMap { CaseFolding.fold($0) }
        for scalar in written + folded + folded.flatMap({ CaseFolding.scalars(foldingTo: $0) })
        where named[scalar.value] == nil {
            named[scalar.value] = classes.count
            add(scalar, isNamed: true)
        }
        for kind in Kind.allCases {
            ofKind.append(classes.count)
            add(kind.representative { named[$0.value] == nil }, isNamed: false)
        }
        ascii = (0..<128).map { lookUp($0) }
    }

    /// The class of a scalar.
    func index(of scalar: UInt32) -> Int { scalar < 128 ? ascii[Int(scalar)] : lookUp(scalar) }

    private func lookUp(_ scalar: UInt32) -> Int {
        if let index = named[scalar] { return index }
        return ofKind[Int(Kind(Unicode.Scalar(scalar) ?? "\u{FFFD}").rawValue)]
    }
}

/// Full case folding: the lower case of the upper case, so that ß and SS, ς and Σ are the same.
enum CaseFolding {
    static func fold(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        scalar.properties.uppercaseMapping.unicodeScalars.flatMap {
            $0.properties.lowercaseMapping.unicodeScalars
        }
    }

    static func fold(_ text: String) -> [Unicode.Scalar] { text.unicodeScalars.flatMap { fold($0) } }

    /// The scalars whose folding holds this one.
    static func scalars(foldingTo scalar: Unicode.Scalar) -> [Unicode.Scalar] { sources[scalar] ?? [] }

    private static let sources: [Unicode.Scalar: [Unicode.Scalar]] = {
        var sources: [Unicode.Scalar: [Unicode.Scalar]] = [:]
        // Above this there is no case.
        for value in UInt32(0)..<0x1E944 {
            guard let scalar = Unicode.Scalar(value), scalar.properties.changesWhenCaseMapped else {
                continue
            }
            for folded in fold(scalar) { sources[folded, default: []].append(scalar) }
        }
        return sources
    }()
}
