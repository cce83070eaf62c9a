/// Cuts running text into sentences by its punctuation.
///
/// A sentence ends behind `.`, `!`, `?` (and quotes or brackets that close there) if white space follows, unless the point
/// belongs to an initial, a title or a unit; behind `...` and `…` only if no small letter follows; behind `。`, `！`, `？`
/// always; and at the end of a line. Small letters may begin a sentence: in reviews they do.
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
                let run = scalars[index - 1..<next]
                let follower = scalars[next...].first { !$0.properties.isWhitespace }
                let goesOn = follower?.properties.isLowercase == true
                index = next
                if goesOn, scalar == "…" || run.starts(with: "..".unicodeScalars) { continue }
                if scalar == ".", isAbbreviation(scalars[start..<next], goesOn: goesOn) { continue }
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

    /// Before a name; and those that end no sentence if a small letter follows.
    private static let titles: Set<String> = [
        "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "No", "vs", "e.g", "i.e",
    ]
    private static let units: Set<String> = [
        "etc", "approx", "oz", "lb", "lbs", "ft", "in", "cm", "mm", "no",
    ]

    /// Whether the last word is an initial (`J.`), a title before a name, or a shortened word within a sentence.
    private static func isAbbreviation(_ scalars: ArraySlice<Unicode.Scalar>, goesOn: Bool) -> Bool {
        guard scalars.last == "." else { return false }
        let word = scalars.dropLast().reversed().prefix { !$0.properties.isWhitespace }.reversed()
        if word.count == 1 { return word.first?.properties.isUppercase == true }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: word)
        return titles.contains(String(text)) || goesOn && units.contains(String(text))
    }
}
