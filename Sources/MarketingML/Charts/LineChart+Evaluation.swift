extension LineChart {
    /// ROC curves: how many of the positives are caught for how many of the negatives wrongly taken. The legend says the areas.
    public static func roc(
        title: String = "ROC curve", _ models: [(name: String, evaluation: BinaryEvaluation)]
    ) -> LineChart {
        let curves = models.map { model in
            let points = thinned(model.evaluation.rocCurve)
            return Series(
                "\(model.name), AUC \(TableText.fixed(model.evaluation.rocAUC, decimals: 3))",
                x: points.map(\.falsePositiveRate), y: points.map(\.truePositiveRate))
        }
        return LineChart(
            title: title, x: ChartAxis("false positive rate", range: 0...1),
            y: ChartAxis("true positive rate", range: 0...1), isSquare: true,
            curves + [Series("chance", x: [0, 1], y: [0, 1], style: .dashed)])
    }

    /// Calibration: in bins, the predicted probability against the share of positives. The legend says the expected error.
    public static func calibration(
        title: String = "Calibration", _ models: [(name: String, curve: CalibrationCurve)]
    ) -> LineChart {
        let curves = models.map { model in
            Series(
                "\(model.name), error \(TableText.fixed(model.curve.expectedError, decimals: 3))",
                x: model.curve.bins.map(\.predicted), y: model.curve.bins.map(\.observed),
                style: .lineAndPoints)
        }
        return LineChart(
            title: title, x: ChartAxis("predicted probability", range: 0...1),
            y: ChartAxis("share of positives", range: 0...1), isSquare: true,
            curves + [Series("perfect", x: [0, 1], y: [0, 1], style: .dashed)])
    }

    /// The losses of a training run, epoch by epoch.
    public static func learningCurve(title: String = "Learning curve", _ history: TrainingHistory)
        -> LineChart
    {
        let epochs = history.epochs.indices.map { Double($0 + 1) }
        var series = [
            Series("training loss", x: epochs, y: history.epochs.map(\.loss), style: .lineAndPoints)
        ]
        if history.epochs.contains(where: { $0.validationLoss != nil }) {
            series.append(
                Series(
                    "validation loss", x: epochs, y: history.epochs.map { $0.validationLoss ?? .nan },
                    style: .lineAndPoints))
        }
        if let best = history.bestEpoch, history.epochs.indices.contains(best),
            let loss = history.epochs[best].validationLoss
        {
            series.append(Series("kept", x: [Double(best + 1)], y: [loss], style: .points))
        }
        return LineChart(
            title: title,
            x: ChartAxis("epoch", labels: [""] + history.epochs.indices.map { "\($0 + 1)" }),
            y: ChartAxis("loss"), series)
    }

    /// At most about a thousand points: more cannot be told apart in the picture.
    private static func thinned(_ points: [ROCPoint]) -> [ROCPoint] {
        guard points.count > 1000 else { return points }
        let step = (points.count + 999) / 1000
        return points.indices.filter { $0 % step == 0 || $0 == points.count - 1 }.map { points[$0] }
    }
}

extension LineChart {
    /// A series and its forecast with intervals.
    ///
    /// - Parameters:
    ///   - observed: The last observed numbers.
    ///   - labels: A word a step, observed and forecast: dates, for instance; nil counts steps from the forecast's first on.
    ///   - valueTitle: What the numbers are.
    public static func forecast(
        title: String = "Forecast", observed: [Double], _ forecast: Forecast, labels: [String]? = nil,
        valueTitle: String = ""
    ) -> LineChart {
        let first = labels == nil ? -Double(observed.count) : 0
        let past = observed.indices.map { first + Double($0) }
        let future = forecast.values.indices.map { first + Double(observed.count + $0) }
        // The forecast's line begins at the last observed number, where its interval has no width.
        let (place, number) = (past.last.map { [$0] } ?? [], observed.last.map { [$0] } ?? [])
        let percent = TableText.number(100 * forecast.level, digits: 3)
        return LineChart(
            title: title, x: ChartAxis(labels == nil ? "step" : "", labels: labels), y: ChartAxis(valueTitle),
            [
                Series("observed", x: past, y: observed),
                Series(
                    "forecast, \(percent) % interval", x: place + future, y: number + forecast.values,
                    lower: number + forecast.lower, upper: number + forecast.upper),
            ])
    }
}
