import Foundation
import TestSupport
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@testable import MarketingML

@Suite struct ChartTests {
    /// The places of the elements of one kind, as attributes.
    private func elements(_ name: String, in svg: String) throws -> [[String: String]] {
        final class Reader: NSObject, XMLParserDelegate {
            let name: String
            var found: [[String: String]] = []
            init(_ name: String) { self.name = name }
            func parser(
                _ parser: XMLParser, didStartElement element: String, namespaceURI: String?,
                qualifiedName: String?, attributes: [String: String] = [:]
            ) {
                if element == name { found.append(attributes) }
            }
        }
        let reader = Reader(name)
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = reader
        try #require(parser.parse(), "\(String(describing: parser.parserError))")
        return reader.found
    }

    @Test func ticksAreRound() {
        #expect(AxisTicks(0...1, count: 5, isFixed: true).labels == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(AxisTicks(0.31...0.69, count: 4, isFixed: false).values.first ?? 1 <= 0.31)
        let wide = AxisTicks(-3...12_400, count: 6, isFixed: false)
        #expect(wide.range == -5000...15_000)
        #expect(wide.labels == ["-5k", "0", "5k", "10k", "15k"])
        #expect(AxisTicks(5...5, count: 5, isFixed: false).values.count > 2)
        #expect(AxisTicks(0...0, count: 5, isFixed: false).range == -1...1)
        #expect(AxisTicks(1e-7...3e-7, count: 5, isFixed: false).values.count >= 3)
        let words = AxisTicks(labels: (0..<100).map { "2024-01-\($0)" }, range: 0...99, width: 400)
        #expect(words.values.count >= 2 && words.values.count <= 6)
        var random = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            let low = (random.nextUniform() - 0.5) * 1000
            let high = low + random.nextUniform() * 1000
            let ticks = AxisTicks(low...high, count: 6, isFixed: false)
            #expect(ticks.range.lowerBound <= low + 1e-6 && ticks.range.upperBound >= high - 1e-6)
            #expect((2...15).contains(ticks.values.count))
            #expect(Set(ticks.labels).count == ticks.labels.count, "\(low) \(high) \(ticks.labels)")
        }
    }

    @Test func pointsStandWhereTheyBelong() throws {
        let chart = LineChart(
            title: "A < B & \"C\" \u{1}", x: ChartAxis("x", range: 0...10), y: ChartAxis("y", range: 0...100),
            [
                LineChart.Series(
                    "s", x: [0, 5, 10], y: [0, 50, 100], lower: [0, 40, 90], upper: [10, 60, 100])
            ])
        #expect(chart.svg == chart.svg)
        let line = try #require(try elements("polyline", in: chart.svg).first)
        let points = try #require(line["points"]).split(separator: " ").map { point in
            point.split(separator: ",").compactMap { Double($0) }
        }
        #expect(points.count == 3)
        expectClose([points[1][0]], [(points[0][0] + points[2][0]) / 2], absolute: 0.02)
        expectClose([points[1][1]], [(points[0][1] + points[2][1]) / 2], absolute: 0.02)
        #expect(points[0][1] > points[2][1] && points[0][0] < points[2][0])
        #expect(try elements("polygon", in: chart.svg).count == 1)
        #expect(chart.svg.contains("A &lt; B &amp; &quot;C&quot; \u{FFFD}"))
    }

    @Test func gapsAndEmptyData() throws {
        let gap = LineChart(
            title: "gap", [LineChart.Series("s", x: [0, 1, 2, 3, 4, 5], y: [1, 2, .nan, .infinity, 3, 1])])
        #expect(try elements("polyline", in: gap.svg).count == 2)
        #expect(!gap.svg.contains("nan") && !gap.svg.contains("inf"))
        for svg in [
            LineChart(title: "none", []).svg,
            LineChart(title: "empty", [LineChart.Series("s", x: [], y: [])]).svg,
            LineChart(
                title: "one", x: ChartAxis(labels: ["a", "b"]), [LineChart.Series("s", x: [1], y: [2])]
            ).svg,
            BarChart(title: "none", categories: [], []).svg,
            BarChart(title: "missing", categories: ["a"], [.init("s", [.nan])]).svg,
        ] {
            #expect(try elements("rect", in: svg).count >= 1)
            #expect(!svg.contains("nan") && !svg.contains("inf"))
        }
    }

    @Test func barsAreAsHighAsTheirValues() throws {
        let chart = BarChart(
            title: "bars", categories: ["a", "b"], y: ChartAxis(range: -1...1),
            [.init("s", [0.5, -1]), .init("t", [0.25, 2])])
        let bars = try elements("rect", in: chart.svg).filter {
            $0["fill"] != "#ffffff" && $0["width"] != "12"
        }
        let heights = bars.compactMap { $0["height"].flatMap { Double($0) } }
        #expect(heights.count == 4)
        expectClose(heights.map { $0 / heights[1] }, [0.5, 1, 0.25, 1], absolute: 1e-3)
    }

    @Test func confusionOfManyClasses() throws {
        let two = ConfusionChart(
            title: "two", ConfusionMatrix(truth: [0, 0, 1], predicted: [0, 1, 1], classes: 2),
            labels: ["ham", "spam"])
        #expect(try elements("rect", in: two.svg).count == 5)
        #expect(two.svg.contains("50.0 %"))
        let many = ConfusionChart(
            title: "many", ConfusionMatrix(truth: Array(0..<77), predicted: Array(0..<77), classes: 77),
            labels: (0..<77).map { "class number \($0)" })
        #expect(try elements("rect", in: many.svg).count == 77 * 77 + 1)
    }

    @Test func chartsOfEvaluations() throws {
        let evaluation = try BinaryEvaluation(
            scores: (0..<5000).map { Double($0 * 7919 % 5000) / 5000 },
            isPositive: (0..<5000).map { $0 * 7919 % 5000 + ($0 % 3) * 800 > 3000 })
        let roc = LineChart.roc([("model", evaluation)])
        #expect(roc.series[0].x.count <= 1002 && roc.series[0].x.last == 1 && roc.series[0].y.last == 1)
        #expect(roc.svg.contains("AUC"))
        let calibration = LineChart.calibration([("model", try evaluation.calibrationCurve())])
        #expect(try elements("circle", in: calibration.svg).count == 10)
        var history = TrainingHistory()
        history.epochs = [.init(loss: 1, validationLoss: 0.9), .init(loss: 0.5, validationLoss: 0.8)]
        history.bestEpoch = 1
        #expect(LineChart.learningCurve(history).series.count == 3)
    }

    @Test func savedToAFile() throws {
        try withTemporaryDirectory { directory in
            let url = URL(fileURLWithPath: directory + "/chart.svg")
            let chart = BarChart(title: "b", categories: ["a"], [.init("s", [1])])
            try chart.save(to: url)
            #expect(try String(contentsOf: url, encoding: .utf8) == chart.svg)
        }
    }
}
