import MarketingML

/// Shows a long computation's progress on standard error: one line drawn again and again on a terminal, a line every
/// tenth of the way elsewhere.
///
/// ```swift
/// let bar = ProgressBar()
/// let classifier = try TextClassifier.fineTune(bert, on: train) { bar.update($0) }
/// bar.finish()
/// ```
public final class ProgressBar {
    private let redraws: Bool
    private let output: (String) -> Void
    private let clock = ContinuousClock()
    private var drawn: ContinuousClock.Instant?
    private var lastPhase: ProgressEvent.Phase?
    private var lastTenth = -1
    private var hasOpenLine = false

    /// Draws on standard error unless told otherwise.
    public init(redraws: Bool = Terminal.canRedraw, output: @escaping (String) -> Void = Terminal.write) {
        self.redraws = redraws
        self.output = output
    }

    /// Shows an event; always answers to go on.
    @discardableResult
    public func update(_ event: ProgressEvent) -> ProgressResponse {
        if let message = event.message {
            finish()
            output(message + "\n")
        }
        let isLast = event.total > 0 && event.step >= event.total
        if redraws {
            let now = clock.now
            let isDue = drawn.map { now - $0 >= .milliseconds(100) } ?? true
            if isDue || isLast || event.phase != lastPhase {
                output("\r\u{1B}[K" + line(event))
                drawn = now
                hasOpenLine = true
            }
        } else {
            let tenth = event.total > 0 ? 10 * event.step / event.total : 0
            if tenth > lastTenth || (event.phase != lastPhase && !event.phase.isTraining) {
                output(line(event) + "\n")
                lastTenth = tenth
            }
        }
        lastPhase = event.phase
        return .continue
    }

    /// Ends the line, so that other output begins on a new one.
    public func finish() {
        if hasOpenLine { output("\n") }
        hasOpenLine = false
    }

    private func line(_ event: ProgressEvent) -> String {
        var parts = ["\(event.phase)"]
        if event.total > 0 {
            let width = 24
            let filled = min(width, max(0, width * event.step / event.total))
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
            parts.append("\(bar) \(event.step)/\(event.total)")
        }
        if let loss = event.loss { parts.append("loss " + Figures.fixed(loss, digits: 4)) }
        if let rate = event.rate { parts.append("\(Figures.short(rate)) \(event.rateUnit)/s") }
        if let seconds = event.secondsLeft, seconds.isFinite { parts.append(Figures.time(seconds) + " left") }
        return parts.joined(separator: "  ")
    }
}

extension ProgressEvent.Phase {
    fileprivate var isTraining: Bool {
        if case .training = self { true } else { false }
    }
}
