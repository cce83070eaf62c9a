/// A confusion matrix: true classes in rows, predicted ones in columns, each cell as dark as its share of the row.
public struct ConfusionChart: Chart, Equatable {
    /// Stands above the chart.
    public var title: String
    /// The matrix.
    public var matrix: ConfusionMatrix
    /// What the classes are called, in order.
    public var labels: [String]

    /// Creates a chart.
    ///
    /// - Precondition: there is a label for each class.
    public init(title: String, _ matrix: ConfusionMatrix, labels: [String]) {
        precondition(
            matrix.counts.count == labels.count, "\(labels.count) labels for \(matrix.counts.count) classes")
        self.title = title
        self.matrix = matrix
        self.labels = labels
    }

    /// The chart of a report.
    public init<Label>(title: String, _ report: ClassificationReport<Label>) {
        self.init(
            title: title, report.confusion, labels: report.classes.map { "\($0.label)" })
    }

    /// The picture as the text of an SVG file.
    public var svg: String {
        let size = ChartFrame.size
        var canvas = SVGCanvas(width: size.width, height: size.height)
        canvas.rectangle(x: 0, y: 0, width: size.width, height: size.height, fill: ChartColors.background)
        canvas.text(
            SVGCanvas.fitting(title, width: size.width - 40, size: 16), x: size.width / 2, y: 28, size: 16,
            anchor: .middle, isBold: true)
        let count = Double(max(1, labels.count))
        // Column labels that are wider than a cell are turned.
        let widest = labels.map { SVGCanvas.width(of: $0) }.max() ?? 0
        let isTurned = widest > (size.height - 112) / count - 6
        let labelHeight = isTurned ? min(120, widest) : 12
        let (top, bottom) = (52.0, size.height - 44 - labelHeight)
        let cell = (bottom - top) / count
        let labelWidth = min(180, widest)
        let left = max(40 + labelWidth, (size.width - cell * count) / 2)
        let right = left + cell * count
        // Labels stand at every k-th class where there is no room for all.
        let step = max(1, Int((15 / cell).rounded(.up)))
        for (row, counts) in matrix.counts.enumerated() {
            let y = top + Double(row) * cell
            let total = matrix.support(row)
            for (column, number) in counts.enumerated() {
                let x = left + Double(column) * cell
                let share = total == 0 ? 0 : Double(number) / Double(total)
                canvas.rectangle(
                    x: x, y: y, width: cell, height: cell, fill: ChartColors.shade(share),
                    stroke: ChartColors.background)
                let ink = share > 0.5 ? ChartColors.background : ChartColors.ink
                if cell >= 60 {
                    let percent = TableText.fixed(100 * share, decimals: 1) + " %"
                    canvas.text(
                        "\(number)", x: x + cell / 2, y: y + cell / 2, size: 15, anchor: .middle, fill: ink)
                    canvas.text(
                        percent, x: x + cell / 2, y: y + cell / 2 + 18, size: 11, anchor: .middle, fill: ink)
                } else if cell >= 24, SVGCanvas.width(of: "\(number)", size: 10) < cell - 2 {
                    canvas.text(
                        "\(number)", x: x + cell / 2, y: y + cell / 2 + 4, size: 10, anchor: .middle,
                        fill: ink)
                }
            }
            if row % step == 0 {
                canvas.text(
                    SVGCanvas.fitting(labels[row], width: labelWidth), x: left - 8, y: y + cell / 2 + 4,
                    anchor: .end)
            }
            if row % step == 0 {
                let middle = left + (Double(row) + 0.5) * cell
                canvas.text(
                    SVGCanvas.fitting(labels[row], width: labelHeight + (isTurned ? 0 : cell)),
                    x: isTurned ? middle + 4 : middle, y: bottom + (isTurned ? 8 : 18),
                    anchor: isTurned ? .end : .middle, isTurned: isTurned)
            }
        }
        canvas.text(
            "predicted", x: (left + right) / 2, y: bottom + labelHeight + 30, size: 13, anchor: .middle)
        canvas.text(
            "true", x: left - labelWidth - 24, y: (top + bottom) / 2, size: 13, anchor: .middle,
            isTurned: true)
        return canvas.svg(title: title)
    }
}
