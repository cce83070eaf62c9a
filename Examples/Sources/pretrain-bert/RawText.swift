import ExampleSupport
import Foundation
import MarketingML

/// The text to learn from and the text to measure on.
struct RawText: CustomStringConvertible {
    private(set) var corpus: TextCorpus
    private(set) var heldOut: TextCorpus
    let description: String

    /// Plain text files without exclusions and with a held-out file of their own stay on the disk and are read by blocks;
    /// everything else is read into memory.
    init(corpus names: [String], exclude: [String], heldOut: String?, layout: TextCorpus.Layout) throws {
        let files = names.map(FileAndColumns.init(argument:))
        if let heldOut, !files.isEmpty, exclude.isEmpty, files.allSatisfy({ $0.columns.isEmpty }) {
            corpus = try TextCorpus(files: files.map(\.url), layout: layout)
            self.heldOut = TextCorpus(try FileAndColumns(argument: heldOut).documents(layout))
            description = "\(files.count) files, read by blocks"
            return
        }
        var documents = try files.flatMap { try $0.documents(layout) }
        if files.isEmpty { documents = try Self.sample() }
        let excluded = Set(try exclude.flatMap { try FileAndColumns(argument: $0).documents(layout) })
        let all = documents.count
        documents.removeAll { excluded.contains($0) }
        var held: [String] = []
        if let heldOut {
            held = try FileAndColumns(argument: heldOut).documents(layout)
        } else {
            held = documents.indices.filter { $0 % 20 == 19 }.map { documents[$0] }
            documents = documents.indices.filter { $0 % 20 != 19 }.map { documents[$0] }
        }
        corpus = TextCorpus(documents)
        self.heldOut = TextCorpus(held)
        description =
            "\(documents.count) documents to learn from, \(held.count) held out, "
            + "\(all - (heldOut == nil ? held.count : 0) - documents.count) excluded"
    }

    /// The built-in reviews are a sentence each: three of one opinion make a document.
    private static func sample() throws -> [String] {
        let reviews = try ReviewData.embedded().train
        return Set(reviews.labels).sorted().flatMap { label in
            let texts = reviews.labels.indices.filter { reviews.labels[$0] == label }.map {
                reviews.texts[$0]
            }
            return stride(from: 0, to: texts.count, by: 3).map {
                texts[$0..<min(texts.count, $0 + 3)].joined(separator: " ")
            }
        }
    }
}

/// `FILE`, `FILE:COLUMN` or `FILE:TEXT:LABEL`.
struct FileAndColumns {
    let url: URL
    let columns: [String]

    init(argument: String) {
        let parts = argument.split(separator: ":").map(String.init)
        url = URL(fileURLWithPath: parts.first ?? argument)
        columns = Array(parts.dropFirst())
    }

    /// The documents of a text file, or the texts of a column.
    func documents(_ layout: TextCorpus.Layout) throws -> [String] {
        guard let column = columns.first else {
            return try TextCorpus(files: [url], layout: layout).documents()
        }
        return try LabeledTexts(csv: url, text: column, label: columns.last ?? column).texts
    }

    /// Texts and labels of two columns.
    func labeledTexts() throws -> LabeledTexts<String> {
        guard columns.count == 2 else {
            throw Failure("\(url.path): name the columns of texts and labels, FILE:TEXT:LABEL")
        }
        return try LabeledTexts(csv: url, text: columns[0], label: columns[1])
    }
}
