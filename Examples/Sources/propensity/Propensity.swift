import ArgumentParser
import ExampleSupport
import Foundation
import MarketingML

@main
struct Propensity: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Learns from a table who will buy, respond or leave, and says what that is worth.",
        discussion: """
            Files are CSV or TSV, also compressed (.gz), with column names in the first row. The model is chosen by \
            cross-validation on the training rows; the test rows are used for the report alone.
            """)

    @Option(help: "The rows to learn from.", completion: .file()) var train: String
    @Option(help: "The rows to be judged on.", completion: .file()) var test: String
    @Option(help: "The column to predict.") var target: String
    @Option(help: "The value of the target to find. (default: the second of two)") var positive: String?
    @Option(help: "Columns to leave out, with commas between them.") var drop = ""
    @Option(
        help: "\(ModelKind.allCases.map(\.rawValue).joined(separator: ", ")). (default: the best of them)")
    var model: ModelKind?
    @Option(
        help: "The number that a blank stands for. (default: the column's mean, and a feature that says so)")
    var blanks: Double?
    @Option(help: "What a contact costs.") var contactCost = 1.0
    @Option(help: "What a contacted positive brings.") var benefit = 10.0
    @Option(help: "Every random choice follows from it.") var seed: UInt64 = 1
    @Option(help: "Write the figures to this file.", completion: .file()) var json: String?
    @Option(help: "Keep the model in this file, the encoder beside it.", completion: .file()) var save:
        String?

    func run() throws {
        do {
            try tellTheStory()
        } catch {
            Terminal.write("propensity: \(error)\n")
            throw ExitCode.failure
        }
    }

    /// Read, encode, compare, fit, judge, explain, decide, save: in the order in which a reader wants to see it.
    private func tellTheStory() throws {
        let start = ContinuousClock.now
        let data = try PropensityData(
            train: URL(fileURLWithPath: train), test: URL(fileURLWithPath: test), target: target,
            positive: positive,
            drop: drop.split(separator: ",").map(String.init), blanks: blanks)
        print("\(data.train.rowCount) rows to learn from, \(data.test.rowCount) to be judged on; looking for")
        print("\(target) = \(data.positive): \(percent(share(data.trainLabels))) of the training rows\n")
        print("Encoding\n\(data.description)\n")

        let comparison = try model == nil ? compare(data) : nil
        let recipe = comparison?.recipe ?? model?.recipe ?? ModelKind.logistic.recipe
        let fitted = try FittedPropensity(recipe, data, seed: seed)
        print("Model: \(fitted.name), \(fitted.train.featureCount) features\n")

        let judgement = try Judgement(fitted, data)
        print("\(judgement.text)\n")
        let features = try fitted.topFeatures(data, count: 10, seed: seed)
        print("\(featureTable(features))\n")
        print("Calibration on the test rows\n\(judgement.calibration)\n")
        let campaign = try self.campaign(fitted, judgement, data)

        if let save {
            try fitted.save(to: URL(fileURLWithPath: save))
            print("\nsaved to \(save) and \(save).encoder")
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        print("\n\(Figures.fixed(seconds, digits: 1)) s in all")
        if let json {
            try PropensityFigures(
                model: fitted.name, positive: data.positive,
                rows: .init(
                    train: data.train.rowCount, test: data.test.rowCount,
                    trainPositiveShare: share(data.trainLabels),
                    testPositiveShare: share(data.testLabels)),
                features: fitted.train.featureCount, encoding: data.recipe.terms.map(\.description),
                comparison: comparison?.candidates ?? [], report: judgement.report,
                metrics: Dictionary(uniqueKeysWithValues: judgement.metrics.map { ($0.name, $0.value) }),
                baseline: judgement.baseline, againstBaseline: judgement.againstBaseline,
                topFeatures: features,
                calibration: judgement.calibration, gain: judgement.test.gainCurve(points: 20),
                campaign: campaign,
                seconds: seconds
            ).writeJSON(to: URL(fileURLWithPath: json))
        }
    }

    /// Cross-validates the recipes; the best is the one with the largest mean area under the ROC curve.
    private func compare(
        _ data: PropensityData
    ) throws -> (recipe: any Classifier, candidates: [PropensityFigures.Candidate]) {
        let bar = ProgressBar()
        defer { bar.finish() }
        let search = GridSearch(
            over: ModelKind.allCases.flatMap(\.recipes), folds: 5, scoring: .rocAUC, seed: seed)
        let (best, _) = try search.fit(data.train, encoder: data.recipe, data.trainLabels) { bar.update($0) }
        bar.finish()
        print("Cross-validation on the training rows, 5 folds, the encoder fitted in each\n\(best.results)\n")
        return (
            best.recipe,
            best.results.candidates.map {
                .init(name: $0.name, meanAUC: $0.scores.mean, standardError: $0.scores.standardError)
            }
        )
    }

    private func featureTable(_ features: [PropensityFigures.Feature]) -> String {
        var lines = [
            "Most important columns: the AUC on test rows that shuffling them costs, and their strongest effects"
        ]
        for feature in features {
            lines.append("  \(feature.column)  \(feature.loss)")
            for effect in feature.effects {
                let ends = [effect.lower, effect.upper].map { Figures.fixed($0, digits: 1) }
                lines.append(
                    "      \(effect.change): \(effect.points < 0 ? "" : "+")\(Figures.fixed(effect.points, digits: 1)) points "
                        + "[\(ends[0]), \(ends[1])]")
            }
        }
        return lines.joined(separator: "\n")
    }

    /// Whom to contact: the threshold comes from what was said of training rows by models that had not seen them.
    private func campaign(
        _ fitted: FittedPropensity, _ judgement: Judgement, _ data: PropensityData
    ) throws -> PropensityFigures.Campaign {
        let payoffs = Payoffs(truePositive: benefit - contactCost, falsePositive: -contactCost)
        let chosen = try BinaryEvaluation(
            scores: fitted.outOfFoldProbabilities, isPositive: data.trainLabels
        ).threshold(.payoffs(payoffs))
        let curve = try judgement.test.profitCurve(payoffs)
        let result = judgement.test.decision(at: chosen.threshold)
        print("Lift on the test rows")
        for share in [0.05, 0.1, 0.2, 0.5] {
            print(
                "  best \(percent(share)): lift \(try judgement.test.value(of: .lift(at: share), interval: interval)), "
                    + "\(percent(judgement.test.gain(at: share))) of all positives")
        }
        print(
            "\nProfit if a contact costs \(contactCost) and a contacted positive brings \(benefit)\n\(curve)")
        print("with the threshold from the training rows: \(result)")
        print("  profit \(Figures.fixed(result.profit(payoffs), digits: 0))")
        return .init(
            payoffs: payoffs, threshold: chosen.threshold, testShare: result.positiveShare,
            testProfit: result.profit(payoffs), bestTestProfit: curve.best.profit,
            profitOfAll: curve.profitOfAll)
    }

    private func share(_ labels: [Bool]) -> Double { Double(labels.count { $0 }) / Double(labels.count) }
    private func percent(_ share: Double) -> String { Figures.fixed(100 * share, digits: 1) + " %" }
    private var interval: IntervalMethod { .bootstrap(resamples: 500, seed: seed) }
}
