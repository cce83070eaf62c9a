import Tensor

extension LabeledTexts {
    /// The examples in a random order that depends on the seed alone.
    public func shuffled(seed: UInt64) -> LabeledTexts {
        var generator = SeededGenerator(seed: seed)
        return self[generator.permutation(count)]
    }

    /// Divides the examples at random into three parts in which every label has (to within one example) the share
    /// that it has in the whole. In each part the examples keep their order.
    ///
    /// Examples with the same text are divided like any others: remove duplicates first where a text that is in
    /// training must not be in test.
    ///
    /// - Parameters:
    ///   - validation: The share of the examples for validation, 0 or more.
    ///   - test: The share for test, 0 or more; the two must sum to less than 1.
    ///   - seed: The same seed divides the same examples in the same way, on every platform.
    /// - Returns: Parts that together hold every example once; the test part has `test * count` of them, rounded.
    /// - Throws: `.invalidOption` for other shares.
    public func split(
        validation: Double = 0, test: Double, seed: UInt64
    ) throws(MarketingMLError) -> (train: LabeledTexts, validation: LabeledTexts, test: LabeledTexts) {
        let split = try Split.stratified(labels, validation: validation, test: test, seed: seed)
        return (self[split.train], self[split.validation], self[split.test])
    }
}
