import Synchronization
import Tensor

/// The features of a fold's training and test rows. What is learnt from data on the way (an encoder's statistics) is learnt
/// from the training rows alone.
typealias FoldFeatures = (Fold) throws -> (train: Features, test: Features)

/// Runs every candidate on every fold, side by side on the pool.
struct FoldRunner {
    let folds: Folds
    let features: FoldFeatures
    let progress: ProgressHandler?

    /// What came out.
    struct Outcome<Output> {
        /// Of each fold that every candidate finished, in order: its outputs by candidate.
        var folds: [(fold: Fold, outputs: [Output])]
        /// False if the progress handler stopped it before the last fold.
        var isComplete: Bool
    }

    /// Calls `fit` for each candidate and fold. A fold's features are made once, for all candidates, and dropped when
    /// the last of them is done with them.
    ///
    /// - Throws: The error of the first candidate and fold, in that order, that failed; `CancellationError` when the task is
    ///   cancelled, or when the handler stops before one fold is done.
    func run<Output: Sendable>(
        candidates: Int,
        fit: (
            _ candidate: Int, _ fold: Fold, _ train: Features, _ test: Features, @escaping ProgressHandler
        ) throws -> Output
    ) throws -> Outcome<Output> {
        let total = candidates * folds.count
        let state = Mutex(State<Output>(folds: folds.count, candidates: candidates))
        // The pool's threads belong to no task: the calling thread alone sees the cancellation and tells the others.
        let keepsGoing: ProgressHandler = { _ in
            let isCancelled = Task.isCancelled
            return state.withLock { state in
                if isCancelled { state.isCancelled = true }
                return state.isOver ? .stop : .continue
            }
        }
        parallel(total) { task in
            guard keepsGoing(ProgressEvent(phase: .loading)) == .continue else { return }
            let (fold, candidate) = task.quotientAndRemainder(dividingBy: candidates)
            let result = Result {
                let part = try prepared(fold, state)
                return try fit(candidate, folds.folds[fold], part.train, part.test, keepsGoing)
            }
            state.withLock { state in
                state.remaining[fold] -= 1
                if state.remaining[fold] == 0 { state.features[fold] = nil }
                switch result {
                case .success(let output):
                    // A fit that was told to stop has ended too early to be judged.
                    if state.isOver { return }
                    state.outputs[fold][candidate] = output
                    state.done += 1
                    let event = ProgressEvent(
                        phase: .other("cross-validating"), step: state.done, total: total)
                    if progress?(event) == .stop { state.isStopped = true }
                case .failure(let error):
                    if let failure = state.failure, failure.task < task { return }
                    state.failure = (task, error)
                }
            }
        }
        let end = state.withLock { $0 }
        if let failure = end.failure, !(failure.error is CancellationError) { throw failure.error }
        if end.isCancelled || end.failure != nil { throw CancellationError() }
        let finished = folds.folds.indices.compactMap { fold -> (fold: Fold, outputs: [Output])? in
            let outputs = end.outputs[fold].compactMap { $0 }
            return outputs.count == candidates ? (folds.folds[fold], outputs) : nil
        }
        guard !finished.isEmpty else { throw CancellationError() }
        return Outcome(folds: finished, isComplete: finished.count == folds.count)
    }

    private func prepared<Output: Sendable>(
        _ fold: Int, _ state: borrowing Mutex<State<Output>>
    ) throws -> (train: Features, test: Features) {
        // Held while it is made: the other candidates of this fold need it as well.
        try state.withLock { state in
            if let ready = state.features[fold] { return ready }
            let made = try features(folds.folds[fold])
            state.features[fold] = made
            return made
        }
    }

    private struct State<Output: Sendable>: Sendable {
        var features: [(train: Features, test: Features)?]
        var remaining: [Int]
        var outputs: [[Output?]]
        var done = 0
        var failure: (task: Int, error: any Error)?
        var isStopped = false
        var isCancelled = false

        init(folds: Int, candidates: Int) {
            features = [(train: Features, test: Features)?](repeating: nil, count: folds)
            remaining = [Int](repeating: candidates, count: folds)
            outputs = [[Output?]](repeating: [Output?](repeating: nil, count: candidates), count: folds)
        }

        var isOver: Bool { isStopped || isCancelled || failure != nil }
    }
}
