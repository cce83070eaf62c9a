/// Hides tokens of a row for the masked-language-model objective (arXiv:1810.04805, section 3.1).
struct TokenMasker: Sendable {
    private let options: MaskingOptions
    private let maskID: Int32
    /// By id: whether a token may be hidden; special ones and the unknown one may not.
    private let isOrdinary: [Bool]
    /// By id: whether a token continues the word of the one before.
    private let continues: [Bool]
    /// What a token may be replaced with.
    private let ordinary: [Int32]

    /// - Throws: `.unsupported` if the vocabulary has no `[MASK]`.
    init(_ tokenizer: WordPieceTokenizer, _ options: MaskingOptions) throws {
        guard let mask = tokenizer.id(of: "[MASK]") else {
            throw MarketingMLError(.unsupported, "the vocabulary has no token [MASK]")
        }
        self.options = options
        maskID = mask
        let model = tokenizer.model
        let tokens = (0..<Int32(tokenizer.vocabularySize)).map { tokenizer.token($0) }
        isOrdinary = tokens.enumerated().map { id, token in
            token.map { !model.added.specialTexts.contains($0) && id != Int(model.unknownID) } ?? false
        }
        continues = tokens.map { $0?.hasPrefix(model.continuingPrefix) == true }
        ordinary = isOrdinary.indices.filter { [isOrdinary] in isOrdinary[$0] }.map { Int32($0) }
    }

    /// Hides tokens of `ids` and returns where, with what stood there. The numbers drawn depend on the generator and
    /// the row alone.
    func mask(_ ids: inout [Int32], using generator: inout SeededGenerator) -> [(position: Int, id: Int32)] {
        let units = units(of: ids)
        var chosen = units.filter { _ in generator.nextUniform() < options.rate }
        if chosen.isEmpty, !units.isEmpty { chosen = [units[generator.next(below: units.count)]] }
        var hidden: [(position: Int, id: Int32)] = []
        for position in chosen.joined() {
            hidden.append((position, ids[position]))
            let draw = generator.nextUniform()
            if draw < options.masked {
                ids[position] = maskID
            } else if draw < options.masked + options.random {
                ids[position] = ordinary[generator.next(below: ordinary.count)]
            }
        }
        return hidden
    }

    /// What is hidden together: tokens, or the pieces of words.
    private func units(of ids: [Int32]) -> [Range<Int>] {
        var units: [Range<Int>] = []
        for (position, id) in ids.enumerated() where isOrdinary[Int(id)] {
            if options.wholeWords, continues[Int(id)], let last = units.last, last.upperBound == position {
                units[units.count - 1] = last.lowerBound..<position + 1
            } else {
                units.append(position..<position + 1)
            }
        }
        return units
    }
}
