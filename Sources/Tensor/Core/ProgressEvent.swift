/// What a long computation reports while it runs: where it is, how it is doing, how long it will take.
///
/// ```swift
/// let classifier = try TextClassifier.fineTune(bert, on: train) { event in
///     bar.update(event)
///     return .continue
/// }
/// ```
public struct ProgressEvent: Sendable, Equatable {
    /// The part of the work that is running.
    public enum Phase: Sendable, Hashable {
        /// Reading files, tokenizing, encoding: before any fitting.
        case loading
        /// Fitting; epochs count from 1.
        case training(epoch: Int, of: Int)
        /// Judging on validation data between epochs.
        case validation
        /// Judging on test data.
        case evaluating
        /// Writing a model or a checkpoint.
        case saving
        /// Anything else, in words.
        case other(String)
    }

    /// The part of the work that is running.
    public var phase: Phase
    /// How many steps of `total` are done.
    public var step: Int
    /// How many steps there are in all; 0 when that is not known.
    public var total: Int
    /// The training loss at this step.
    public var loss: Double?
    /// The speed, in `rateUnit` a second.
    public var rate: Double?
    /// What `rate` counts: tokens, rows, interactions.
    public var rateUnit: String
    /// An estimate of the seconds until `total` is reached.
    public var secondsLeft: Double?
    /// Something to tell the user: a warning, or why the work stopped.
    public var message: String?

    /// Creates an event from the parts that are known.
    public init(
        phase: Phase, step: Int = 0, total: Int = 0, loss: Double? = nil, rate: Double? = nil,
        rateUnit: String = "tokens", secondsLeft: Double? = nil, message: String? = nil
    ) {
        self.phase = phase
        self.step = step
        self.total = total
        self.loss = loss
        self.rate = rate
        self.rateUnit = rateUnit
        self.secondsLeft = secondsLeft
        self.message = message
    }
}

extension ProgressEvent.Phase: CustomStringConvertible {
    /// The phase in words, as a progress bar shows it.
    public var description: String {
        switch self {
        case .loading: "loading"
        case .training(let epoch, let epochs): "epoch \(epoch)/\(epochs)"
        case .validation: "validating"
        case .evaluating: "evaluating"
        case .saving: "saving"
        case .other(let words): words
        }
    }
}

/// What the receiver of a `ProgressEvent` wants to happen next.
public enum ProgressResponse: Sendable {
    /// Go on.
    case `continue`
    /// Stop here; the computation returns what it has so far. (Cancelling its task throws `CancellationError`.)
    case stop
}

/// Receives the events of a long computation, on the thread that computes, and answers whether to go on.
public typealias ProgressHandler = (ProgressEvent) -> ProgressResponse
