import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Text that comes token by token is the text of all tokens together, and no piece holds half a character.
@Suite struct StreamingDecoderTests {
    /// One token a byte.
    private struct Bytes: TextTokenizer {
        var vocabularySize: Int { 256 }
        func id(of token: String) -> Int32? { nil }
        func ids(of text: String) -> [Int32] { text.utf8.map(Int32.init) }
        func bytes(of id: Int32) -> [UInt8] { UInt8(exactly: id).map { [$0] } ?? [] }
    }

    private func pieces(_ ids: [Int32], _ tokenizer: any TextTokenizer, skip: Bool = true) -> [String] {
        var decoder = StreamingDecoder(tokenizer, skipSpecialTokens: skip)
        return ids.map { decoder.append($0) } + [decoder.finish()]
    }

    @Test func piecesAreWholeCharacters() {
        let text = "aé中😀\u{FFFD}z"
        let pieces = pieces(Bytes().ids(of: text), Bytes())
        #expect(pieces.filter { !$0.isEmpty } == ["a", "é", "中", "😀", "\u{FFFD}", "z"])
        #expect(pieces.last == "")
    }

    @Test func whatIsNoTextBecomesReplacements() {
        for (bytes, expected) in [
            ([0xE4, 0xB8], ["", "", "\u{FFFD}"]),
            ([0xE4, 0x41], ["", "\u{FFFD}A", ""]),
            ([0xFF, 0x80], ["\u{FFFD}", "\u{FFFD}", ""]),
            ([0xE0, 0x80, 0x41], ["", "\u{FFFD}\u{FFFD}", "A", ""]),
            ([0xF0, 0x9F, 0x98], ["", "", "", "\u{FFFD}"]),
            ([0xF0, 0x9F, 0xC3, 0xA9], ["", "", "\u{FFFD}", "é", ""]),
            ([300, -1], ["", "", ""]),
        ] as [([Int32], [String])] {
            #expect(pieces(bytes, Bytes()) == expected, "\(bytes)")
        }
    }

    @Test func anyBytesGiveTheWholeText() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<3_000 {
            // Mostly bytes that begin or continue long characters.
            let ids = (0..<random.next(below: 12)).map { _ in
                Int32(
                    [0x41, 0x80, 0x9F, 0xBF, 0xC3, 0xE0, 0xE4, 0xED, 0xF0, 0xF4, 0xFF][random.next(below: 11)]
                )
            }
            let streamed = pieces(ids, Bytes()).joined()
            let whole = Bytes().decode(ids)
            #expect(Array(streamed.utf8) == Array(whole.utf8), "\(ids)")
        }
    }

    @Test func wordPiece() throws {
        let tokenizer = try WordPieceFixture.small()
        let ids = tokenizer.encode("The unaffable cats sat, 中.").ids
        for skip in [true, false] {
            #expect(
                pieces(ids, tokenizer, skip: skip).joined() == tokenizer.decode(ids, skipSpecialTokens: skip))
        }
        #expect(tokenizer.ids(of: "the cat") == Array(tokenizer.encode("the cat").ids.dropFirst().dropLast()))
        #expect(String(decoding: tokenizer.bytes(of: 9), as: UTF8.self) == " cat")
        #expect(String(decoding: tokenizer.bytes(of: 10), as: UTF8.self) == "s")
        #expect(tokenizer.bytes(of: 2) == [])
        #expect(tokenizer.bytes(of: 99) == [])
    }

    @Test func startsAnew() throws {
        let tokenizer = try WordPieceFixture.small()
        var decoder = StreamingDecoder(tokenizer)
        for _ in 0..<2 {
            let pieces = [decoder.append(8), decoder.append(9), decoder.finish()]
            #expect(pieces == ["the", " cat", ""])
        }
    }
}
