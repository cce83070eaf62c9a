import Foundation

/// A file that a run's history is written to after every epoch.
public enum TrainingLog: Sendable {
    /// A CSV file with a row an epoch, replaced each time.
    case csv(URL)
    /// A directory for TensorBoard: an event file with the loss of every update and the figures of every epoch.
    case tensorBoard(URL)

    /// What writes the history so far.
    ///
    /// - Throws: `.inputOutput` when the file cannot be made.
    func writer() throws -> (TrainingHistory) throws -> Void {
        switch self {
        case .csv(let url): return { try AtomicFile.write(Array($0.csv.utf8), to: url.path) }
        case .tensorBoard(let directory):
            let events = try TensorBoardEvents(directory: directory)
            return { try events.append($0) }
        }
    }
}

extension TrainingHistory {
    /// The epochs as a CSV table: `epoch,loss,accuracy,val_loss,val_accuracy,learning_rate`, epochs from 1.
    public var csv: String {
        let names = epochs.first.map { $0.figures.map(\.name) } ?? []
        var lines = [(["epoch"] + names).joined(separator: ",")]
        for (index, epoch) in epochs.enumerated() {
            let figures = Dictionary(epoch.figures.map { ($0.name, $0.value) }) { first, _ in first }
            lines.append(
                (["\(index + 1)"] + names.map { figures[$0].map { "\($0)" } ?? "" }).joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension TrainingHistory.Epoch {
    /// All its figures, named as Keras does, in a fixed order.
    var figures: [(name: String, value: Double)] {
        func named(_ metrics: [Scoring: Double], _ prefix: String) -> [(name: String, value: Double)] {
            metrics.map { ("\(prefix)\($0.key)", $0.value) }.sorted { $0.0 < $1.0 }
        }
        return [("loss", loss)] + named(metrics, "")
            + (validationLoss.map { [("val_loss", $0)] } ?? []) + named(validationMetrics, "val_")
            + (learningRate.map { [("learning_rate", $0)] } ?? [])
    }
}
