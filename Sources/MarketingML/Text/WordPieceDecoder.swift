/// Joins tokens to text again.
struct WordPieceDecoder: Sendable, Equatable {
    /// Marks tokens that continue the one before.
    var prefix = "##"
    /// Removes spaces in front of punctuation and English contractions.
    var cleansUp = true

    func decode(_ tokens: [String]) -> String {
        var text = ""
        for (index, token) in tokens.enumerated() { text += decode(token, isFirst: index == 0) }
        return text
    }

    /// What a token adds to a text, at its beginning or later.
    func decode(_ token: String, isFirst: Bool) -> String {
        var piece = token
        if !isFirst {
            piece =
                token.utf8.starts(with: prefix.utf8)
                ? String(decoding: token.utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : " " + token
        }
        return cleansUp ? Self.cleanUp(piece) : piece
    }

    private static let replacements: [(String, String)] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ]

    private static func cleanUp(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: " ")) else { return text }  // every pattern has a space
        var bytes = Array(text.utf8)
        for (pattern, replacement) in replacements {
            let pattern = Array(pattern.utf8)
            var result: [UInt8] = []
            var position = 0
            while position < bytes.count {
                if bytes[position...].starts(with: pattern) {
                    result += replacement.utf8
                    position += pattern.count
                } else {
                    result.append(bytes[position])
                    position += 1
                }
            }
            bytes = result
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
