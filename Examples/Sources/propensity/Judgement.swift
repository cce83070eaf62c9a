import MarketingML

/// What the test rows say.
struct Judgement {
    let test: BinaryEvaluation
    let report: ClassificationReport<Bool>
    let metrics: [(name: String, value: MetricValue)]
    let calibration: CalibrationCurve
    /// The area of logistic regression with C = 1 on the same rows.
    let baseline: MetricValue
    let againstBaseline: ROCComparison

    init(_ fitted: FittedPropensity, _ data: PropensityData) throws {
        let probabilities = try fitted.model.probabilities(of: fitted.test)
        report = try ClassificationReport(
            labels: data.testLabels, probabilities: probabilities.elements, classes: fitted.model.classes)
        let scores = try fitted.model.positiveProbabilities(fitted.test)
        let test = try BinaryEvaluation(scores: scores, isPositive: data.testLabels)
        self.test = test
        let bootstrap = IntervalMethod.bootstrap(resamples: 500)
        metrics = [
            ("ROC AUC", try test.value(of: .rocAUC, interval: .deLong)),
            ("average precision", try test.value(of: .averagePrecision, interval: bootstrap)),
            ("accuracy", try test.value(of: .accuracy, interval: .wilson)),
            ("log loss", try test.value(of: .logLoss, interval: bootstrap)),
            ("Brier score", try test.value(of: .brierScore, interval: bootstrap)),
            ("lift at 10 %", try test.value(of: .lift(at: 0.1), interval: bootstrap)),
            ("KS", try test.value(of: .kolmogorovSmirnov, interval: bootstrap)),
        ]
        calibration = try test.calibrationCurve(bins: 10, strategy: .quantile)
        let logistic = try ModelKind.logistic.recipe.fitClassifier(
            fitted.train, data.trainLabels, weights: nil, progress: nil)
        let baselineScores = try logistic.decisionValues(of: fitted.test).elements
        baseline = try BinaryEvaluation(scores: baselineScores, isPositive: data.testLabels).value(
            of: .rocAUC, interval: .deLong)
        againstBaseline = try ROC.compare(scores, baselineScores, isPositive: data.testLabels)
    }

    /// The report, the metrics with their 95 % intervals, and the comparison.
    var text: String {
        let width = metrics.map(\.name.count).max() ?? 0
        let rows = metrics.map {
            "  " + $0.name + String(repeating: " ", count: width - $0.name.count) + "  \($0.value)"
        }
        return """
            On the test rows
            \(report)

            With 95 % intervals
            \(rows.joined(separator: "\n"))
              logistic regression with C = 1: AUC \(baseline)
              difference of the areas \(againstBaseline.difference) (paired, DeLong)
            """
    }
}
