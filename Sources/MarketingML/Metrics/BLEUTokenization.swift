/// How BLEU cuts a text into tokens: sacreBLEU's tokenizers, to the token.
public enum BLEUTokenization: String, Sendable, Codable, CaseIterable {
    /// `13a`: that of mteval-v13a, for languages with spaces.
    case mteval13a = "13a"
    /// `zh`: every Chinese character is a token, the rest is cut as by `13a`.
    case chinese = "zh"
    /// `char`: every Unicode scalar is a token.
    case characters = "char"

    /// The tokens of a text.
    public func tokens(of text: String) -> [String] {
        let scalars = Array(text.unicodeScalars.trimmedAtEnd)
        switch self {
        case .mteval13a: return Self.split(Self.withoutMarkup(scalars), padded: true)
        case .chinese:
            var spaced: [Unicode.Scalar] = []
            for scalar in scalars.drop(while: \.isPythonSpace) {
                spaced += Self.isChinese(scalar) ? [" ", scalar, " "] : [scalar]
            }
            return Self.split(spaced, padded: false)
        case .characters: return Self.words(scalars.flatMap { [$0, " "] })
        }
    }

    /// Lines joined and entities resolved, as mteval does before it cuts.
    private static func withoutMarkup(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        let replacements: [(String, String)] = [
            ("<skipped>", ""), ("-\n", ""), ("\n", " "), ("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"),
            ("&gt;", ">"),
        ]
        var line = scalars
        for (old, new) in replacements {
            let old = Array(old.unicodeScalars)
            var result: [Unicode.Scalar] = []
            var position = 0
            while position < line.count {
                if line[position...].starts(with: old) {
                    result += new.unicodeScalars
                    position += old.count
                } else {
                    result.append(line[position])
                    position += 1
                }
            }
            line = result
        }
        return line
    }

    /// Punctuation apart from words; period and comma stay inside of numbers.
    ///
    /// The four passes are mteval's: each goes over what the one before has made, without overlaps.
    private static func split(_ scalars: [Unicode.Scalar], padded: Bool) -> [String] {
        var line = padded ? [" "] + scalars + [" "] : scalars
        line = line.flatMap { isPunctuation($0) ? [" ", $0, " "] : [$0] }
        line = replacingPairs(line) {
            !isDigit($0) && isPoint($1)
        } with: {
            [$0, " ", $1, " "]
        }
        line = replacingPairs(line) {
            isPoint($0) && !isDigit($1)
        } with: {
            [" ", $0, " ", $1]
        }
        line = replacingPairs(line) {
            isDigit($0) && $1 == "-"
        } with: {
            [$0, " ", $1, " "]
        }
        return words(line)
    }

    private static func replacingPairs(
        _ line: [Unicode.Scalar], where matches: (Unicode.Scalar, Unicode.Scalar) -> Bool,
        with replacement: (Unicode.Scalar, Unicode.Scalar) -> [Unicode.Scalar]
    ) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var position = 0
        while position < line.count {
            if position + 1 < line.count, matches(line[position], line[position + 1]) {
                result += replacement(line[position], line[position + 1])
                position += 2
            } else {
                result.append(line[position])
                position += 1
            }
        }
        return result
    }

    private static func words(_ line: [Unicode.Scalar]) -> [String] {
        line.split(whereSeparator: \.isPythonSpace).map { word in
            var text = ""
            text.unicodeScalars.append(contentsOf: word)
            return text
        }
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { "0"..."9" ~= scalar }
    private static func isPoint(_ scalar: Unicode.Scalar) -> Bool { scalar == "." || scalar == "," }
    private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "{"..."~", "["..."`", " "..."&", "("..."+", ":"..."@", "/": true
        default: false
        }
    }

    /// What sacreBLEU takes for Chinese. Its ranges of five hexadecimal digits are written as four and a digit, so
    /// everything from U+2001 to U+2A6D counts, as do U+2F81 to U+2FA1, and nothing beyond U+FFFF.
    private static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x3400...0x4DB5, 0x4E00...0x9FBB, 0xF900...0xFA2D, 0xFA30...0xFA6A, 0xFA70...0xFAD9,
            0x2001...0x2A6D, 0x2F81...0x2FA1, 0xFF00...0xFFEF, 0x2E80...0x2EFF, 0x3000...0x303F,
            0x31C0...0x31EF, 0x2F00...0x2FDF, 0x2FF0...0x2FFF, 0x3100...0x312F, 0x31A0...0x31BF,
            0xFE10...0xFE1F, 0xFE30...0xFE4F, 0x3200...0x33FF:
            true
        default: false
        }
    }
}

extension Unicode.Scalar {
    /// What Python's `str.split` takes for white space.
    var isPythonSpace: Bool { properties.isWhitespace || ("\u{1C}"..."\u{1F}").contains(self) }
}

extension String.UnicodeScalarView {
    fileprivate var trimmedAtEnd: SubSequence {
        var end = endIndex
        while end > startIndex, self[index(before: end)].isPythonSpace { end = index(before: end) }
        return self[..<end]
    }
}
