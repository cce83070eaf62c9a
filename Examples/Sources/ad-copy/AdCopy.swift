import ArgumentParser
import ExampleSupport
import Foundation
import MarketingML

@main
struct AdCopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ad-copy",
        abstract: "Writes ad copy from a product's attributes, within the limits that you set.",
        discussion: """
            The writer learns from a CSV or TSV table (also .gz): a row an ad, a column with its text, and either one column with \
            the attributes as name[value], name[value] (--notation), or a column for each attribute. Without a table it learns \
            from a small built-in sample of made-up products in a minute. Then it writes several candidates at once for the brief. \
            What the ads may and must say is checked at every token, so no candidate breaks a rule; rules that no text can \
            satisfy are refused with the reason.

            ad-copy --brief "name[Borealis], product[headphones], benefit[40 hours of music], price[$79]" --forbid cheap --max-characters 90
            """)

    @Option(help: "The table to learn from.", completion: .file()) var train: String?
    @Option(help: "The column of the texts.") var text = "text"
    @Option(help: "The column of the attributes as name[value], name[value].") var notation: String?
    @Option(help: "A table to choose the best epoch by.", completion: .file()) var validation: String?
    @Option(help: "A table to judge the writer on: BLEU, chrF, slot errors.", completion: .file()) var test:
        String?
    @Option(
        help: ArgumentHelp(
            "How to say the values of attributes.",
            discussion:
                "JSON: attribute → value → its wordings. Slot errors are then told from other words, and avoided."
        ),
        completion: .file()) var wordings: String?
    @Option(help: "Attributes whose values are copied letter by letter, with commas between them.") var copy:
        String?
    @Option(help: "tiny, small or medium.") var size = Size.small
    @Option(help: "Tokens of the vocabulary.") var vocabulary = 1_000
    @Option(help: "Passes over the table.") var epochs: Int?
    @Option(help: "Load a saved writer instead of training one.", completion: .directory) var load: String?
    @Option(help: "Save the writer, for this library and for transformers.", completion: .directory) var save:
        String?

    @Option(help: "The attributes to write about, as name[value], name[value].") var brief: String?
    @Option(help: "How many candidates.") var count = 5
    @Option(
        parsing: .singleValue, help: "A phrase that must not occur, in any case; may be given several times.")
    var forbid: [String] = []
    @Option(parsing: .singleValue, help: "A phrase that must occur; may be given several times.")
    var require: [String] = []
    @Option(help: "The most characters of an ad.") var maxCharacters: Int?
    @Option(
        parsing: .singleValue,
        help: "A number or price that may occur, exactly like that, besides those of the brief.")
    var number: [String] = []
    @Flag(help: "Any numbers may occur.") var anyNumbers = false
    @Option(help: "0 takes the likeliest word always, 1 draws from the model's own distribution.")
    var temperature = 0.8
    @Option(help: "Draws from the likeliest words that together are this likely.") var topP = 0.95
    @Option(help: "Every random choice follows from it.") var seed: UInt64 = 42
    @Option(help: "Write the candidates and figures to this file.", completion: .file()) var json: String?

    func run() async throws {
        do {
            try await tellTheStory()
        } catch {
            Terminal.write("ad-copy: \(error)\n")
            throw ExitCode.failure
        }
    }

    /// Learn, judge, write.
    private func tellTheStory() async throws {
        let bar = ProgressBar()
        let known = try wordings.map(readWordings) ?? [:]
        let writer = try load.map { try CopyWriter(directory: URL(fileURLWithPath: $0)) } ?? trained(bar)
        if let save { try writer.save(to: URL(fileURLWithPath: save)) }
        let judged = try test.map { try judge(writer, $0, known, bar) }

        let brief = try self.brief.map { try Brief(parsing: $0) } ?? SampleCopy.brief
        print("Brief: " + brief.attributes.map { "\($0.name) \($0.value)" }.joined(separator: ", "))
        let constraints = constraints(for: brief)
        for constraint in constraints { print("  \(constraint)") }
        print("")
        let ads = try await stream(writer, brief, constraints)
        for (index, ad) in ads.enumerated() {
            print("\(index + 1). \(ad.text)")
            let shaped = ad.constraints.filter { $0.redirections > 0 }
                .map { "\($0.constraint) (\($0.redirections))" }
            print(
                "   perplexity \(Figures.fixed(ad.perplexity, digits: 2)), \(ad.text.count) characters"
                    + (shaped.isEmpty ? "" : "; redirected by: " + shaped.joined(separator: "; ")))
        }
        if let json {
            try AdCopyFigures(
                brief: brief, constraints: constraints.map(\.description), candidates: ads,
                judgement: judged
            ).writeJSON(to: URL(fileURLWithPath: json))
        }
    }

    private func readWordings(_ path: String) throws -> Wordings {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        do {
            return try JSONDecoder().decode(Wordings.self, from: data)
        } catch {
            throw ValidationError(
                "\(path): expected JSON as in {\"price\": {\"high\": [\"expensive\", \"costly\"]}}")
        }
    }

    private func trained(_ bar: ProgressBar) throws -> CopyWriter {
        func read(_ path: String) throws -> [CopyExample] {
            try [CopyExample](csv: URL(fileURLWithPath: path), copy: text, notation: notation)
        }
        let examples = try train.map(read) ?? SampleCopy.examples
        let held = try validation.map(read) ?? []
        let copied = copy ?? (train == nil ? "name,price" : "")
        print("Learning from \(examples.count) ads\(train == nil ? " of the built-in sample" : "")")
        var options = CopyWriter.defaultOptions
        if let epochs { options.epochs = epochs } else if train == nil { options.epochs = 20 }
        options.seed = seed
        let writer = try CopyWriter.train(
            on: examples, validation: held, tokenizer: .bytePairEncoding(vocabularySize: vocabulary),
            configuration: size.configuration, copying: copied.split(separator: ",").map(String.init),
            options: options
        ) { bar.update($0) }
        bar.finish()
        return writer
    }

    /// The best texts against all texts of the table for the same brief, and how many facts they leave out and make up.
    private func judge(
        _ writer: CopyWriter, _ path: String, _ wordings: Wordings, _ bar: ProgressBar
    ) throws -> Judgement {
        let examples = try [CopyExample](csv: URL(fileURLWithPath: path), copy: text, notation: notation)
        var references: [Brief: [String]] = [:]
        var briefs: [Brief] = []
        for example in examples {
            if references[example.brief] == nil { briefs.append(example.brief) }
            references[example.brief, default: []].append(example.copy)
        }
        let texts = try writer.write(briefs, beams: 4, wordings: wordings) { bar.update($0) }.map(\.text)
        bar.finish()
        let all = briefs.map { references[$0] ?? [] }
        let judgement = Judgement(
            bleu: try BLEU().score(texts, references: all), chrF: try ChrF().score(texts, references: all),
            slotErrors: try SlotErrorRate(of: texts, for: briefs, wordings: wordings))
        let slots = judgement.slotErrors
        print("\(briefs.count) briefs of \(path)")
        print("  BLEU \(judgement.bleu)\n  chrF \(judgement.chrF)")
        print(
            "  of \(slots.facts) facts \(slots.missing) are left out\(wordings.isEmpty ? " or in other words" : ""), "
                + "\(slots.added) are made up: \(Figures.fixed(100 * slots.value, digits: 1)) %\n")
        return judgement
    }

    /// The rules: numbers only as the brief and the options give them, the name always.
    private func constraints(for brief: Brief) -> [TextConstraint] {
        var constraints: [TextConstraint] = []
        if !forbid.isEmpty { constraints.append(.forbidden(forbid, wholeWords: true)) }
        let required = require + (brief["name"].map { [$0] } ?? [])
        if !required.isEmpty { constraints.append(.required(required)) }
        if let maxCharacters { constraints.append(.maximumCharacters(maxCharacters)) }
        if !anyNumbers {
            let given = brief.attributes.map(\.value).filter { $0.contains { $0.isNumber } }
            constraints.append(.closedNumbers(given + number))
        }
        return constraints
    }

    /// Writes the candidates, showing all of them as they grow where a terminal can be redrawn.
    private func stream(
        _ writer: CopyWriter, _ brief: Brief, _ constraints: [TextConstraint]
    ) async throws -> [GeneratedText] {
        var texts = [String](repeating: "", count: max(0, count))
        var finished = [GeneratedText?](repeating: nil, count: max(0, count))
        var isDrawn = false
        func draw() {
            if isDrawn { Terminal.write("\u{1B}[\(texts.count)A") }
            for (index, text) in texts.enumerated() {
                Terminal.write("\r\u{1B}[K\(index + 1). \(text.suffix(100))\n")
            }
            isDrawn = true
        }
        let events = writer.candidates(
            brief, count: count, sampling: Sampling(temperature: temperature, topP: topP, seed: seed),
            constraints: constraints)
        for try await event in events {
            switch event {
            case .piece(let candidate, let piece): texts[candidate] += piece
            case .finished(let candidate, let text): finished[candidate] = text
            }
            if Terminal.canRedraw { draw() }
        }
        // What grew is replaced by the same texts with their figures.
        if isDrawn { Terminal.write("\u{1B}[\(texts.count)A\u{1B}[J") }
        return finished.compactMap { $0 }
    }
}

/// For each attribute its values, each with the ways to say it.
typealias Wordings = [String: [String: [String]]]

/// The sizes of the model.
enum Size: String, ExpressibleByArgument, CaseIterable {
    case tiny
    case small
    case medium

    var configuration: CopyWriter.Configuration {
        switch self {
        case .tiny: .tiny
        case .small: .small
        case .medium: .medium
        }
    }
}

/// What `--json` writes.
struct AdCopyFigures: Codable {
    var brief: Brief
    var constraints: [String]
    var candidates: [GeneratedText]
    var judgement: Judgement?
}

/// How texts for the briefs of a table do.
struct Judgement: Codable {
    var bleu: TranslationScore
    var chrF: TranslationScore
    var slotErrors: SlotErrorRate
}
