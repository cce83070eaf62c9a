import Foundation

/// Documents to learn a language from, in memory or in files of any size.
///
/// Files are read by blocks of whole documents, never as a whole, and blocks come in a new random order every epoch.
public struct TextCorpus: Sendable {
    /// How documents stand in a text file.
    public enum Layout: String, Sendable, Codable {
        /// Every line is a document.
        case documentPerLine
        /// Documents are set apart by blank lines; a sentence does not go over the end of its line.
        case blankLines
    }

    private enum Block: Sendable {
        case texts([String])
        case bytes(ReadableFile, Range<Int>, Layout)
    }

    private var blocks: [Block] = []

    /// Creates a corpus of documents in memory.
    public init(_ documents: [String]) {
        blocks = documents.chunked(by: Self.documentsOfBlock).map { .texts($0) }
    }

    /// Creates a corpus of text files in UTF-8. Each is read once to find where its documents end; compressed ones
    /// (gzip) are held in memory.
    ///
    /// - Throws: `.fileNotFound`, `.inputOutput`, `.malformedFile` for damaged gzip data, `.emptyData` for no file.
    public init(files: [URL], layout: Layout = .blankLines) throws {
        try self.init(files: files, layout: layout, bytesOfBlock: 1 << 20)
    }

    init(files: [URL], layout: Layout, bytesOfBlock: Int) throws {
        guard !files.isEmpty else {
            throw MarketingMLError(.emptyData, "the corpus needs at least one file")
        }
        for url in files {
            let file = try ReadableFile(path: url.path)
            if Gzip.isCompressed(try file.bytes(at: 0, count: min(3, file.size))) {
                let text = try InputFile.read(url.path)
                let documents = Self.documents(of: text[...], layout)
                blocks += documents.chunked(by: Self.documentsOfBlock).map { .texts($0) }
            } else {
                blocks += try Self.ranges(of: file, layout, bytesOfBlock).map { .bytes(file, $0, layout) }
            }
        }
    }

    /// All documents, for a corpus that fits in memory.
    ///
    /// - Throws: `.inputOutput` if a file has changed or cannot be read.
    public func documents() throws -> [String] {
        try blocks.flatMap { try Self.texts(of: $0) }
    }

    private static let documentsOfBlock = 1024

    /// How many blocks there are.
    var blockCount: Int { blocks.count }

    /// The documents of a block as sentences; none is empty.
    ///
    /// - Throws: `.inputOutput` if the file has changed or cannot be read.
    func documents(ofBlock index: Int) throws -> [[String]] {
        try Self.texts(of: blocks[index]).map { SentenceSplitter.sentences(of: $0) }.filter { !$0.isEmpty }
    }

    private static func texts(of block: Block) throws -> [String] {
        switch block {
        case .texts(let documents): return documents
        case .bytes(let file, let range, let layout):
            let bytes = try file.bytes(at: range.lowerBound, count: range.count)
            return documents(of: bytes[...], layout)
        }
    }

    /// All sentences, block by block. What cannot be read ends the sequence, and `failure` has the reason.
    func sentences(failure: @escaping (any Error) -> Void) -> some Sequence<String> {
        (0..<blockCount).lazy.flatMap { block -> [String] in
            do { return try documents(ofBlock: block).flatMap { $0 } } catch {
                failure(error)
                return []
            }
        }
    }

    // MARK: Documents in bytes

    private static func documents(of bytes: ArraySlice<UInt8>, _ layout: Layout) -> [String] {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        switch layout {
        case .documentPerLine:
            return lines.filter { !isBlank($0) }.map { String(decoding: $0, as: UTF8.self) }
        case .blankLines:
            return lines.split(whereSeparator: isBlank).map { lines in
                String(decoding: Array(lines.joined(separator: [UInt8(ascii: "\n")])), as: UTF8.self)
            }
        }
    }

    private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
        line.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\t") }
    }

    /// Ranges of about `size` bytes that end where a document does; a longer document is a block of its own.
    private static func ranges(of file: ReadableFile, _ layout: Layout, _ size: Int) throws -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        var length = size
        while start < file.size {
            let end = min(file.size, start + length)
            let bytes = end == file.size ? [] : try file.bytes(at: start, count: end - start)
            if end == file.size {
                ranges.append(start..<end)
                start = end
            } else if let last = lastEnd(in: bytes, layout) {
                ranges.append(start..<start + last)
                start += last
                length = size
            } else {
                length *= 2
            }
        }
        return ranges
    }

    /// The end of the last document that surely ends in these bytes.
    private static func lastEnd(in bytes: [UInt8], _ layout: Layout) -> Int? {
        var lineEnd = bytes.lastIndex(of: UInt8(ascii: "\n"))
        if layout == .documentPerLine { return lineEnd.map { $0 + 1 } }
        while let end = lineEnd {
            lineEnd = bytes[..<end].lastIndex(of: UInt8(ascii: "\n"))
            if let before = lineEnd, isBlank(bytes[before + 1..<end]) { return end + 1 }
        }
        return nil
    }
}
