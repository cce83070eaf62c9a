import MarketingML
import Testing

@Suite struct LabelSetTests {
    private enum Plan: String, Codable { case stay, churn, ten = "10" }
    private enum Stars: Int, Codable { case one = 1, two, ten = 10 }
    private struct Place: Hashable, Codable { var city: String; var zone: Int }

    /// The texts in order, and that texts and indices lead back.
    private func texts<Label: Hashable & Sendable & Codable>(_ labels: [Label]) throws -> [String] {
        let set = try LabelSet(labels + labels.reversed())
        #expect(set.count == Set(labels).count)
        #expect(try LabelSet<Label>(texts: set.texts) == set)
        for (index, label) in set.labels.enumerated() {
            #expect(set[index] == label)
            #expect(set.index(of: label) == index)
        }
        return set.texts
    }

    @Test func ordersAndTexts() throws {
        #expect(
            try texts(["positive", "Negative", "", "ñ", "zebra"]) == [
                "", "Negative", "positive", "zebra", "ñ",
            ])
        #expect(try texts(["10", "9", "-1", "2.5"]) == ["-1", "2.5", "9", "10"])
        #expect(try texts(["10", "9", "n/a"]) == ["10", "9", "n/a"])
        #expect(try texts(["1.0", "1", "01"]) == ["01", "1", "1.0"])
        #expect(try texts(["nan", "1", "0x10"]) == ["0x10", "1", "nan"])
        #expect(try texts([10, -3, 9]) == ["-3", "9", "10"])
        #expect(try texts([2.5, 10, -1]) == ["-1", "2.5", "10"])
        #expect(try texts([true, false]) == ["false", "true"])
        #expect(try texts([Plan.stay, .churn, .ten]) == ["10", "churn", "stay"])
        #expect(try texts([Stars.ten, .one, .two]) == ["1", "2", "10"])
        #expect(
            try texts([Place(city: "B", zone: 1), Place(city: "A", zone: 2)])
                == ["{\"city\":\"A\",\"zone\":2}", "{\"city\":\"B\",\"zone\":1}"])
        #expect(try texts(["say \"hi\"\n", "a/b"]) == ["a/b", "say \"hi\"\n"])
        #expect(try texts([Optional("x"), nil]) == ["null", "x"])
    }

    /// Composed and decomposed accents are one string to Swift, and so one label.
    @Test func canonicallyEqualStringsAreOneLabel() throws {
        #expect(try LabelSet(["caf\u{E9}", "cafe\u{301}"]).count == 1)
    }

    @Test func errors() {
        #expect(throws: MarketingMLError.self) { try LabelSet([String]()) }
        let notFinite = #expect(throws: MarketingMLError.self) { try LabelSet([1, Double.nan]) }
        #expect(notFinite?.code == .notFinite)
        let clash = #expect(throws: MarketingMLError.self) { try LabelSet([Optional("null"), nil]) }
        #expect(clash?.code == .unsupported)
        let unknown = #expect(throws: MarketingMLError.self) { try LabelSet<Stars>(texts: ["1", "7"]) }
        #expect(unknown?.code == .unknownLabel)
        let twice = #expect(throws: MarketingMLError.self) { try LabelSet<String>(texts: ["a", "a"]) }
        #expect(twice?.code == .malformedFile)
        #expect(throws: MarketingMLError.self) { try LabelSet<Int>(texts: ["1.5"]) }
        #expect(throws: MarketingMLError.self) { try LabelSet<Int>(texts: []) }
    }

    @Test func indicesNameTheUnknown() throws {
        let set = try LabelSet(["b", "a"])
        #expect(try set.indices(of: ["b", "a", "b"]) == [1, 0, 1])
        let error = #expect(throws: MarketingMLError.self) { try set.indices(of: ["a", "c"]) }
        #expect(error?.code == .unknownLabel)
        #expect(error?.message.contains("example 2") == true)
    }
}
