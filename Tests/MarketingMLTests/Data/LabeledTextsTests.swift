import Foundation
import MarketingML
import TestSupport
import Testing

@Suite struct LabeledTextsTests {
    private func examples(_ counts: [String: Int]) -> LabeledTexts<String> {
        let labels = counts.sorted { $0.key < $1.key }.flatMap {
            [String](repeating: $0.key, count: $0.value)
        }
        return LabeledTexts(texts: labels.indices.map { "text \($0)" }, labels: labels).shuffled(seed: 11)
    }

    @Test(arguments: [
        ["a": 700, "b": 300], ["a": 97, "b": 2, "c": 1], ["a": 1, "b": 1, "c": 1], [:], ["a": 10],
    ])
    func splitsAreStratifiedPartitions(_ counts: [String: Int]) throws {
        let all = examples(counts)
        for (validation, test) in [(0.1, 0.2), (0, 0.25), (0, 0), (0.45, 0.45)] {
            let parts = try all.split(validation: validation, test: test, seed: 7)
            let together = [parts.train, parts.validation, parts.test]
            #expect(together.flatMap(\.texts).sorted() == all.texts.sorted())
            #expect(parts.test.count == Int((test * Double(all.count)).rounded()))
            #expect(abs(Double(parts.validation.count) - validation * Double(all.count)) <= 1)
            for (label, count) in counts {
                let found = parts.test.labels.count { $0 == label }
                #expect(abs(Double(found) - test * Double(count)) <= 1, "\(label) in test")
            }
            #expect(try all.split(validation: validation, test: test, seed: 7) == parts)
        }
    }

    @Test func otherSeedsSplitOtherwise() throws {
        let all = examples(["a": 50, "b": 50])
        #expect(try all.split(test: 0.2, seed: 1).test != all.split(test: 0.2, seed: 2).test)
        #expect(all.shuffled(seed: 1) != all.shuffled(seed: 2))
        #expect(all.shuffled(seed: 1) == all.shuffled(seed: 1))
    }

    @Test func sharesThatCannotBe() {
        let all = examples(["a": 5])
        for (validation, test) in [(0.5, 0.5), (-0.1, 0.2), (0, .nan), (.infinity, 0)] {
            expectFailure(.invalidOption, "\(validation), \(test)") {
                _ = try all.split(validation: validation, test: test, seed: 1)
            }
        }
    }

    @Test func partsKeepTheOrder() throws {
        let all = LabeledTexts(texts: (0..<90).map { "\($0)" }, labels: (0..<90).map { $0 % 3 })
        let parts = try all.split(validation: 0.2, test: 0.2, seed: 3)
        for part in [parts.train, parts.validation, parts.test] {
            let numbers = part.texts.compactMap { Int($0) }
            #expect(numbers == numbers.sorted())
            #expect(zip(numbers, part.labels).allSatisfy { $0 % 3 == $1 })
        }
    }

    @Test func files() throws {
        try withTemporaryDirectory { folder in
            let csv = URL(fileURLWithPath: folder + "/r.csv")
            try Data("id,review,sentiment\n1,\"Good, really\",pos\n2,,neg\n".utf8).write(to: csv)
            let read = try LabeledTexts(csv: csv, text: "review", label: "sentiment")
            #expect(read == LabeledTexts(texts: ["Good, really", ""], labels: ["pos", "neg"]))
            #expect(read[1] == ("", "neg"))

            let tsv = URL(fileURLWithPath: folder + "/r.data")
            try Data("review\tsentiment\na \"b\"\tpos\n".utf8).write(to: tsv)
            #expect(try LabeledTexts(tsv: tsv, text: "review", label: "sentiment").texts == ["a \"b\""])
            let format = #expect(throws: MarketingMLError.self) {
                try LabeledTexts(csv: tsv, text: "review", label: "sentiment")
            }
            #expect(format?.code == .invalidOption)
        }
    }

    @Test(
        arguments: [
            ("missing column", "text,stars\na,1\n", .missingColumn, "\"text\", \"stars\""),
            ("empty label", "text,label\na,x\nb,\n", .malformedFile, "label is empty"),
            ("no rows", "text,label\n", .emptyData, "no rows"),
            ("ragged", "text,label\na,x,y\n", .malformedFile, "3 fields"),
            ("empty", "", .emptyData, "empty"),
        ] as [(String, String, MarketingMLError.Code, String)])
    func brokenFiles(_ what: String, _ contents: String, _ code: MarketingMLError.Code, _ words: String)
        throws
    {
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/r.csv")
            try Data(contents.utf8).write(to: url)
            let error = #expect(throws: MarketingMLError.self, "\(what)") {
                try LabeledTexts(csv: url, text: "text", label: "label")
            }
            #expect(error?.code == code, "\(what)")
            #expect(error?.message.contains(words) == true, "\(what)")
            #expect(error?.location.file == url.path, "\(what)")
        }
    }

    @Test func mapsLabels() throws {
        let texts = LabeledTexts(texts: ["a", "b"], labels: ["1", "5"])
        #expect(texts.mapLabels { Int($0) ?? 0 }.labels == [1, 5])
    }

    @Test(.enabled(if: TestData.shared("product-reviews-en/test.tsv.gz") != nil))
    func productReviews() throws {
        let url = try #require(TestData.shared("product-reviews-en/test.tsv.gz"))
        let reviews = try LabeledTexts(csv: url, text: "text", label: "sentiment")
        #expect(reviews.count == 604)
        #expect(reviews.labels.count { $0 == "positive" } == 367)
        #expect(try reviews.labelSet().texts == ["negative", "positive"])
    }
}
