import Tensor

extension ClassificationReport: CustomStringConvertible {
    /// An aligned table of the figures, the confusion matrix below it.
    public var description: String {
        let names = classes.map { "\($0.label)" }
        let first = max(names.map(\.count).max() ?? 0, "weighted avg".count)
        let figures = ["precision", "recall", "f1-score", "support"]

        func row(_ name: String, _ cells: [String]) -> String {
            name.leftPadded(to: first) + cells.map { "  " + $0.leftPadded(to: 9) }.joined()
        }
        func row(_ name: String, _ average: Average) -> String {
            row(
                name,
                [
                    FixedPoint.text(average.precision), FixedPoint.text(average.recall),
                    FixedPoint.text(average.f1), "\(count)",
                ])
        }

        var lines = [row("", figures), ""]
        for (name, scores) in zip(names, classes) {
            lines.append(
                row(
                    name,
                    [
                        FixedPoint.text(scores.precision), FixedPoint.text(scores.recall),
                        FixedPoint.text(scores.f1), "\(scores.support)",
                    ]))
        }
        lines += ["", row("accuracy", ["", "", FixedPoint.text(accuracy), "\(count)"])]
        lines += [row("macro avg", macro), row("weighted avg", weighted), ""]
        lines.append(row("majority", ["", "", FixedPoint.text(majorityShare)]))
        lines.append(row("ROC AUC", ["", "", rocAUC.map { FixedPoint.text($0) } ?? "-"]))
        lines.append(row("log loss", ["", "", FixedPoint.text(logLoss)]))
        lines += ["", "true class in rows, predicted in columns:"]
        lines += confusionLines(names, first: first)
        return lines.joined(separator: "\n")
    }

    private func confusionLines(_ names: [String], first: Int) -> [String] {
        let cells = confusion.counts.map { $0.map(String.init) }
        let widths = names.indices.map { column in
            max(names[column].count, cells.map { $0[column].count }.max() ?? 0)
        }
        func line(_ name: String, _ cells: [String]) -> String {
            name.leftPadded(to: first)
                + zip(cells, widths).map { "  " + $0.leftPadded(to: $1) }.joined()
        }
        return [line("", names)] + zip(names, cells).map { line($0, $1) }
    }
}
