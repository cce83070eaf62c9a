/// Turns a run's steps into progress events: rate and time left from what was done since it began.
struct ProgressMeter {
    private let total: Int
    private let totalTokens: Int
    private let handler: ProgressHandler?
    private let firstStep: Int
    private let start = ContinuousClock.now
    private var tokens = 0

    init(total: Int, totalTokens: Int, firstStep: Int, handler: ProgressHandler?) {
        self.total = total
        self.totalTokens = totalTokens
        self.firstStep = firstStep
        self.handler = handler
    }

    /// C compiles without optimisation in debug builds, which makes the kernels some 30 times slower.
    func warnAboutSlowBuild() throws {
        guard !ThreadPool.kernelsAreOptimized else { return }
        _ = handler?(
            ProgressEvent(
                phase: .loading, step: 0, total: total,
                message:
                    "built without optimisation: training is some 30 times slower than in a release build"))
    }

    mutating func trained(epoch: Int, of epochs: Int, loss: Double, tokens: Int, step: Int)
        -> ProgressResponse
    {
        self.tokens += tokens
        guard let handler else { return .continue }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let done = max(1, step - firstStep)
        return handler(
            ProgressEvent(
                phase: .training(epoch: epoch + 1, of: epochs), step: step, total: total, loss: loss,
                rate: seconds > 0 ? Double(self.tokens) / seconds : nil, rateUnit: "tokens",
                secondsLeft: seconds / Double(done) * Double(total - step)))
    }

    func validated(loss: Double, step: Int) -> ProgressResponse {
        handler?(ProgressEvent(phase: .validation, step: step, total: total, loss: loss)) ?? .continue
    }
}
