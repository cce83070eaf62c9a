import Tensor

extension ClassificationReport: CustomStringConvertible {
    /// An aligned table of the figures, the confusion matrix below it; of more than 20 classes the most frequent confusions.
    public var description: String {
        let names = classes.map { "\($0.label)" }
        let first = max(names.map(\.count).max() ?? 0, "weighted avg".count)
        let figures = ["precision", "recall", "f1-score", "support"]

        func row(_ name: String, _ cells: [String]) -> String {
            name.padded(to: first) + cells.map { "  " + $0.padded(to: 9) }.joined()
        }
        func row(_ name: String, _ average: Average) -> String {
            row(name, [fixed(average.precision), fixed(average.recall), fixed(average.f1), "\(count)"])
        }

        var lines = [row("", figures), ""]
        for (name, scores) in zip(names, classes) {
            lines.append(
                row(
                    name,
                    [fixed(scores.precision), fixed(scores.recall), fixed(scores.f1), "\(scores.support)"]))
        }
        lines += ["", row("accuracy", ["", "", fixed(accuracy), "\(count)"])]
        lines += [row("macro avg", macro), row("weighted avg", weighted), ""]
        lines.append(row("majority", ["", "", fixed(majorityShare)]))
        lines.append(row("ROC AUC", ["", "", rocAUC.map { fixed($0) } ?? "-"]))
        lines.append(row("log loss", ["", "", fixed(logLoss)]))
        if classes.count <= 20 {
            lines += ["", "true class in rows, predicted in columns:"]
            lines += confusionLines(names, first: first)
        } else {
            lines += ["", "most frequent confusions (true class, predicted class):"]
            lines += confusion.mostFrequent(20).map {
                "\($0.count)".padded(to: 6) + "  \(names[$0.truth]), \(names[$0.predicted])"
            }
        }
        return lines.joined(separator: "\n")
    }

    private func confusionLines(_ names: [String], first: Int) -> [String] {
        let cells = confusion.counts.map { $0.map(String.init) }
        let widths = names.indices.map { column in
            max(names[column].count, cells.map { $0[column].count }.max() ?? 0)
        }
        func line(_ name: String, _ cells: [String]) -> String {
            name.padded(to: first)
                + zip(cells, widths).map { "  " + $0.padded(to: $1) }.joined()
        }
        return [line("", names)] + zip(names, cells).map { line($0, $1) }
    }

    /// Four digits after the point.
    private func fixed(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
        let scaled = Int((abs(value) * 10_000).rounded())
        let digits = String(scaled % 10_000).padded(to: 4, with: "0")
        return (value < 0 ? "-" : "") + "\(scaled / 10_000).\(digits)"
    }
}

extension String {
    /// The text at the right end of a field of `width` characters.
    fileprivate func padded(to width: Int, with fill: Character = " ") -> String {
        String(repeating: fill, count: max(0, width - count)) + self
    }
}
