import Foundation
import MarketingML
import TestSupport
import Testing

@Suite struct CopyWriterTests {
    private static let names = ["Alder", "Brook", "Cobalt", "Dune", "Everly", "Fennel"]
    private static let foods = ["French", "Italian", "Indian", "Thai"]

    private static let examples: [CopyExample] = names.enumerated().flatMap { index, name in
        foods.enumerated().map { which, food in
            CopyExample(
                ["name": name, "food": food],
                copy: (index + which) % 2 == 0
                    ? "\(name) serves \(food) food." : "Eat \(food) food at \(name).")
        }
    }

    /// One writer for all tests.
    private static let writer = Result {
        try CopyWriter.train(
            on: examples, tokenizer: .bytePairEncoding(vocabularySize: 300),
            configuration: .init(hiddenSize: 48, layers: 1, heads: 2, contextLength: 64, dropout: 0),
            copying: ["name", "food"],
            options: .init(epochs: 25, batchTokens: 128, learningRate: 1e-2, weightDecay: 0))
    }

    @Test func briefs() throws {
        let brief = try Brief(parsing: "name[Blue Spice], priceRange[£20-25], near[]")
        #expect(brief == ["name": "Blue Spice", "priceRange": "£20-25", "near": ""])
        #expect(brief["priceRange"] == "£20-25" && brief["food"] == nil)
        #expect(try Brief(parsing: " ").attributes.isEmpty)
        for broken in ["name", "name[x", "[x]", "a[b] ]"] {
            expectFailure(.invalidOption, broken) { _ = try Brief(parsing: broken) }
        }
        #expect(try JSONDecoder().decode(Brief.self, from: JSONEncoder().encode(brief)) == brief)
    }

