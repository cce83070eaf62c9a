/// Turns a run's steps into progress events: rate and time left from what was done since it began.
struct ProgressMeter {
    private let total: Int
    private let handler: ProgressHandler?
    private let firstStep: Int
    private let unit: String
    private let start = ContinuousClock.now
    private var done = 0

    init(total: Int, firstStep: Int, unit: String, handler: ProgressHandler?) {
        self.total = total
        self.firstStep = firstStep
        self.unit = unit
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

    mutating func trained(epoch: Int, of epochs: Int, loss: Double, size: Int, step: Int)
        -> ProgressResponse
    {
        done += size
        guard let handler else { return .continue }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let updates = max(1, step - firstStep)
        return handler(
            ProgressEvent(
                phase: .training(epoch: epoch + 1, of: epochs), step: step, total: total, loss: loss,
                rate: seconds > 0 ? Double(done) / seconds : nil, rateUnit: unit,
                secondsLeft: total > 0 ? seconds / Double(updates) * Double(total - step) : nil))
    }

    func validated(loss: Double, step: Int) -> ProgressResponse {
        handler?(ProgressEvent(phase: .validation, step: step, total: total, loss: loss)) ?? .continue
    }
}
