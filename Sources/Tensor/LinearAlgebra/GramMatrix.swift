internal import CTensorKernels

/// Rows of numbers that a pass reads block by block, without a copy of all.
package protocol RowSource<Scalar>: Sendable {
    /// The type in which products are formed.
    associatedtype Scalar: TensorFloatingPoint
    /// Number of rows.
    var rowCount: Int { get }
    /// Number of columns.
    var columnCount: Int { get }
    /// Calls `body` with the rows of a range and the distance between them.
    func withRows(_ range: Range<Int>, _ body: (UnsafePointer<Scalar>, _ stride: Int) -> Void)
}

extension Tensor: RowSource where Scalar: TensorFloatingPoint {
    package func withRows(_ range: Range<Int>, _ body: (UnsafePointer<Scalar>, _ stride: Int) -> Void) {
        body(pointer + range.lowerBound * columnCount, columnCount)
    }
}

/// The sums Σ w z zᵀ over all rows z = (x − shift, e) of a matrix with further columns, on the pool: [width, width].
///
/// How the work is cut depends on the shape alone, so the result is the same bits for every number of threads.
///
/// - Parameters:
///   - shift: What is taken from each column; nil takes nothing.
///   - weights: How much each row counts, at least 0; nil counts each once.
///   - extra: The number of further columns.
///   - fillExtra: Writes the further columns of a range of rows, row by row without gaps.
/// - Complexity: O(N width²) and, beside the sums, 16 MB at most.
package func gramMatrix<Rows: RowSource>(
    _ rows: Rows, shift: [Rows.Scalar]? = nil, weights: [Double]? = nil, extra: Int = 0,
    fillExtra: (Range<Int>, UnsafeMutablePointer<Rows.Scalar>) -> Void = { _, _ in }
) -> [Double] {
    let width = rows.columnCount + extra
    return width <= 256
        ? gramByRows(rows, shift, weights, extra, fillExtra)
        : gramByPanels(rows, shift, weights, extra, fillExtra)
}

/// Few columns: each task sums a range of rows.
private func gramByRows<Rows: RowSource>(
    _ rows: Rows, _ shift: [Rows.Scalar]?, _ weights: [Double]?, _ extra: Int,
    _ fillExtra: (Range<Int>, UnsafeMutablePointer<Rows.Scalar>) -> Void
) -> [Double] {
    let block = GramAccumulator<Rows.Scalar>.blockRows
    let grain = max(2048, (rows.rowCount + 31) / 32 + block - 1) / block * block
    let tasks = max(1, (rows.rowCount + grain - 1) / grain)
    let parts = (0..<tasks).map { _ in
        GramAccumulator<Rows.Scalar>(columns: rows.columnCount, extra: extra)
    }
    parallelRanges(rows.rowCount, grain: grain) { range in
        let part = parts[range.lowerBound / grain]
        var further = [Rows.Scalar](repeating: 0, count: block * extra)
        for start in stride(from: range.lowerBound, to: range.upperBound, by: block) {
            let range = start..<min(range.upperBound, start + block)
            further.withUnsafeMutableBufferPointer { further in
                if let further = further.baseAddress { fillExtra(range, further) }
                rows.withRows(range) { pointer, stride in
                    withOptionalPointers(shift, weights) { shift, weights in
                        part.add(
                            pointer, count: range.count, stride: stride, shift: shift,
                            weights: weights.map { $0 + start }, extra: UnsafePointer(further.baseAddress))
                    }
                }
            }
        }
    }
    for part in parts.dropFirst() { parts[0].add(part) }
    parts[0].mirror()
    return parts[0].sums
}

/// Many columns: the threads share one set of sums. Some blocks of rows are packed, then each task adds them all to the sums
/// of a few columns, which so stay in the second-level cache.
private func gramByPanels<Rows: RowSource>(
    _ rows: Rows, _ shift: [Rows.Scalar]?, _ weights: [Double]?, _ extra: Int,
    _ fillExtra: (Range<Int>, UnsafeMutablePointer<Rows.Scalar>) -> Void
) -> [Double] {
    let type = Rows.Scalar.kernelType
    let width = rows.columnCount + extra
    let block = GramAccumulator<Rows.Scalar>.blockRows
    let padded = GramPanels<Rows.Scalar>.paddedWidth(width)
    let panels = GramPanels<Rows.Scalar>.count(width)
    let blocks = 4
    var sums = [Double](repeating: 0, count: width * width)
    let packed = Tensor<Rows.Scalar>.zeros([blocks, block * padded])
    let further = Tensor<Rows.Scalar>.zeros([blocks, block * extra])
    sums.withUnsafeMutableBufferPointer { sums in
        guard let sums = sums.baseAddress else { return }
        nonisolated(unsafe) let target = sums
        for start in stride(from: 0, to: rows.rowCount, by: blocks * block) {
            let ranges = (0..<blocks).map { index in
                min(rows.rowCount, start + index * block)..<min(rows.rowCount, start + (index + 1) * block)
            }
            parallel(blocks) { index in
                let range = ranges[index]
                let place = packed.pointer + index * block * padded
                let own = further.pointer + index * block * extra
                let scale = weights.map { weights in
                    range.map { Rows.Scalar(weights[$0].squareRoot()) }
                }
                fillExtra(range, own)
                rows.withRows(range) { pointer, stride in
                    withOptionalPointers(shift, scale) { shift, scale in
                        mml_gram_pack(
                            type, range.count, rows.columnCount, pointer, stride, shift, scale, 0, place)
                        mml_gram_pack(
                            type, range.count, extra, own, extra, nil, scale, rows.columnCount, place)
                    }
                }
            }
            parallel(panels) { task in
                // The last panels have the most work.
                let panel = panels - 1 - task
                for (index, range) in ranges.enumerated() {
                    mml_gram_add(
                        type, range.count, width, panel, panel + 1, packed.pointer + index * block * padded,
                        target, width)
                }
            }
        }
    }
    withExtendedLifetime((packed, further)) {}
    sums.mirrorUpper(order: width)
    return sums
}

private func withOptionalPointers<A, B>(
    _ a: [A]?, _ b: [B]?, _ body: (UnsafePointer<A>?, UnsafePointer<B>?) -> Void
) {
    func second(_ a: UnsafePointer<A>?) {
        guard let b else { return body(a, nil) }
        b.withUnsafeBufferPointer { body(a, $0.baseAddress) }
    }
    guard let a else { return second(nil) }
    a.withUnsafeBufferPointer { second($0.baseAddress) }
}
