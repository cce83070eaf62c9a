import Foundation
import MarketingML
import TestSupport
import Testing

@Suite struct WordVectorsTests {
    private func read(_ text: String, words: [String]? = nil) throws -> WordVectors {
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "vectors.txt")
            try Data(text.utf8).write(to: url)
            return try WordVectors(contentsOf: url, words: words)
        }
    }

    @Test func glove() throws {
        let vectors = try read("the 0.5 -1 2e-1\n. . . 1 2 3\nthe 9 9 9\r\ncafé 4 5 6")
        #expect(vectors.words == ["the", ". . .", "café"] && vectors.dimension == 3)
        #expect(vectors["the"] == [0.5, -1, 0.2] && vectors[". . ."] == [1, 2, 3])
        // The same letters in other code points are another word.
        #expect(vectors["cafe\u{301}"] == nil && vectors["café"] == [4, 5, 6])
    }

    @Test func fastText() throws {
        let vectors = try read("3 2\na 1 2 \nb 3 4 \nc 5 6 \n", words: ["c", "a", "z"])
        #expect(vectors.words == ["a", "c"])
        let rows = vectors.rows(for: ["z", "c", "a"])
        #expect(rows.ids == [1, 2] && rows.vectors.elements == [5, 6, 1, 2])
        let model = try Sequential(input: .tokens()) { Embedding(vocabularySize: 3, vectors: rows) }
        let table = model.parameters[0].value
        #expect(table.shape == [3, 2] && table.rows(1..<3).elements == [5, 6, 1, 2] && table[0, 0] != 0)
    }

    @Test func brokenFiles() {
        for (text, row) in [
            ("a 1 2\nb 3", 2), ("a 1 2\nb x 3", 2), ("a 1 nan", 1), ("a", 1), ("2 99999999\na 1", 1),
        ] {
            #expect {
                try read(text)
            } throws: { error in
                (error as? MarketingMLError)?.code == .malformedFile
                    && (error as? MarketingMLError)?.location.row == row
            }
        }
        #expect { try read("") } throws: { ($0 as? MarketingMLError)?.code == .emptyData }
        let wrong = WordVectors.Rows(ids: [7], vectors: .zeros([1, 2]))
        #expect {
            try Sequential(input: .tokens()) { Embedding(vocabularySize: 3, vectors: wrong) }
        } throws: { ($0 as? MarketingMLError)?.location.name == "layer 0 (Embedding), vectors" }
    }

    @Test func mutations() throws {
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "vectors.txt")
            try forEachMutation(of: Array("2 3\nab 1 2 3\ncd 4.5 -6e2 7\n".utf8), count: 500) { bytes in
                try Data(bytes).write(to: url)
                do {
                    let vectors = try WordVectors(contentsOf: url)
                    #expect(vectors.vectors.allFinite)
                } catch { #expect(error is MarketingMLError) }
            }
        }
    }
}
