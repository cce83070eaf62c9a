import Foundation
import MarketingML

/// The rows to learn from and to be judged on, and how their columns become features.
struct PropensityData {
    let train: Table
    let test: Table
    let trainLabels: [Bool]
    let testLabels: [Bool]
    /// The value of the target that is positive.
    let positive: String
    let recipe: FeatureEncoder
    let omitted: [FeatureEncoder.Omission]

    /// Reads two CSV or TSV files with the same columns.
    ///
    /// - Parameters:
    ///   - positive: Nil takes the second of two values in their order: `yes` of no and yes, `1` of 0 and 1.
    ///   - blanks: What stands for missing numbers; nil takes the column's mean and marks them.
    init(
        train: URL, test: URL, target: String, positive: String?, drop: [String], blanks: Double?
    ) throws {
        self.train = try Table(csv: train)
        self.test = try Table(csv: test)
        let labels = try self.train[target].labels()
        let classes = try LabelSet(labels)
        guard let positive = positive ?? (classes.count == 2 ? classes[1] : nil) else {
            throw MarketingMLError(
                .invalidOption,
                "the target has the values \(classes.texts): say with --positive which one to find",
                at: .init(name: target))
        }
        guard classes.index(of: positive) != nil else {
            throw MarketingMLError(
                .unknownLabel, "no training row has the value \"\(positive)\", there are \(classes.texts)",
                at: .init(name: target))
        }
        self.positive = positive
        trainLabels = labels.map { $0 == positive }
        testLabels = try self.test[target].labels().map { $0 == positive }
        (recipe, omitted) = try FeatureEncoder.automatic(
            self.train, target: target, excluding: drop,
            missing: blanks.map { .constant($0) } ?? .mean())
    }

    /// The columns, each with the way it is encoded.
    var description: String {
        let left = omitted.map { "  left out: \($0)" }
        let terms = recipe.terms.map { "  \($0)" }
        return (terms + left).joined(separator: "\n")
    }
}
