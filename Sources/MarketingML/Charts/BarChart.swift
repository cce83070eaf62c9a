/// Bars for categories, side by side for several series.
public struct BarChart: Chart, Equatable {
    /// One bar a category.
    public struct Series: Sendable, Equatable {
        /// What the legend calls it.
        public var name: String
        /// The value of each category; one that is not finite has no bar.
        public var values: [Double]

        /// Creates a series.
        public init(_ name: String, _ values: [Double]) {
            self.name = name
            self.values = values
        }
    }

    /// Stands above the chart.
    public var title: String
    /// What the bars stand for.
    public var categories: [String]
    /// The horizontal axis' title.
    public var x: String
    /// The vertical axis; unless it has a range it contains 0.
    public var y: ChartAxis
    /// The series.
    public var series: [Series]

    /// Creates a chart.
    ///
    /// - Precondition: each series has a value for each category.
    public init(
        title: String, categories: [String], x: String = "", y: ChartAxis = ChartAxis(), _ series: [Series]
    ) {
        for series in series {
            precondition(
                series.values.count == categories.count,
                "the series \"\(series.name)\" has \(series.values.count) values for \(categories.count) categories"
            )
        }
        self.title = title
        self.categories = categories
        self.x = x
        self.y = y
        self.series = series
    }

    /// The picture as the text of an SVG file.
    public var svg: String {
        let values = series.flatMap(\.values).filter(\.isFinite)
        let range = y.range ?? min(0, values.min() ?? 0)...max(0, values.max() ?? 1)
        let yTicks = AxisTicks(range, count: 6, isFixed: y.range != nil)
        let count = max(1, categories.count)
        let legend = series.enumerated().map {
            ChartFrame.LegendEntry(name: $1.name, color: ChartColors.ofSeries($0), isBlock: true)
        }
        var frame = ChartFrame(
            title: title, x: ChartAxis(x), y: y, yTicks: yTicks, legend: legend, hasVerticalGrid: false
        ) { width in
            let room = width / Double(count)
            // Words too wide for their bar are cut rather than left out, unless the bars are narrow.
            let labels = categories.map { room > 40 ? SVGCanvas.fitting($0, width: room - 8) : $0 }
            let span = -0.5...Double(count) - 0.5
            return AxisTicks(labels: labels, range: span, width: room > 40 ? nil : width)
        }
        let area = frame
        let base = min(max(0, yTicks.range.lowerBound), yTicks.range.upperBound)
        let barWidth = 0.8 / Double(max(1, series.count))
        for (index, series) in series.enumerated() {
            for (category, value) in series.values.enumerated() where value.isFinite {
                let start = Double(category) - 0.4 + Double(index) * barWidth
                let value = min(max(value, yTicks.range.lowerBound), yTicks.range.upperBound)
                let near = area.place(x: start, y: max(value, base))
                let far = area.place(x: start + barWidth, y: min(value, base))
                frame.draw {
                    $0.rectangle(
                        x: near.x + 0.5, y: near.y, width: far.x - near.x - 1, height: far.y - near.y,
                        fill: ChartColors.ofSeries(index))
                }
            }
        }
        return frame.svg
    }
}
