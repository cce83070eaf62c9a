import Foundation
import MarketingML

/// The texts to learn from, to choose by and to be judged on.
public struct ReviewData {
    /// The texts to learn from.
    public var train: LabeledTexts<String>
    /// May decide when to stop and which weights to keep.
    public var dev: LabeledTexts<String>?
    /// Chooses nothing.
    public var test: LabeledTexts<String>

    /// Reads CSV or TSV files.
    public init(train: URL, dev: URL?, test: URL, text: String, label: String) throws {
        self.train = try LabeledTexts(csv: train, text: text, label: label)
        self.dev = try dev.map { try LabeledTexts(csv: $0, text: text, label: label) }
        self.test = try LabeledTexts(csv: test, text: text, label: label)
    }

    /// A sample of made-up reviews that comes with the examples.
    public static func embedded() throws -> ReviewData {
        guard let file = Bundle.module.url(forResource: "reviews", withExtension: "tsv") else {
            throw MarketingMLError(
                .fileNotFound, "the sample is missing beside the program", at: .init(file: "reviews.tsv"))
        }
        let texts = try LabeledTexts(csv: file, text: "text", label: "sentiment")
        let parts = try LabeledTexts(csv: file, text: "text", label: "part")
        func part(_ name: String) -> LabeledTexts<String> {
            texts[parts.labels.indices.filter { parts.labels[$0] == name }]
        }
        return ReviewData(train: part("train"), dev: nil, test: part("test"))
    }

    private init(train: LabeledTexts<String>, dev: LabeledTexts<String>?, test: LabeledTexts<String>) {
        self.train = train
        self.dev = dev
        self.test = test
    }
}
