/// Pairs of labelled texts for contrastive fine-tuning, a bounded number of each kind a text (SetFit, arXiv:2209.11055).
struct ContrastivePairs {
    /// For each text, `count` pairs with others of its label (similarity 1) and `count` with texts of other labels (0), drawn from the
    /// seed; a text without another of its label has none of the first kind.
    static func drawn<Label>(from data: LabeledTexts<Label>, count: Int, seed: UInt64) -> [TextPair] {
        var generator = SeededGenerator(seed: seed)
        var byLabel: [Label: [Int]] = [:]
        for (index, label) in data.labels.enumerated() { byLabel[label, default: []].append(index) }
        var pairs: [TextPair] = []
        for (index, label) in data.labels.enumerated() {
            let same = byLabel[label, default: []]
            for _ in 0..<count where same.count > 1 {
                // One of the others: the last one stands in for the text itself.
                let drawn = same[generator.next(below: same.count - 1)]
                let other = drawn == index ? same[same.count - 1] : drawn
                pairs.append(TextPair(data.texts[index], data.texts[other], similarity: 1))
            }
            for _ in 0..<count where same.count < data.count {
                var other = index
                while data.labels[other] == label { other = generator.next(below: data.count) }
                pairs.append(TextPair(data.texts[index], data.texts[other], similarity: 0))
            }
        }
        return pairs
    }
}
