/// What happened during a training run.
public struct TrainingHistory: Sendable, Codable, Equatable {
    /// One pass over the training data.
    public struct Epoch: Sendable, Codable, Equatable {
        /// Mean loss of its updates, measured while training (with dropout).
        public var loss: Double
        /// Metrics of its predictions, measured while training (with dropout).
        public var metrics: [Scoring: Double] = [:]
        /// Loss on the validation data after the epoch, if there is any.
        public var validationLoss: Double?
        /// Metrics on the validation data after the epoch, if there is any.
        public var validationMetrics: [Scoring: Double] = [:]
        /// The learning rate of its last update.
        public var learningRate: Double?

        /// Accuracy on the validation data after the epoch, if it was measured.
        public var validationAccuracy: Double? { validationMetrics[.accuracy] }
    }

    /// Why a run ended.
    public enum End: String, Sendable, Codable {
        /// All epochs are done.
        case completed
        /// The validation loss did not improve any more.
        case stoppedEarly
        /// The progress handler said stop.
        case stoppedByHandler
    }

    /// The loss of every update, in order.
    public var losses: [Double] = []
    /// The epochs, in order.
    public var epochs: [Epoch] = []
    /// The epoch (from 0) whose weights were kept; nil when the last weights were.
    public var bestEpoch: Int?
    /// Why the run ended.
    public var end = End.completed
}

extension TrainingHistory.Epoch {
    /// Reads histories from before there were metrics, too.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        loss = try container.decode(Double.self, forKey: .loss)
        validationLoss = try container.decodeIfPresent(Double.self, forKey: .validationLoss)
        learningRate = try container.decodeIfPresent(Double.self, forKey: .learningRate)
        metrics = try container.decodeIfPresent([Scoring: Double].self, forKey: .metrics) ?? [:]
        validationMetrics =
            try container.decodeIfPresent([Scoring: Double].self, forKey: .validationMetrics) ?? [:]
    }
}
