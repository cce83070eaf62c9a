/// Collects the elements of an SVG picture.
struct SVGCanvas {
    enum Anchor: String {
        case start
        case middle
        case end
    }

    let width: Double
    let height: Double
    private var elements: [String] = []

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    mutating func rectangle(
        x: Double, y: Double, width: Double, height: Double, fill: String, stroke: String? = nil
    ) {
        elements.append(
            "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\" "
                + "height=\"\(Self.number(height))\" fill=\"\(fill)\""
                + (stroke.map { " stroke=\"\($0)\"" } ?? "") + "/>")
    }

    mutating func line(
        _ from: (x: Double, y: Double), _ to: (x: Double, y: Double), stroke: String, width: Double = 1,
        dashes: String? = nil
    ) {
        elements.append(
            "<line x1=\"\(Self.number(from.x))\" y1=\"\(Self.number(from.y))\" x2=\"\(Self.number(to.x))\" "
                + "y2=\"\(Self.number(to.y))\" \(Self.style(stroke, width, dashes))/>")
    }

    mutating func polyline(
        _ points: [(x: Double, y: Double)], stroke: String, width: Double = 2, dashes: String? = nil
    ) {
        elements.append(
            "<polyline points=\"\(Self.list(points))\" fill=\"none\" stroke-linejoin=\"round\" "
                + "stroke-linecap=\"round\" \(Self.style(stroke, width, dashes))/>")
    }

    mutating func polygon(_ points: [(x: Double, y: Double)], fill: String, opacity: Double) {
        elements.append(
            "<polygon points=\"\(Self.list(points))\" fill=\"\(fill)\" fill-opacity=\"\(Self.number(opacity))\"/>"
        )
    }

    mutating func circle(_ center: (x: Double, y: Double), radius: Double, fill: String) {
        elements.append(
            "<circle cx=\"\(Self.number(center.x))\" cy=\"\(Self.number(center.y))\" "
                + "r=\"\(Self.number(radius))\" fill=\"\(fill)\"/>")
    }

    /// A text with its base line at `y`; `turned` reads from below to above.
    mutating func text(
        _ text: String, x: Double, y: Double, size: Double = 12, anchor: Anchor = .start,
        fill: String = ChartColors.ink, isBold: Bool = false, isTurned: Bool = false
    ) {
        guard !text.isEmpty else { return }
        let place =
            isTurned
            ? "transform=\"translate(\(Self.number(x)) \(Self.number(y))) rotate(-90)\""
            : "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\""
        elements.append(
            "<text \(place) font-size=\"\(Self.number(size))\" text-anchor=\"\(anchor.rawValue)\" fill=\"\(fill)\""
                + (isBold ? " font-weight=\"bold\"" : "") + ">\(Self.escaped(text))</text>")
    }

    /// The file's text.
    func svg(title: String) -> String {
        let size = "\(Self.number(width)) \(Self.number(height))"
        let head =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(size)\" width=\"\(Self.number(width))\" "
            + "height=\"\(Self.number(height))\" font-family=\"Helvetica, Arial, sans-serif\" role=\"img\">"
        return ([head, "<title>\(Self.escaped(title))</title>"] + elements + ["</svg>"])
            .joined(separator: "\n") + "\n"
    }

    /// About how wide a text is.
    static func width(of text: String, size: Double = 12) -> Double {
        size
            * text.unicodeScalars.reduce(0) { sum, scalar in
                switch scalar {
                case "i", "j", "l", ".", ",", ":", ";", "'", "|", "!", " ", "(", ")", "t", "f", "r":
                    sum + 0.36
                case "m", "w", "M", "W", "%", "@": sum + 0.95
                case "A"..."Z": sum + 0.72
                default: sum + (scalar.value >= 0x2E80 ? 1 : 0.63)
                }
            }
    }

    /// The text, with an ellipsis for what does not fit.
    static func fitting(_ text: String, width: Double, size: Double = 12) -> String {
        guard self.width(of: text, size: size) > width else { return text }
        var short = text
        while !short.isEmpty, self.width(of: short + "…", size: size) > width { short.removeLast() }
        return short + "…"
    }

    private static func style(_ stroke: String, _ width: Double, _ dashes: String?) -> String {
        "stroke=\"\(stroke)\" stroke-width=\"\(number(width))\""
            + (dashes.map { " stroke-dasharray=\"\($0)\"" } ?? "")
    }

    private static func list(_ points: [(x: Double, y: Double)]) -> String {
        points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
    }

    /// Two decimals at most: the same text on every platform.
    private static func number(_ value: Double) -> String {
        let hundredths = (value * 100).rounded()
        guard abs(hundredths) < 1e15 else { return "0" }
        let whole = Int(hundredths)
        let (units, rest) = (abs(whole) / 100, abs(whole) % 100)
        let fraction =
            rest == 0 ? "" : rest % 10 == 0 ? ".\(rest / 10)" : (rest < 10 ? ".0" : ".") + "\(rest)"
        return (whole < 0 ? "-" : "") + "\(units)" + fraction
    }

    /// Text as XML has it; characters that XML forbids become U+FFFD.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result += " "
            case "\u{0}"..<" ", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
