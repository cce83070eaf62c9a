import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// The tokenizer of llama2.c, from the file that belongs to the model of 260,000 parameters.
@Suite struct Llama2CTokenizerTests {
    private static let file = TestData.shared("stories260k/tok512.bin")

    /// A file with a small vocabulary.
    private static func smallFile(
        _ pieces: [(String, Float)] = [
            (" ", -1), ("a", -2), ("b", -3), ("ab", -4), (" ab", -5), ("ba", -4), ("aa", -6), ("é", -7),
        ], bytes: Bool = true
    ) -> [UInt8] {
        var file: [UInt8] = [9, 0, 0, 0]
        let byteTokens = bytes ? (0..<256).map { String(format: "<0x%02X>", $0) } : []
        let special = ["<unk>", "\n<s>\n", "\n</s>\n"].map { ($0, Float(0)) }
        for (text, score) in special + byteTokens.map({ ($0, 0) }) + pieces {
            withUnsafeBytes(of: score.bitPattern.littleEndian) { file += $0 }
            withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { file += $0 }
            file += text.utf8
        }
        return file
    }

    @Test func smallVocabulary() throws {
        let tokenizer = try SentencePieceTokenizer(
            llama2C: TokenizerFile("tokenizer.bin", Self.smallFile()), path: nil)
        #expect(tokenizer.vocabularySize == 267)
        #expect(tokenizer.id(of: "<s>") == 1)
        #expect(tokenizer.id(of: "ab") == 262)
        #expect(tokenizer.id(of: "no") == nil)
        #expect(tokenizer.ids(of: "") == [])
        #expect(tokenizer.ids(of: "ab") == [263])
        // "ab" and "ba" have the same score: the left one goes first.
        #expect(tokenizer.ids(of: "aba") == [263, 260])
        #expect(tokenizer.ids(of: "ba") == [259, 264])
        #expect(tokenizer.ids(of: "é中") == [259, 266, 231, 187, 176])
        #expect(tokenizer.decode([1, 263, 259, 266, 231, 2]) == "ab é\u{FFFD}")
        #expect(tokenizer.decode([1, 263, 2], skipSpecialTokens: false) == "<s> ab</s>")
        #expect(tokenizer.bytes(of: 1) == [])
        #expect(tokenizer.bytes(of: 35) == [0x20])
        let withoutBytes = try SentencePieceTokenizer(
            llama2C: TokenizerFile("tokenizer.bin", Self.smallFile(bytes: false)), path: nil)
        #expect(withoutBytes.ids(of: "a中") == [3, 4, 0])
    }

    /// The definition: of all neighbours that make a token, join those with the highest score, the leftmost first.
    private func naive(_ text: String, _ tokenizer: SentencePieceTokenizer, _ scores: [Float]) -> [Int32] {
        var ids = (" " + text).unicodeScalars.flatMap { scalar -> [Int32] in
            tokenizer.id(of: String(scalar)).map { [$0] } ?? String(scalar).utf8.map { Int32($0) + 3 }
        }
        while true {
            var best: (score: Float, index: Int, id: Int32)?
            for index in ids.indices.dropLast() where ids[index] > 258 && ids[index + 1] > 258 {
                let joined = tokenizer.bytes(of: ids[index]) + tokenizer.bytes(of: ids[index + 1])
                guard let id = tokenizer.id(of: String(decoding: joined, as: UTF8.self)) else { continue }
                if best.map({ scores[Int(id)] > $0.score }) ?? true { best = (scores[Int(id)], index, id) }
            }
            guard let best else { return ids }
            ids.replaceSubrange(best.index...best.index + 1, with: [best.id])
        }
    }

    private func scores(_ file: [UInt8]) -> [Float] {
        var scores: [Float] = []
        var position = 4
        while position < file.count {
            let words = file[position..<position + 8].withUnsafeBytes {
                ($0.loadUnaligned(as: Float.self), $0.loadUnaligned(fromByteOffset: 4, as: Int32.self))
            }
            scores.append(words.0)
            position += 8 + Int(words.1)
        }
        return scores
    }

    @Test func sameAsTheDefinition() throws {
        var random = SeededGenerator(seed: 2)
        let file = Self.smallFile()
        let tokenizer = try SentencePieceTokenizer(llama2C: TokenizerFile("tokenizer.bin", file), path: nil)
        let scores = scores(file)
        for length in 0..<200 {
            let text = (0..<length).map { _ in ["a", "b", "a", " ", "é", "中"][random.next(below: 6)] }
                .joined()
            let ids = tokenizer.ids(of: text)
            #expect(ids == (text.isEmpty ? [] : naive(text, tokenizer, scores)), "\(text)")
            #expect(tokenizer.decode(ids) == text)
        }
    }

    @Test(.enabled(if: file != nil)) func stories() throws {
        let url = try #require(Self.file)
        let tokenizer = try SentencePieceTokenizer(llama2C: url)
        #expect(tokenizer.vocabularySize == 512)
        let story = try String(
            contentsOf: url.deletingLastPathComponent().appending(path: "expected-greedy-200.txt"),
            encoding: .utf8)
        let ids = tokenizer.ids(of: story)
        #expect(tokenizer.decode([1] + ids) == story)
        #expect(ids.count < 210)
        #expect(ids == naive(story, tokenizer, scores(Array(try Data(contentsOf: url)))))
        var decoder = StreamingDecoder(tokenizer)
        var streamed = decoder.append(1)
        for id in ids { streamed += decoder.append(id) }
        streamed += decoder.finish()
        #expect(streamed == story)
    }

    @Test func brokenFiles() throws {
        let whole = Self.smallFile()
        var notFinite = whole
        notFinite.replaceSubrange(4..<8, with: [0, 0, 0xC0, 0x7F])
        var negative = whole
        negative.replaceSubrange(8..<12, with: [0xFF, 0xFF, 0xFF, 0xFF])
        for bytes in [
            [], [1], Array(whole[..<4]), Array(whole[..<30]), Array(whole[..<40]), notFinite, negative,
        ] {
            let error = #expect(throws: MarketingMLError.self) {
                try SentencePieceTokenizer(llama2C: TokenizerFile("tokenizer.bin", bytes), path: "tok.bin")
            }
            #expect(error?.code == .malformedFile)
            #expect(error?.location.file == "tok.bin")
        }
    }

    @Test func mutations() throws {
        var loaded = 0
        try forEachMutation(of: Self.smallFile(bytes: false), count: 10_000, seed: 3) { bytes in
            do {
                let tokenizer = try SentencePieceTokenizer(
                    llama2C: TokenizerFile("tokenizer.bin", bytes), path: nil)
                let ids = tokenizer.ids(of: "ab ba é中")
                _ = tokenizer.decode(ids + [-1, 999])
                loaded += 1
            } catch let error as MarketingMLError {
                #expect(error.code == .malformedFile, "\(error)")
            }
        }
        #expect(loaded > 100)
    }
}
