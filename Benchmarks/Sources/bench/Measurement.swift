import Foundation

/// The samples of a case and what follows from them.
struct Measurement {
    /// Seconds a call.
    var runs: [Double]
    /// Figures from the median.
    var throughput: (_ median: Double) -> [String: Double] = { _ in [:] }
    /// What tells that the work was done right.
    var quality: [String: Double] = [:]

    /// Samples of `inner` calls each, after one that warms up.
    static func time(repeats: Int, inner: Int = 1, warmup: Int = 1, _ body: () throws -> Void) rethrows
        -> [Double]
    {
        for _ in 0..<warmup { try body() }
        let clock = ContinuousClock()
        return try (0..<max(1, repeats)).map { _ in
            let elapsed = try clock.measure { for _ in 0..<inner { try body() } }
            return elapsed / .seconds(1) / Double(inner)
        }
    }

    /// Calls that fill about 0.3 s, from one measured call.
    static func innerCount(_ body: () throws -> Void) rethrows -> Int {
        let seconds = try time(repeats: 1, warmup: 1, body)[0]
        return max(1, min(2000, Int(0.3 / max(1e-6, seconds))))
    }

    private struct Line: Encodable {
        var `case`: String
        var peer = "marketingml"
        var seconds_median: Double
        var runs: [Double]
        var throughput: [String: Double]
        var quality: [String: Double]
        var peak_rss_mb: Double
        var threads: Int
    }

    func line(case name: String, threads: Int) throws -> String {
        let sorted = runs.sorted()
        let middle = sorted.count / 2
        let median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = Line(
            case: name, seconds_median: median, runs: runs, throughput: throughput(median), quality: quality,
            peak_rss_mb: Self.peakMegabytes, threads: threads)
        return String(decoding: try encoder.encode(line), as: UTF8.self)
    }

    /// The process' largest resident set so far, in MiB (VmHWM).
    static var peakMegabytes: Double {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }) else {
            return .nan
        }
        return (line.split(separator: " ").dropLast().last.flatMap { Double($0) } ?? .nan) / 1024
    }
}
