import Foundation

/// Something that the caller asked to be told by the exit code.
public struct Failure: Error, CustomStringConvertible {
    /// What is wrong.
    public let description: String

    /// Creates the error.
    public init(_ description: String) { self.description = description }
}

/// Seconds between laps.
public struct Stopwatch {
    private var start = ContinuousClock.now

    /// Starts now.
    public init() {}

    /// The seconds since the start or the last lap.
    public mutating func lap() -> Double {
        let now = ContinuousClock.now
        defer { start = now }
        return (now - start) / .seconds(1)
    }
}

extension Encodable {
    /// Writes the value as JSON, sorted by key.
    public func writeJSON(to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: url, options: .atomic)
    }
}
