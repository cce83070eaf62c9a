import Foundation

/// Numbers as people read them.
public enum Figures {
    /// A number with so many digits after the point.
    public static func fixed(_ value: Double, digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }

    /// Three digits and a unit: `950`, `12.3k`, `4.56M`.
    public static func short(_ value: Double) -> String {
        switch value {
        case 1e6...: fixed(value / 1e6, digits: 2) + "M"
        case 1e3...: fixed(value / 1e3, digits: 1) + "k"
        default: fixed(value, digits: 0)
        }
    }

    /// Seconds as `m:ss`.
    public static func time(_ seconds: Double) -> String {
        let whole = Int(min(max(seconds, 0), 3.6e6).rounded())
        return "\(whole / 60):" + (whole % 60 < 10 ? "0" : "") + "\(whole % 60)"
    }
}
