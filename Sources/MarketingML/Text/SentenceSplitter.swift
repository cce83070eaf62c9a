/// Cuts running text into sentences by its punctuation.
///
/// A sentence ends behind `.`, `!`, `?` or `…` (and quotes or brackets that close there) if white space and no small letter
/// follows, unless the point belongs to an initial or a title; behind `。`, `！`, `？` always; and at the end of a line.
enum SentenceSplitter {
    /// The sentences of a text, without white space around them; none is empty.
    static func sentences(of text: some StringProtocol) -> [String] {
        var sentences: [String] = []
        let scalars = Array(text.unicodeScalars)
        var start = 0
        var index = 0
        func end(at limit: Int) {
            var range = start..<limit
            while let first = range.first, scalars[first].properties.isWhitespace { range.removeFirst() }
            while let last = range.last, scalars[last].properties.isWhitespace { range.removeLast() }
            if !range.isEmpty {
                var sentence = String.UnicodeScalarView()
                sentence.append(contentsOf: scalars[range])
                sentences.append(String(sentence))
            }
            start = limit
        }
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            switch scalar {
            case "\n", "\r", "\u{2028}", "\u{2029}":
                end(at: index)
            case "。", "！", "？":
                index = skippingClosers(scalars, from: index)
                end(at: index)
            case ".", "!", "?", "…":
                let next = skippingClosers(scalars, from: index)
                guard next < scalars.count, scalars[next].properties.isWhitespace else { continue }
                index = next
                if let first = scalars[next...].first(where: { !$0.properties.isWhitespace }),
                    first.properties.isLowercase
                {
                    continue
                }
                if scalar == ".", isAbbreviation(scalars[start..<next]) { continue }
                end(at: next)
            default: break
            }
        }
        end(at: scalars.count)
        return sentences
    }

    private static func skippingClosers(_ scalars: [Unicode.Scalar], from index: Int) -> Int {
        var index = index
        while index < scalars.count, ".!?…。！？\"')]”’」』）".unicodeScalars.contains(scalars[index]) {
            index += 1
        }
        return index
    }

    private static let titles: Set<String> = [
        "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "No", "vs", "e.g", "i.e",
    ]

    /// Whether the last word is an initial (`J.`) or a title before a name.
    private static func isAbbreviation(_ scalars: ArraySlice<Unicode.Scalar>) -> Bool {
        guard scalars.last == "." else { return false }
        let word = scalars.dropLast().reversed().prefix { !$0.properties.isWhitespace }.reversed()
        if word.count == 1 { return word.first?.properties.isUppercase == true }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: word)
        return titles.contains(String(text))
    }
}
