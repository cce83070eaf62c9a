import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Trained vocabularies are those of the reference library: the same tokens, merges and ids, ties included.
@Suite struct VocabularyTrainingTests {
    private static let golden = Result { try WordPieceFixture.golden("bpe-training.json") }

    private static func runs(_ key: String) -> [JSONValue] { (try? golden.get())?[key]?.array ?? [] }
    static let byteRuns = runs("runs")
    static let pieceRuns = runs("wordpiece")

    /// The texts that a run was trained on; nil if the data are missing.
    private func texts(_ run: JSONValue) throws -> [String]? {
        if run["set"] != nil { return try ByteLevelBPEReferenceTests.texts(run) }
        if let texts = run["texts"]?.array { return texts.compactMap(\.string) }
        return try #require(Self.golden.get()["hard"]?.array).map {
            String(decoding: $0.base64Bytes, as: UTF8.self)
        }
    }

    /// Compares with a list, or with the hash of one.
    private func expect(_ found: [String], _ expected: JSONValue?, _ what: String) {
        if let list = expected?.array?.compactMap(\.string) {
            #expect(found.count == list.count, "\(what)")
            let differing = zip(found, list).enumerated().first { $1.0 != $1.1 }
            #expect(differing == nil, "\(what)")
        } else {
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for text in found {
                for byte in Array(text.utf8) + [10] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            }
            let digits = String(hash, radix: 16)
            #expect(String(repeating: "0", count: 16 - digits.count) + digits == expected?.string, "\(what)")
        }
    }

    @Test(arguments: byteRuns.indices) func byteLevel(_ index: Int) throws {
        let run = Self.byteRuns[index]
        guard let texts = try texts(run) else { return }
        let tokenizer = try ByteLevelBPETokenizer.train(
            on: texts, vocabularySize: #require(run["vocabularySize"]?.integer),
            minimumFrequency: #require(run["minimumFrequency"]?.integer),
            specialTokens: #require(run["special"]?.array).compactMap(\.string))
        let json = tokenizer.tokenizerJSON
        let merges = try #require(json["model"]?["merges"]?.array).map { pair in
            (pair.array ?? []).compactMap(\.string).joined(separator: " ")
        }
        if let count = run["count"]?.integer { #expect(merges.count == count) }
        expect(
            (0..<tokenizer.vocabularySize).compactMap { tokenizer.token(Int32($0)) }, run["tokens"], "tokens")
        expect(merges, run["merges"], "merges")
        for text in texts.prefix(200) { #expect(tokenizer.decode(tokenizer.ids(of: text)) == text) }
    }

    @Test(arguments: pieceRuns.indices) func wordPiece(_ index: Int) throws {
        let run = Self.pieceRuns[index]
        guard let texts = try texts(run) else { return }
        let tokenizer = try WordPieceTokenizer.train(
            on: texts, vocabularySize: #require(run["vocabularySize"]?.integer),
            minimumFrequency: #require(run["minimumFrequency"]?.integer))
        expect(
            (0..<tokenizer.vocabularySize).compactMap { tokenizer.token(Int32($0)) }, run["tokens"], "tokens")
    }

    @Test func threadsDoNotMatter() throws {
        let texts = (0..<20_000).map {
            "text \($0 % 977) of many, the \($0 % 31)th; \(String(repeating: "ab", count: $0 % 9))"
        }
        func train() throws -> (JSONValue, [String]) {
            let pieces = try WordPieceTokenizer.train(on: texts, vocabularySize: 200)
            return (
                try ByteLevelBPETokenizer.train(on: texts, vocabularySize: 400).tokenizerJSON,
                (0..<200).compactMap { pieces.token($0) }
            )
        }
        let threads = ThreadPool.threadCount
        defer { ThreadPool.threadCount = threads }
        ThreadPool.threadCount = 1
        let single = try train()
        ThreadPool.threadCount = 2
        #expect(try train() == single)
    }

    @Test func savedAndLoaded() throws {
        try withTemporaryDirectory { path in
            let directory = URL(fileURLWithPath: path)
            let texts = ["the cat and the hat", "the bat that sat"]
            let trained = try ByteLevelBPETokenizer.train(
                on: texts, vocabularySize: 270, specialTokens: ["<pad>", "<end>"])
            try trained.save(to: directory)
            let loaded = try ByteLevelBPETokenizer(directory: directory)
            #expect(loaded.tokenizerJSON == trained.tokenizerJSON)
            #expect(loaded.id(of: "<end>") == 1)
            #expect(loaded.encode("the rat<end>") == trained.encode("the rat<end>"))
        }
    }

    @Test func options() throws {
        for (size, special) in [(256, ["<end>"]), (255, []), (300, [""])] {
            let error = #expect(throws: MarketingMLError.self) {
                try ByteLevelBPETokenizer.train(on: ["text"], vocabularySize: size, specialTokens: special)
            }
            #expect(error?.code == .invalidOption)
        }
        let bytes = try ByteLevelBPETokenizer.train(on: [], vocabularySize: 1_000, specialTokens: [])
        #expect(bytes.vocabularySize == 256)
        #expect(bytes.decode(bytes.ids(of: "né 中")) == "né 中")
    }

    @Test func progressAndStop() throws {
        let texts = (0..<5_000).map { "word\($0) other\($0 % 700) \($0 * 7_919)" }
        var phases: [ProgressEvent.Phase] = []
        let all = try ByteLevelBPETokenizer.train(on: texts, vocabularySize: 2_000) { event in
            phases.append(event.phase)
            return .continue
        }
        #expect(phases.first == .loading)
        #expect(phases.count > 3)
        let stopped = try ByteLevelBPETokenizer.train(on: texts, vocabularySize: 2_000) { event in
            event.phase == .loading ? .continue : .stop
        }
        #expect(stopped.vocabularySize < all.vocabularySize)
        #expect(stopped.vocabularySize > 257)
        #expect((0..<stopped.vocabularySize).allSatisfy { stopped.token(Int32($0)) == all.token(Int32($0)) })
    }

    @Test func cancellation() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try ByteLevelBPETokenizer.train(on: ["some text"], vocabularySize: 300)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
