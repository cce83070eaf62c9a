#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A picture of figures as SVG: of fixed size, on white, in colours that colour-blind readers tell apart, without anything from
/// outside. The same chart always gives the same text.
///
/// ```swift
/// try LineChart.learningCurve(classifier.card.history, title: "Reviews").save(to: url)
/// ```
public protocol Chart: Sendable {
    /// The picture as the text of an SVG file.
    var svg: String { get }
}

extension Chart {
    /// Writes the picture to a file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws { try AtomicFile.write(svg, to: url.path) }
}

/// What an axis says and spans.
public struct ChartAxis: Sendable, Equatable {
    /// What is measured, with its unit.
    public var title: String
    /// What the axis spans; nil: all of the data, widened to round numbers.
    public var range: ClosedRange<Double>?
    /// Words for the places 0, 1, 2, … instead of numbers: dates, for instance. As many are shown as there is room for.
    public var labels: [String]?

    /// Creates an axis.
    public init(_ title: String = "", range: ClosedRange<Double>? = nil, labels: [String]? = nil) {
        self.title = title
        self.range = range
        self.labels = labels
    }
}

/// The colours of series: those of Okabe and Ito without yellow, which is hard to see on white.
///
/// Okabe, Ito: Color Universal Design, 2008.
enum ChartColors {
    static let ink = "#222222"
    static let faint = "#6b6b6b"
    static let grid = "#e4e4e4"
    static let background = "#ffffff"

    private static let series = [
        "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333",
    ]

    /// The colour of the series with that number.
    static func ofSeries(_ index: Int) -> String { series[index % series.count] }

    /// From white (0) to dark blue (1).
    static func shade(_ share: Double) -> String {
        let share = min(max(share, 0), 1)
        func mix(_ light: Double, _ dark: Double) -> String {
            let value = Int((light + share * (dark - light)).rounded())
            return (value < 16 ? "0" : "") + String(value, radix: 16)
        }
        return "#" + mix(247, 0) + mix(251, 76) + mix(255, 140)
    }
}
