import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Documents, rows and hidden tokens.
@Suite struct PretrainingDataTests {
    @Test(arguments: [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("He said \"No.\" Then he left.", ["He said \"No.\"", "Then he left."]),
        (
            "Mr. Smith and J. Doe paid $3.50 today. Fine.",
            ["Mr. Smith and J. Doe paid $3.50 today.", "Fine."]
        ),
        ("i love it. it fits! so good", ["i love it.", "it fits!", "so good"]),
        ("a 6 oz. bottle, etc. and more… of it.", ["a 6 oz. bottle, etc. and more… of it."]),
        ("A line\nand another", ["A line", "and another"]),
        ("很好。我喜欢！真的？是", ["很好。", "我喜欢！", "真的？", "是"]),
        ("so ... it goes on. And ends", ["so ... it goes on.", "And ends"]),
        ("  \n ", []),
    ])
    func sentences(_ text: String, _ expected: [String]) {
        #expect(SentenceSplitter.sentences(of: text) == expected)
    }

    /// However small the blocks, the documents are the same.
    @Test(arguments: [TextCorpus.Layout.blankLines, .documentPerLine])
    func documentsInFiles(_ layout: TextCorpus.Layout) throws {
        let text = "One. Two.\r\nThree\r\n\r\n \nFour 四。\n\n\nFive.\nSix. Seven\n\nEight"
        let expected: [[String]] =
            layout == .blankLines
            ? [["One.", "Two.", "Three"], ["Four 四。"], ["Five.", "Six.", "Seven"], ["Eight"]]
            : [["One.", "Two."], ["Three"], ["Four 四。"], ["Five."], ["Six.", "Seven"], ["Eight"]]
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "text.txt")
            try AtomicFile.write(Array(text.utf8), to: url.path)
            for size in [1, 7, 20, 1000] {
                let corpus = try TextCorpus(files: [url, url], layout: layout, bytesOfBlock: size)
                let documents = try (0..<corpus.blockCount).flatMap { try corpus.documents(ofBlock: $0) }
                #expect(documents == expected + expected, "blocks of \(size)")
            }
            expectFailure(.fileNotFound) { _ = try TextCorpus(files: [url.appending(path: "none")]) }
        }
    }

    private static let documents = (0..<40).map { document in
        (0..<(document % 5 + 1)).map { "Word\(document) is number \($0) here." }.joined(separator: " ")
    }

    private func tokenizer() throws -> WordPieceTokenizer {
        try .train(on: Self.documents, vocabularySize: 120)
    }

    private func data(_ options: PretrainingOptions, makesPairs: Bool) throws -> PretrainingData {
        try PretrainingData(TextCorpus(Self.documents), tokenizer(), options: options, makesPairs: makesPairs)
    }

    private func all(_ next: () throws -> PretrainingBatch?) throws -> [PretrainingBatch] {
        var batches: [PretrainingBatch] = []
        while let batch = try next() { batches.append(batch) }
        return batches
    }

    /// With every hidden token put back, the rows of an epoch are the sentences of the corpus, each once.
    @Test func rowsAreTheCorpus() throws {
        let tokenizer = try tokenizer()
        let data = try data(PretrainingOptions(maxLength: 32), makesPairs: false)
        let batches = try all(data.open(epoch: 3, batchSize: 7))
        #expect(batches.count == data.batchCount(of: 7))
        var counts: [Int32: Int] = [:]
        for var batch in batches {
            for (position, id) in zip(batch.positions, batch.targets) { batch.tokens.ids[position] = id }
            for row in 0..<batch.tokens.rowCount {
                let ids = Array(batch.tokens[row])
                #expect(ids.count <= 32)
                #expect(ids.first == tokenizer.id(of: "[CLS]") && ids.last == tokenizer.id(of: "[SEP]"))
                for id in ids.dropFirst().dropLast() { counts[id, default: 0] += 1 }
            }
        }
        var expected: [Int32: Int] = [:]
        for id in tokenizer.encodeBatch(Self.documents, addSpecialTokens: false).ids {
            expected[id, default: 0] += 1
        }
        #expect(counts == expected)
    }

    /// Every epoch and row has draws of its own, and the same ones again.
    @Test func epochsDifferAndRepeat() throws {
        let data = try data(PretrainingOptions(maxLength: 32), makesPairs: true)
        func ids(_ epoch: Int, _ size: Int = 7) throws -> [[Int32]] {
            try all(data.open(epoch: epoch, batchSize: size)).flatMap { batch in
                (0..<batch.tokens.rowCount).map { Array(batch.tokens[$0]) }
            }
        }
        #expect(try ids(0) == ids(0))
        #expect(try ids(0) == ids(0, 3))
        #expect(try ids(0) != ids(1))
        let held = try all(data.heldOutBatches(batchSize: 5)).map(\.tokens)
        #expect(try held == all(data.heldOutBatches(batchSize: 5)).map(\.tokens))
    }

    /// A second passage either follows the first in its document, or comes from another one.
    @Test func pairsSayWhetherTheyFollow() throws {
        let tokenizer = try tokenizer()
        let data = try data(PretrainingOptions(maxLength: 64), makesPairs: true)
        let sep = try #require(tokenizer.id(of: "[SEP]"))
        let texts = Self.documents.map { tokenizer.encode($0, addSpecialTokens: false).ids }
        func contains(_ text: [Int32], _ part: [Int32]) -> Bool {
            text.indices.contains { text[$0...].starts(with: part) }
        }
        var labels = [0, 0]
        for epoch in 0..<6 {
            for var batch in try all(data.open(epoch: epoch, batchSize: 8)) {
                for (position, id) in zip(batch.positions, batch.targets) { batch.tokens.ids[position] = id }
                for (row, label) in zip(batch.pairs, batch.pairTargets) {
                    let parts = batch.tokens[row].dropFirst().split(separator: sep).map { Array($0) }
                    #expect(parts.count == 2)
                    let types = batch.tokens.typeIDs[
                        batch.tokens.rowOffsets[row]..<batch.tokens.rowOffsets[row + 1]]
                    #expect(types.count { $0 == 1 } == parts[1].count + 1)
                    #expect(texts.contains { contains($0, parts[0] + parts[1]) } == (label == 0))
                    labels[Int(label)] += 1
                }
            }
        }
        // 32 documents of several sentences, 6 epochs: a fair coin stays within 4 standard deviations.
        let sum = Double(labels[0] + labels[1])
        #expect(sum == 192)
        #expect(abs(Double(labels[0]) - sum / 2) < 4 * (sum / 4).squareRoot())
    }

    /// Rates of hiding and replacing, over so many draws that chance does not explain a difference.
    @Test(arguments: [false, true]) func hiddenTokens(wholeWords: Bool) throws {
        let tokenizer = try WordPieceTokenizer(
            vocabulary: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##c", "##d"])
        let masker = try TokenMasker(tokenizer, MaskingOptions(rate: 0.3, wholeWords: wholeWords))
        let row: [Int32] = [2, 5, 7, 8, 6, 1, 5, 3] + [Int32](repeating: 6, count: 92)
        let words = [1..<4, 4..<5, 6..<7] + (8..<100).map { $0..<$0 + 1 }
        var (chosen, masked, same, units) = (0, 0, 0, 0)
        for trial in 0..<400 {
            var ids = row
            var generator = SeededGenerator(seed: 5, stream: UInt64(trial))
            let hidden = masker.mask(&ids, using: &generator)
            let positions = Set(hidden.map(\.position))
            #expect(positions.count == hidden.count)
            #expect(positions.isDisjoint(with: [0, 5, 7]))
            for (position, id) in hidden { #expect(row[position] == id) }
            for position in ids.indices where !positions.contains(position) {
                #expect(ids[position] == row[position])
            }
            if wholeWords {
                for word in words {
                    #expect([0, word.count].contains(word.count { positions.contains($0) }))
                }
            }
            units += words.count { positions.contains($0.lowerBound) }
            chosen += hidden.count
            masked += hidden.count { ids[$0.position] == 4 }
            same += hidden.count { ids[$0.position] == $0.id }
            #expect(hidden.allSatisfy { ![0, 1, 2, 3].contains(ids[$0.position]) })
        }
        func isFair(_ count: Int, _ share: Double, of total: Int) -> Bool {
            abs(Double(count) - share * Double(total)) < 4
                * (Double(total) * share * (1 - share)).squareRoot()
        }
        #expect(isFair(units, 0.3, of: 400 * words.count))
        #expect(isFair(masked, 0.8, of: chosen))
        // A tenth stays, and of the tenth that is drawn a quarter is the same again.
        #expect(isFair(same, 0.1 + 0.1 / 4, of: chosen))
    }

    @Test func shortRowsHideOneToken() throws {
        let masker = try TokenMasker(tokenizer(), MaskingOptions(rate: 0.01))
        for trial in 0..<50 {
            var ids: [Int32] = [2, 10, 11, 3]
            var generator = SeededGenerator(seed: UInt64(trial))
            #expect(masker.mask(&ids, using: &generator).count >= 1)
        }
    }

    @Test func unusableInput() throws {
        let options = PretrainingOptions(maxLength: 32)
        expectFailure(.emptyData, "no text") {
            _ = try PretrainingData(TextCorpus(["", " "]), tokenizer(), options: options, makesPairs: false)
        }
        expectFailure(.emptyData, "no pairs") {
            _ = try PretrainingData(TextCorpus(["one."]), tokenizer(), options: options, makesPairs: true)
        }
        expectFailure(.emptyData, "no words") { _ = try BERT.pretrain(corpus: [""]) }
        expectFailure(.invalidOption, "objectives") {
            _ = try BERT.pretrain(corpus: Self.documents, objectives: [.nextSentence])
        }
        for options in [
            PretrainingOptions(epochs: 0), PretrainingOptions(batchSize: 0), PretrainingOptions(maxLength: 7),
            PretrainingOptions(maxLength: 513), PretrainingOptions(learningRate: 0),
            PretrainingOptions(dropout: 1), PretrainingOptions(masking: MaskingOptions(rate: 0)),
            PretrainingOptions(masking: MaskingOptions(masked: 0.8, random: 0.3)),
        ] {
            expectFailure(.invalidOption, "\(options)") {
                _ = try BERT.pretrain(corpus: Self.documents, options: options)
            }
        }
    }
}
