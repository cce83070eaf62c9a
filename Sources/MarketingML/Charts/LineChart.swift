/// Lines over a numeric axis, with bands around them if wanted.
public struct LineChart: Chart, Equatable {
    /// How a series is drawn.
    public enum Style: Sendable, Equatable {
        /// A line.
        case line
        /// A dashed line.
        case dashed
        /// A line with a dot at each point.
        case lineAndPoints
        /// Dots alone.
        case points

        var dashes: String? { self == .dashed ? "6 5" : nil }
    }

    /// One series of points.
    public struct Series: Sendable, Equatable {
        /// What the legend calls it.
        public var name: String
        /// The places along the horizontal axis, ascending.
        public var x: [Double]
        /// The value at each place; one that is not finite leaves a gap.
        public var y: [Double]
        /// An area around the line: as many values as places.
        public var lower: [Double]?
        /// The upper border of the area.
        public var upper: [Double]?
        /// How it is drawn.
        public var style: Style

        /// Creates a series.
        ///
        /// - Precondition: all arrays have the same length.
        public init(
            _ name: String, x: [Double], y: [Double], lower: [Double]? = nil, upper: [Double]? = nil,
            style: Style = .line
        ) {
            precondition(
                x.count == y.count && (lower?.count ?? x.count) == x.count
                    && (upper?.count ?? x.count) == x.count && (lower == nil) == (upper == nil),
                "the series \"\(name)\" has \(x.count) places, \(y.count) values and an area of \(lower?.count ?? 0) to "
                    + "\(upper?.count ?? 0)")
            self.name = name
            self.x = x
            self.y = y
            self.lower = lower
            self.upper = upper
            self.style = style
        }
    }

    /// Stands above the chart.
    public var title: String
    /// The horizontal axis.
    public var x: ChartAxis
    /// The vertical axis.
    public var y: ChartAxis
    /// The series; later ones are drawn over earlier ones.
    public var series: [Series]
    /// Whether both axes are equally long, as for the ROC curve.
    public var isSquare: Bool

    /// Creates a chart.
    public init(
        title: String, x: ChartAxis = ChartAxis(), y: ChartAxis = ChartAxis(), isSquare: Bool = false,
        _ series: [Series]
    ) {
        self.title = title
        self.x = x
        self.y = y
        self.series = series
        self.isSquare = isSquare
    }

    /// The picture as the text of an SVG file.
    public var svg: String {
        let yTicks = AxisTicks(
            y.range ?? Self.span(series.flatMap { $0.y + ($0.lower ?? []) + ($0.upper ?? []) }), count: 6,
            isFixed: y.range != nil)
        let span = x.range ?? Self.span(series.flatMap(\.x))
        let legend = series.enumerated().map {
            ChartFrame.LegendEntry(
                name: $1.name, color: ChartColors.ofSeries($0), dashes: $1.style.dashes,
                isPoint: $1.style == .points)
        }
        var frame = ChartFrame(
            title: title, x: x, y: y, yTicks: yTicks, legend: legend, isSquare: isSquare
        ) { width in
            if let labels = x.labels { return AxisTicks(labels: labels, range: span, width: width) }
            return AxisTicks(span, count: isSquare ? 5 : 8, isFixed: true)
        }
        for (index, series) in series.enumerated() { drawBand(series, ChartColors.ofSeries(index), &frame) }
        for (index, series) in series.enumerated() { drawLine(series, ChartColors.ofSeries(index), &frame) }
        return frame.svg
    }

    private func drawBand(_ series: Series, _ color: String, _ frame: inout ChartFrame) {
        guard let lower = series.lower, let upper = series.upper else { return }
        for run in Self.runs(series.x.indices, where: { lower[$0].isFinite && upper[$0].isFinite }) {
            let range = frame
            let border =
                run.map { range.place(x: series.x[$0], y: upper[$0]) }
                + run.reversed().map { range.place(x: series.x[$0], y: lower[$0]) }
            frame.draw { $0.polygon(border, fill: color, opacity: 0.18) }
        }
    }

    private func drawLine(_ series: Series, _ color: String, _ frame: inout ChartFrame) {
        let area = frame
        for run in Self.runs(series.x.indices, where: { area.shows(x: series.x[$0], y: series.y[$0]) }) {
            let points = run.map { area.place(x: series.x[$0], y: series.y[$0]) }
            frame.draw { canvas in
                if series.style != .points {
                    canvas.polyline(points, stroke: color, dashes: series.style.dashes)
                }
                if series.style == .points || series.style == .lineAndPoints || points.count == 1 {
                    for point in points { canvas.circle(point, radius: 3.2, fill: color) }
                }
            }
        }
    }

    /// The runs of neighbours that satisfy a condition.
    private static func runs(_ indices: Range<Int>, where isShown: (Int) -> Bool) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var start: Int?
        for index in indices {
            if isShown(index) {
                start = start ?? index
            } else if let first = start {
                runs.append(first..<index)
                start = nil
            }
        }
        if let start { runs.append(start..<indices.upperBound) }
        return runs
    }

    /// From the least to the greatest finite value; 0 to 1 if there is none.
    private static func span(_ values: [Double]) -> ClosedRange<Double> {
        let finite = values.filter(\.isFinite)
        guard let low = finite.min(), let high = finite.max() else { return 0...1 }
        return low...high
    }
}
