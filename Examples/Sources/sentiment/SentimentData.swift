import Foundation
import MarketingML

/// The texts to learn from, to choose by and to be judged on.
struct SentimentData {
    var train: LabeledTexts<String>
    /// May decide when to stop and which weights to keep.
    var dev: LabeledTexts<String>?
    /// Chooses nothing.
    var test: LabeledTexts<String>

    /// Reads CSV or TSV files.
    init(train: URL, dev: URL?, test: URL, text: String, label: String) throws {
        self.train = try LabeledTexts(csv: train, text: text, label: label)
        self.dev = try dev.map { try LabeledTexts(csv: $0, text: text, label: label) }
        self.test = try LabeledTexts(csv: test, text: text, label: label)
    }

    /// The sample that comes with this example.
    static func embedded() throws -> SentimentData {
        guard let file = Bundle.module.url(forResource: "reviews", withExtension: "tsv") else {
            throw MarketingMLError(
                .fileNotFound, "the sample is missing beside the program", at: .init(file: "reviews.tsv"))
        }
        let texts = try LabeledTexts(csv: file, text: "text", label: "sentiment")
        let parts = try LabeledTexts(csv: file, text: "text", label: "part")
        func part(_ name: String) -> LabeledTexts<String> {
            texts[parts.labels.indices.filter { parts.labels[$0] == name }]
        }
        return SentimentData(train: part("train"), dev: nil, test: part("test"))
    }

    private init(train: LabeledTexts<String>, dev: LabeledTexts<String>?, test: LabeledTexts<String>) {
        self.train = train
        self.dev = dev
        self.test = test
    }
}
