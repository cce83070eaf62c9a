internal import CTensorKernels
import Synchronization

/// A table, its decayed means and its mean squares under Adam or AdamW, where each row takes its steps when it is next needed.
///
/// A step moves every row, also those without a gradient, by what is left of their mean. Those steps are noted, and taken in
/// the same order with the same operations before a row is read: by a lookup the rows that it reads, by anything else (another
/// operation, saving, a copy) all rows. So the numbers are those of the plain update to the bit, and a training step touches a
/// few thousand rows in the cache rather than a whole vocabulary in memory.
final class AdamRows<Scalar: TensorFloatingPoint>: Sendable {
    private struct Progress {
        var steps: [mml_adamw_step] = []
        /// How many of `steps` each row has taken.
        var done: [Int32]
    }

    /// The table, means and squares. Written under the lock of `progress`, rows that were not up to date alone.
    private let tensors: [Tensor<Scalar>]
    private let progress: Mutex<Progress>

    /// Steps that are noted at most; then all rows take them.
    private static var longestWait: Int { 1024 }

    private init(_ tensors: [Tensor<Scalar>]) {
        self.tensors = tensors
        progress = Mutex(Progress(done: Array(repeating: 0, count: tensors[0].shape[0])))
    }

    /// The one that `table` and its `moments` are in already, if nobody else refers to them; else a new one, of copies of what
    /// others refer to.
    static func owning(_ table: inout Tensor<Scalar>, _ moments: inout [Tensor<Scalar>]) -> AdamRows {
        table.node = nil
        var areUnique = isKnownUniquelyReferenced(&table.storage)
        for index in moments.indices where !isKnownUniquelyReferenced(&moments[index].storage) {
            areUnique = false
        }
        let found = ([table] + moments).map { $0.storage.late as? Part }
        if areUnique, let first = found[0], found.allSatisfy({ $0?.rows === first.rows }) {
            for tensor in [table] + moments { tensor.storage.postpone() }
            return first.rows
        }
        adopt(&table)
        for index in moments.indices { adopt(&moments[index]) }
        let rows = AdamRows([table] + moments)
        table.storage = Storage(late: Part(rows: rows, index: 0), count: table.count)
        for index in moments.indices {
            moments[index].storage = Storage(
                late: Part(rows: rows, index: index + 1), count: moments[index].count)
        }
        return rows
    }

    private static func adopt(_ tensor: inout Tensor<Scalar>) {
        if tensor.storage.late == nil {
            tensor.makeUnique(lasting: true)
        } else {
            // Taken over, it would keep the other tensors alive that it was updated with.
            let copy = Tensor<Scalar>(uninitialized: tensor.shape, lasting: true)
            copy.pointer.initialize(from: tensor.pointer, count: tensor.count)
            tensor = copy
        }
    }

    /// One step, of which only the gradient's rows are taken now.
    func step(_ settings: mml_adamw_step, _ gradient: RowGradient<Scalar>) {
        progress.withLock { progress in
            progress.steps.append(settings)
            let done = gradient.ids.map { progress.done[Int($0)] }
            take(
                gradient.ids, done, progress.steps, last: progress.steps.count - 1, gradient.rows)
            for id in gradient.ids { progress.done[Int(id)] = Int32(progress.steps.count) }
            if progress.steps.count >= Self.longestWait { takeAll(&progress) }
        }
    }

    /// Brings these rows up to date.
    fileprivate func catchUp(_ rows: [Int32]) {
        progress.withLock { progress in
            let last = Int32(progress.steps.count)
            var late: [Int32] = []
            var done: [Int32] = []
            for row in rows where progress.done[Int(row)] < last {
                late.append(row)
                done.append(progress.done[Int(row)])
                progress.done[Int(row)] = last
            }
            take(late, done, progress.steps, last: Int(last), nil)
        }
    }

    /// Brings all rows up to date.
    fileprivate func catchUp() {
        progress.withLock { takeAll(&$0) }
    }

    private func takeAll(_ progress: inout Progress) {
        guard !progress.steps.isEmpty else { return }
        let rows = (0..<progress.done.count).map { Int32(clamping: $0) }
        take(rows, progress.done, progress.steps, last: progress.steps.count, nil)
        progress = Progress(done: Array(repeating: 0, count: progress.done.count))
    }

    private func take(
        _ rows: [Int32], _ done: [Int32], _ steps: [mml_adamw_step], last: Int, _ gradient: Tensor<Scalar>?
    ) {
        let width = tensors[0].columnCount
        let pointers = tensors.map(\.pointer)
        rows.withUnsafeBufferPointer { rows in
            done.withUnsafeBufferPointer { done in
                steps.withUnsafeBufferPointer { steps in
                    guard let rowBase = rows.baseAddress, let doneBase = done.baseAddress else { return }
                    parallelRanges(rows.count, grain: max(1, (1 << 13) / max(1, width))) { range in
                        let first = range.lowerBound
                        mml_adamw_rows(
                            Scalar.kernelType, range.count, width, rowBase + first, doneBase + first,
                            steps.baseAddress, last, gradient.map { $0.pointer + first * width },
                            pointers[0], pointers[1], pointers[2])
                    }
                }
            }
        }
    }

    /// One of the three tensors, as its owner sees it.
    private struct Part: LateElements {
        let rows: AdamRows
        let index: Int

        func whole() -> Storage<Scalar> {
            rows.catchUp()
            return rows.tensors[index].storage
        }

        func elements(ofRows ids: [Int32]) -> UnsafeMutablePointer<Scalar>? {
            rows.catchUp(ids)
            return rows.tensors[index].pointer
        }
    }
}
