#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// Logistic regression on n-grams.
struct NGramTextModel: TextModel {
    let encoder: FittedFeatureEncoder
    /// Its classes are the numbers of the labels.
    let classifier: LogisticModel<Int>

    var maxLength: Int? { nil }

    private static let column = "text"
    private static let encoderFile = "encoder.safetensors"
    private static let classifierFile = "model.safetensors"

    /// Fits the model.
    ///
    /// - Parameter targets: The class of each text, each of 0 ..< K at least once.
    static func fit(
        _ texts: [String], _ targets: [Int], encodings: [TextEncoding], c: Double,
        classWeights: ClassWeights, progress: ProgressHandler?
    ) throws -> NGramTextModel {
        let recipe = FeatureEncoder(encodings.map { .text(column, $0) }, layout: .sparse)
        _ = progress?(ProgressEvent(phase: .loading, total: 0))
        let (encoder, features) = try recipe.fitTransform(table(texts))
        // The labels of close calls do not depend on more digits than this.
        let classifier = try LogisticRegression(.l2(c: c), classWeights: classWeights, tolerance: 1e-5)
            .fit(features, targets, progress: progress)
        return NGramTextModel(encoder: encoder, classifier: classifier)
    }

    func probabilities(of texts: [String]) throws -> [Float] {
        let features = try encoder.transform(Self.table(texts))
        return try classifier.probabilities(of: features).elements.map { Float($0) }
    }

    /// Texts as a table, each a row of its own whatever it says: an empty text is not a missing one.
    private static func table(_ texts: [String]) throws(MarketingMLError) -> Table {
        try Table([Table.Column(column, texts)])
    }
}

extension NGramTextModel {
    func write(to directory: URL, classes: [String]) throws {
        try TextModelFile(model: .nGrams, classes: classes).write(to: directory)
        try encoder.save(to: directory.appendingPathComponent(Self.encoderFile))
        try classifier.save(to: directory.appendingPathComponent(Self.classifierFile))
    }

    /// Reads what `write` wrote.
    init(directory: URL, _ file: TextModelFile) throws {
        encoder = try FittedFeatureEncoder(directory.appendingPathComponent(Self.encoderFile))
        let url = directory.appendingPathComponent(Self.classifierFile)
        classifier = try LogisticModel(url)
        guard encoder.columns == [Self.column], encoder.featureCount == classifier.featureCount,
            classifier.classes.labels == Array(file.classes.indices)
        else {
            throw MarketingMLError(
                .malformedFile,
                "expected \(encoder.featureCount) features of texts and \(file.classes.count) classes, "
                    + "found \(classifier.featureCount) and \(classifier.classes.count)",
                at: .init(file: url.path))
        }
    }
}
