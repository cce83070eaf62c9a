import Foundation

/// Word vectors that others have trained, as GloVe and fastText publish them: a text file, perhaps compressed, with a line a
/// word and its numbers after it. fastText's first line, number of words and dimension, is recognized.
///
/// ```swift
/// let vectors = try WordVectors(contentsOf: url, words: vocabulary)
/// Embedding(vocabularySize: vocabulary.count, vectors: vectors.rows(for: vocabulary))
/// ```
public struct WordVectors: Sendable {
    /// Vectors for some rows of an embedding's table.
    public struct Rows: Sendable {
        /// The rows, token ids.
        public let ids: [Int32]
        /// Their vectors [ids, D].
        public let vectors: Tensor<Float>

        /// Puts ids and vectors together.
        ///
        /// - Precondition: there is a row of `vectors` for each id.
        public init(ids: [Int32], vectors: Tensor<Float>) {
            precondition(
                vectors.rank == 2 && vectors.shape[0] == ids.count,
                "\(ids.count) ids for vectors \(vectors.shape)")
            self.ids = ids
            self.vectors = vectors
        }
    }

    /// The words that were read.
    public let words: [String]
    /// Their vectors [words, D].
    public let vectors: Tensor<Float>
    private let places: [[UInt8]: Int]

    /// D, the size of a vector.
    public var dimension: Int { vectors.columnCount }

    /// Reads a file. Words are compared byte by byte; of a word that stands twice the first vector counts.
    ///
    /// - Parameters:
    ///   - url: The file, plain or gzip; it is not held in memory.
    ///   - words: The words that are wanted; nil for all.
    ///   - limit: The most bytes there may be, after decompression.
    /// - Throws: `.fileNotFound`, `.inputOutput`, `.tooLarge`; `.malformedFile` with the row for a line that is not a word and D
    ///   finite numbers; `.emptyData` without lines.
    public init(contentsOf url: URL, words: [String]? = nil, limit: Int = 32 << 30) throws {
        let wanted = words.map { Set($0.map { Array($0.utf8) }) }
        var reader = try LineReader(ByteStream(path: url.path, limit: limit))
        var dimension = 0
        var row = 0
        var places: [[UInt8]: Int] = [:]
        var found: [String] = []
        var numbers: [Float] = []
        func malformed(_ message: String) -> MarketingMLError {
            MarketingMLError(.malformedFile, message, at: .init(file: url.path, row: row))
        }
        while let line = try reader.next() {
            row += 1
            let fields = line.split(separator: UInt8(ascii: " "))
            if fields.isEmpty { continue }
            if row == 1, fields.count == 2, fields.allSatisfy({ $0.allSatisfy { 0x30...0x39 ~= $0 } }) {
                dimension = Int(String(decoding: fields[1], as: UTF8.self)) ?? 0
                guard 1...65_536 ~= dimension else { throw malformed("the dimension must be in 1...65536") }
                continue
            }
            if dimension == 0 { dimension = fields.count - 1 }
            guard fields.count > dimension, dimension > 0 else {
                throw malformed(
                    "expected a word and \(max(1, dimension)) numbers, found \(fields.count) fields")
            }
            // Some words of GloVe have spaces in them.
            let word = Array(fields.dropLast(dimension).joined(separator: [UInt8(ascii: " ")]))
            guard wanted?.contains(word) ?? true, places[word] == nil else { continue }
            for field in fields.suffix(dimension) {
                let text = String(decoding: field, as: UTF8.self)
                guard let number = Float(text), number.isFinite else {
                    throw malformed("\"\(text)\" is not a finite number")
                }
                numbers.append(number)
            }
            places[word] = found.count
            found.append(String(decoding: word, as: UTF8.self))
        }
        guard dimension > 0 else {
            throw MarketingMLError(.emptyData, "has no vectors", at: .init(file: url.path))
        }
        self.words = found
        self.vectors = Tensor(shape: [found.count, dimension], numbers)
        self.places = places
    }

    /// The vector of a word; nil if it was not read.
    public subscript(word: String) -> [Float]? {
        guard let place = places[Array(word.utf8)] else { return nil }
        return vectors.withUnsafeElements { Array($0[place * dimension..<(place + 1) * dimension]) }
    }

    /// The vectors of those words of a vocabulary that were read; a word's number is its token id.
    public func rows(for vocabulary: [String]) -> Rows {
        let pairs = vocabulary.enumerated().compactMap { id, word in places[Array(word.utf8)].map { (id, $0) }
        }
        return Rows(ids: pairs.map { Int32(clamping: $0.0) }, vectors: vectors.rows(at: pairs.map(\.1)))
    }
}

/// The lines of a stream, without their ends.
private struct LineReader {
    private let stream: ByteStream
    private var block: [UInt8] = []
    private var position = 0

    init(_ stream: ByteStream) { self.stream = stream }

    mutating func next() throws -> [UInt8]? {
        var line: [UInt8] = []
        while true {
            if position == block.count {
                block = try [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                    count = try stream.read(into: buffer)
                }
                position = 0
                if block.isEmpty { return line.isEmpty ? nil : line }
            }
            if let end = block[position...].firstIndex(of: UInt8(ascii: "\n")) {
                line += block[position..<end]
                position = end + 1
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                return line
            }
            line += block[position...]
            position = block.count
        }
    }
}
