/// The part that charts with two axes share: title, legend, grid, axes, and where data belong.
struct ChartFrame {
    /// A line of the legend.
    struct LegendEntry {
        var name: String
        var color: String
        var dashes: String?
        var isBlock = false
        var isPoint = false
    }

    static let size = (width: 720.0, height: 440.0)

    private(set) var canvas = SVGCanvas(width: size.width, height: size.height)
    /// The area of the data.
    let left: Double
    let right: Double
    let top: Double
    let bottom: Double
    private let x: ClosedRange<Double>
    private let y: ClosedRange<Double>
    private let title: String

    /// Draws everything but the data.
    ///
    /// - Parameters:
    ///   - xTicks: The ticks for an axis of that width; `hasVerticalGrid` tells whether lines stand at them.
    init(
        title: String, x: ChartAxis, y: ChartAxis, yTicks: AxisTicks, legend: [LegendEntry],
        hasVerticalGrid: Bool = true, isSquare: Bool = false, xTicks: (_ width: Double) -> AxisTicks
    ) {
        let labelWidth = yTicks.labels.map { SVGCanvas.width(of: $0) }.max() ?? 0
        var left = 16 + (y.title.isEmpty ? 0 : 20) + labelWidth + 8
        var right = Self.size.width - 24
        let rows = Self.legendRows(legend, width: right - left)
        let top = 46 + 20 * Double(rows.count)
        let bottom = Self.size.height - (x.title.isEmpty ? 36 : 56)
        if isSquare, right - left > bottom - top {
            let spare = (right - left - (bottom - top)) / 2
            (left, right) = (left + spare, right - spare)
        }
        let xTicks = xTicks(right - left)
        (self.left, self.right, self.top, self.bottom) = (left, right, top, bottom)
        (self.x, self.y, self.title) = (xTicks.range, yTicks.range, title)

        canvas.rectangle(
            x: 0, y: 0, width: Self.size.width, height: Self.size.height, fill: ChartColors.background)
        let wholeTitle = SVGCanvas.fitting(title, width: Self.size.width - 40, size: 16)
        canvas.text(
            wholeTitle, x: Self.size.width / 2, y: 28, size: 16, anchor: .middle, isBold: true)
        drawLegend(rows)
        for (value, label) in zip(yTicks.values, yTicks.labels) {
            let place = place(x: self.x.lowerBound, y: value).y
            canvas.line((left, place), (right, place), stroke: ChartColors.grid)
            canvas.text(label, x: left - 8, y: place + 4, anchor: .end, fill: ChartColors.faint)
        }
        for (value, label) in zip(xTicks.values, xTicks.labels) {
            let place = place(x: value, y: self.y.lowerBound).x
            if hasVerticalGrid { canvas.line((place, top), (place, bottom), stroke: ChartColors.grid) }
            canvas.text(label, x: place, y: bottom + 18, anchor: .middle, fill: ChartColors.faint)
        }
        canvas.line((left, bottom), (right, bottom), stroke: ChartColors.faint)
        canvas.line((left, top), (left, bottom), stroke: ChartColors.faint)
        canvas.text(x.title, x: (left + right) / 2, y: bottom + 42, size: 13, anchor: .middle)
        canvas.text(
            y.title, x: left - labelWidth - 20, y: (top + bottom) / 2, size: 13, anchor: .middle,
            isTurned: true)
    }

    /// Where a point belongs.
    func place(x: Double, y: Double) -> (x: Double, y: Double) {
        (
            left + (x - self.x.lowerBound) / (self.x.upperBound - self.x.lowerBound) * (right - left),
            bottom - (y - self.y.lowerBound) / (self.y.upperBound - self.y.lowerBound) * (bottom - top)
        )
    }

    /// Whether a point is finite and inside the axes.
    func shows(x: Double, y: Double) -> Bool { self.x.contains(x) && self.y.contains(y) }

    /// Draws the data.
    mutating func draw(_ body: (inout SVGCanvas) -> Void) { body(&canvas) }

    /// The picture.
    var svg: String { canvas.svg(title: title) }

    /// The legend's entries in rows that fit; one entry alone needs no legend.
    private static func legendRows(_ entries: [LegendEntry], width: Double) -> [[LegendEntry]] {
        guard entries.count > 1 else { return [] }
        var rows: [[LegendEntry]] = []
        var used = Double.infinity
        for var entry in entries {
            entry.name = SVGCanvas.fitting(entry.name, width: width - 40)
            let own = entryWidth(entry)
            if used + own > width {
                rows.append([])
                used = 0
            }
            rows[rows.count - 1].append(entry)
            used += own
        }
        return rows
    }

    private static func entryWidth(_ entry: LegendEntry) -> Double {
        SVGCanvas.width(of: entry.name) + 48
    }

    private mutating func drawLegend(_ rows: [[LegendEntry]]) {
        for (index, row) in rows.enumerated() {
            let width = row.reduce(0) { $0 + Self.entryWidth($1) }
            var place = max(left, (left + right - width) / 2)
            let middle = 48 + 20 * Double(index)
            for entry in row {
                if entry.isBlock {
                    canvas.rectangle(x: place + 8, y: middle - 6, width: 12, height: 12, fill: entry.color)
                } else if entry.isPoint {
                    canvas.circle((place + 14, middle), radius: 3.2, fill: entry.color)
                } else {
                    canvas.line(
                        (place, middle), (place + 22, middle), stroke: entry.color, width: 2.5,
                        dashes: entry.dashes)
                }
                canvas.text(entry.name, x: place + 28, y: middle + 4)
                place += Self.entryWidth(entry)
            }
        }
    }
}
