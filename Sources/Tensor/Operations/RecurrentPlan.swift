internal import CTensorKernels

/// How the sequences of a packed batch are dealt to threads: each slice runs through all its steps without waiting for
/// another.
///
/// A sequence's numbers do not depend on which others are in its slice, so the cut may follow the number of threads.
struct RecurrentPlan: Sendable {
    let cell: RecurrentCellKind
    let units: Int
    let offsets: [Int]
    let reversed: Bool
    /// The sequences of all slices one after the other, within a slice the longest first.
    private let order: [Int]
    private let slices: [Range<Int>]

    /// Rows below which a step's product is no longer faster a row.
    private static let leastSequences = 4

    init(cell: RecurrentCellKind, units: Int, offsets: [Int], reversed: Bool) {
        (self.cell, self.units, self.offsets, self.reversed) = (cell, units, offsets, reversed)
        let lengths = zip(offsets, offsets.dropFirst()).map { $1 - $0 }
        let sorted = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
        let least = Self.leastSequences
        let count = max(1, min(ThreadPool.threadCount, (sorted.count + least - 1) / least))
        var order: [Int] = []
        var slices: [Range<Int>] = []
        for slice in 0..<count {
            let start = order.count
            order += stride(from: slice, to: sorted.count, by: count).map { sorted[$0] }
            slices.append(start..<order.count)
        }
        (self.order, self.slices) = (order, slices)
    }

    var sequences: Int { offsets.count - 1 }
    var rows: Int { offsets.last ?? 0 }

    /// Runs a kernel over every slice. `problem` holds what all slices share.
    func run<Scalar: TensorFloatingPoint>(
        _ kernel: (mml_type, UnsafePointer<mml_recurrent>?, UnsafeMutableRawPointer?) -> Void,
        on problem: mml_recurrent, _: Scalar.Type
    ) {
        let type = Scalar.kernelType
        var shared = problem
        shared.cell = cell.kernel
        shared.reversed = reversed ? 1 : 0
        shared.units = units
        let perSequence = mml_recurrent_scratch(type, shared.cell, 1, units)
        let scratch = Tensor<Scalar>(uninitialized: [sequences * perSequence])
        offsets.withUnsafeBufferPointer { offsets in
            order.withUnsafeBufferPointer { order in
                shared.offsets = offsets.baseAddress
                parallel(slices.count) { [shared] index in
                    let slice = slices[index]
                    guard !slice.isEmpty, let first = order.baseAddress else { return }
                    var part = shared
                    part.sequences = slice.count
                    part.order = first + slice.lowerBound
                    kernel(type, &part, scratch.pointer + slice.lowerBound * perSequence)
                }
            }
        }
    }
}