    /// Texts hold the brief's values, also a name that the model has never read.
    @Test func writesTheBrief() throws {
        let writer = try Self.writer.get()
        for name in ["Cobalt", "Zxyqu Ünïversal 9"] {
            for food in Self.foods {
                for text in try writer.write(
                    ["name": name, "food": food], count: 3, sampling: .init(temperature: 0.5))
                {
                    #expect(
                        ["\(name) serves \(food) food.", "Eat \(food) food at \(name)."].contains(text.text),
                        "\(text.text)")
                    if case .stopToken = text.finishReason {} else { Issue.record("\(text.finishReason)") }
                }
            }
        }
        let briefs: [Brief] = [["name": "Q", "food": "Thai"], ["name": "R S", "food": "French"]]
        let texts = try writer.write(briefs, beams: 3, batchSize: 1)
        #expect(texts.map(\.text) == (try writer.write(briefs, beams: 3).map(\.text)))
        // Were the likeliest texts something made up, the next would be taken.
        let wordings = ["slogan": ["old": texts.map(\.text)]]
        let others = try writer.write(briefs, beams: 3, wordings: wordings)
        #expect(zip(texts, others).allSatisfy { $0.text != $1.text && $0.score > $1.score })
        let errors = try SlotErrorRate(of: texts.map(\.text), for: briefs)
        #expect(errors.value == 0 && errors.facts == 4)
    }

    @Test func keepsToConstraints() async throws {
        let writer = try Self.writer.get()
        let brief: Brief = ["name": "Borealis", "food": "Thai"]
        let constraints: [TextConstraint] = [
            .forbidden(["serves", "eat"]), .required(["Borealis", "tonight"]), .maximumCharacters(40),
            .closedNumbers([]),
        ]
        let texts = try writer.write(brief, count: 4, sampling: .init(seed: 2), constraints: constraints)
        for text in texts {
            #expect(text.text.contains("Borealis") && text.text.contains("tonight"), "\(text.text)")
            #expect(!text.text.lowercased().contains("serves") && !text.text.lowercased().contains("eat"))
            #expect(text.text.count <= 40)
            #expect(text.constraints.reduce(0) { $0 + $1.redirections } > 0)
        }
        var pieces = [String](repeating: "", count: 4)
        for try await event in writer.candidates(
            brief, count: 4, sampling: .init(seed: 2), constraints: constraints)
        {
            if case .piece(let candidate, let piece) = event { pieces[candidate] += piece }
        }
        #expect(pieces == texts.map(\.text))
        var streamed = ""
        for try await piece in writer.stream(brief, sampling: .init(seed: 2), constraints: constraints) {
            streamed += piece
        }
        #expect(streamed == texts[0].text)
        expectFailure(.invalidOption) {
            _ = try writer.write(brief, constraints: [.required(["cheap"]), .forbidden(["cheap"])])
        }
        expectFailure(.emptyData) { _ = try writer.write([:]) }
        expectFailure(.invalidOption) { _ = try writer.write(["name": "<|copy|>"]) }
        expectFailure(.tooLarge) { _ = try writer.write(["about": String(repeating: "tofu ", count: 100)]) }
    }

    @Test func savedWritersWriteTheSame() throws {
        let writer = try Self.writer.get()
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path).appending(path: "writer")
            try writer.save(to: directory)
            let again = try CopyWriter(directory: directory)
            #expect(again.copiedAttributes == ["name", "food"])
            let brief: Brief = ["name": "Nimbus", "food": "Indian"]
            #expect(try again.write(brief, count: 3) == writer.write(brief, count: 3))
            #expect(try again.perplexity(of: Self.examples) == writer.perplexity(of: Self.examples))
            try writer.save(to: directory)  // over itself
            // What else lies there is not touched, and damage is said.
            let other = URL(fileURLWithPath: path).appending(path: "other")
            try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: other.appending(path: "mine.txt"))
            expectFailure(.invalidOption) { try writer.save(to: other) }
            expectFailure(.fileNotFound) { _ = try CopyWriter(directory: other) }
            let card = directory.appending(path: "copywriter.json")
            for (content, code) in [
                ("{", MarketingMLError.Code.malformedFile),
                (#"{"formatVersion": 2, "copiedAttributes": []}"#, .unsupported),
                (#"{"formatVersion": 1, "copiedAttributes": ["price"]}"#, .malformedFile),
            ] {
                try Data(content.utf8).write(to: card)
                expectFailure(code, content) { _ = try CopyWriter(directory: directory) }
            }
        }
    }

    @Test func trainingErrors() throws {
        expectFailure(.emptyData) { _ = try CopyWriter.train(on: []) }
        expectFailure(.invalidOption) {
            _ = try CopyWriter.train(on: Self.examples, tokenizer: .bytePairEncoding(vocabularySize: 10))
        }
        do {
            _ = try CopyWriter.train(on: [Self.examples[0], CopyExample([:], copy: "x")])
            Issue.record("an empty brief was taken")
        } catch let error as MarketingMLError {
            #expect(error.code == .emptyData && error.location.row == 2)
        }
    }

    @Test func tables() throws {
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "ads.csv")
            try Data("name,price,text\nAlder,5.90,Buy it\nBrook,,\"Now, then\"\n".utf8).write(to: url)
            let examples = try [CopyExample](csv: url, copy: "text")
            #expect(
                examples == [
                    CopyExample(["name": "Alder", "price": "5.90"], copy: "Buy it"),
                    CopyExample(["name": "Brook"], copy: "Now, then"),
                ])
            let table = url.deletingPathExtension().appendingPathExtension("tsv")
            try Data("mr\ttext\nname[A], b[c d]\tx\nname[A\ty\n".utf8).write(to: table)
            expectFailure(.missingColumn) { _ = try [CopyExample](csv: table, copy: "copy") }
            do {
                _ = try [CopyExample](csv: table, copy: "text", notation: "mr")
                Issue.record("a broken brief was taken")
            } catch let error as MarketingMLError {
                #expect(error.code == .invalidOption && error.location.row == 3, "\(error)")
            }
        }
    }

    @Test func slotErrors() throws {
        let wordings = [
            "family": [
                "yes": ["family friendly", "family-friendly"], "no": ["not family friendly", "adults only"],
            ]
        ]
        func errors(_ text: String, _ brief: Brief) throws -> [Int] {
            let rate = try SlotErrorRate(of: [text], for: [brief], wordings: wordings)
            return [rate.missing, rate.added, rate.facts]
        }
        #expect(try errors("Alder is Family-Friendly.", ["name": "Alder", "family": "yes"]) == [0, 0, 2])
        #expect(
            try errors("Alder is not family friendly.", ["name": "Alder", "family": "yes"]) == [1, 1, 2])
        #expect(try errors("Alders is for adults only", ["name": "Alder", "family": "no"]) == [1, 0, 2])
        #expect(try errors("£20-25, adults only", ["price": "£20-25"]) == [0, 1, 1])
        // Words of a name that the brief gives tell nothing else; a wording of two values tells the one that is wanted.
        let food = [
            "food": ["Indian": ["Indian"], "Thai": ["Thai"]],
            "price": ["high": ["costly"], "over 30": ["costly"]],
        ]
        func others(_ text: String, _ brief: Brief) throws -> [Int] {
            let rate = try SlotErrorRate(of: [text], for: [brief], wordings: food)
            return [rate.missing, rate.added, rate.facts]
        }
        #expect(
            try others("Thai food at Raja Indian House", ["near": "Raja Indian House", "food": "Thai"]) == [
                0, 0, 2,
            ])
        #expect(try others("Indian food near Raja Indian House", ["near": "Raja Indian House"]) == [0, 1, 1])
        #expect(try others("A costly place", ["price": "over 30"]) == [0, 0, 1])
        #expect(try others("A costly, costly place", ["food": "Thai"]) == [1, 1, 1])
        #expect(try others("A Thai place", ["food": "Greek"]) == [1, 1, 1])
        #expect(try SlotErrorRate(of: [], for: []).value == 0)
        expectFailure(.shapeMismatch) { _ = try SlotErrorRate(of: ["a"], for: []) }
    }
}
