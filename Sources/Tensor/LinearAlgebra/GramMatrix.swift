internal import CTensorKernels

/// The sums Σ w z zᵀ over all rows z = (x − shift, e) of a matrix with further columns, on the pool: [width, width].
///
/// How the work is cut depends on the shape alone, so the result is the same bits for every number of threads. NaN or
/// infinity in a column shows on its diagonal element.
///
/// - Parameters:
///   - shift: What is taken from each column; nil takes nothing.
///   - weights: How much each row counts, at least 0; nil counts each once.
///   - extra: The number of further columns.
///   - fillExtra: Writes the further columns of a range of rows, row by row without gaps. Called on several threads.
/// - Complexity: O(N width²) and, beside the sums, 16 MB at most.
package func gramMatrix<Rows: RowSource>(
    _ rows: Rows, shift: [Rows.Scalar]? = nil, weights: [Double]? = nil, extra: Int = 0,
    fillExtra: (Range<Int>, UnsafeMutablePointer<Rows.Scalar>) -> Void = { _, _ in }
) -> [Double] {
    withoutActuallyEscaping(fillExtra) { fillExtra in
        let pass = GramPass(rows: rows, shift: shift, weights: weights, extra: extra, fillExtra: fillExtra)
        return pass.width <= 256 ? pass.sumByRows() : pass.sumByPanels()
    }
}

private struct GramPass<Rows: RowSource> {
    typealias Scalar = Rows.Scalar
    let rows: Rows
    let shift: [Scalar]?
    let weights: [Double]?
    let extra: Int
    let fillExtra: (Range<Int>, UnsafeMutablePointer<Scalar>) -> Void

    var width: Int { rows.columnCount + extra }
    private var block: Int { GramAccumulator<Scalar>.blockRows }

    /// Few columns: each task sums a range of rows.
    func sumByRows() -> [Double] {
        let grain = max(2048, (rows.rowCount + 31) / 32 + block - 1) / block * block
        let parts = (0..<max(1, (rows.rowCount + grain - 1) / grain)).map { _ in
            GramAccumulator<Scalar>(columns: rows.columnCount, extra: extra)
        }
        parallelRanges(rows.rowCount, grain: grain) { range in
            let part = parts[range.lowerBound / grain]
            withFurtherColumns { further in
                for start in stride(from: range.lowerBound, to: range.upperBound, by: block) {
                    withBlock(start..<min(range.upperBound, start + block), further) {
                        part.add($0, count: $1, stride: $2, shift: $3, weights: $4, extra: $5)
                    }
                }
            }
        }
        for part in parts.dropFirst() { parts[0].add(part) }
        parts[0].mirror()
        return parts[0].sums
    }

    /// Many columns: the threads share one set of sums. Some blocks of rows are packed, then each task adds them all to the
    /// sums of a few columns, which so stay in the second-level cache. The sums of a panel of columns stand together, which
    /// makes that 1.15 times as fast as rows of `width` sums.
    func sumByPanels() -> [Double] {
        let panels = GramPanels<Scalar>.count(width)
        let panelWidth = mml_gram_panel(Scalar.kernelType, 0)
        /// Where the sums of a panel begin: those before it have one square of sums, two, three …
        func start(of panel: Int) -> Int { panelWidth * panelWidth * (panel * (panel + 1) / 2) }
        let blocks = 8
        let packed = GramPanels<Scalar>.allocate(width: width, blocks: blocks)
        defer { packed.deallocate() }
        let blockBytes = GramPanels<Scalar>.blockSize(width: width) * MemoryLayout<Scalar>.stride
        var sums = [Double](repeating: 0, count: start(of: panels))
        sums.withUnsafeMutableBufferPointer { sums in
            guard let target = sums.baseAddress else { return }
            for first in stride(from: 0, to: rows.rowCount, by: blocks * block) {
                let ranges = (0..<blocks).map { index in
                    let lower = min(rows.rowCount, first + index * block)
                    return lower..<min(rows.rowCount, lower + block)
                }
                parallel(blocks) { index in
                    withFurtherColumns { further in
                        withBlock(ranges[index], further) {
                            GramPanels.pack(
                                $0, count: $1, stride: $2, columns: rows.columnCount, shift: $3, weights: $4,
                                extra: $5, width: width, into: packed + index * blockBytes)
                        }
                    }
                }
                parallel(panels) { task in
                    // The last panels have the most work.
                    let panel = panels - 1 - task
                    for (index, range) in ranges.enumerated() {
                        mml_gram_add(
                            Scalar.kernelType, range.count, width, panel, panel + 1,
                            packed + index * blockBytes, target + start(of: panel) - panel * panelWidth,
                            panelWidth)
                    }
                }
            }
        }
        return [Double](unsafeUninitializedCapacity: width * width) { matrix, count in
            for row in 0..<width {
                for column in 0..<width {
                    let (low, high) = (min(row, column), max(row, column))
                    let panel = high / panelWidth
                    matrix[row * width + column] =
                        sums[start(of: panel) + low * panelWidth + high - panel * panelWidth]
                }
            }
            count = width * width
        }
    }

    private func withFurtherColumns(_ body: (UnsafeMutablePointer<Scalar>?) -> Void) {
        guard extra > 0 else { return body(nil) }
        let further = UnsafeMutablePointer<Scalar>.allocate(capacity: block * extra)
        defer { further.deallocate() }
        body(further)
    }

    /// Calls `body` with what an accumulator takes for a block of rows.
    private func withBlock(
        _ range: Range<Int>, _ further: UnsafeMutablePointer<Scalar>?,
        _ body: (
            UnsafePointer<Scalar>, _ count: Int, _ stride: Int, _ shift: UnsafePointer<Scalar>?,
            _ weights: UnsafePointer<Double>?, _ extra: UnsafePointer<Scalar>?
        ) -> Void
    ) {
        if let further { fillExtra(range, further) }
        rows.withRows(range) { pointer, stride in
            withOptionalBuffer(shift) { shift in
                withOptionalBuffer(weights) { weights in
                    body(
                        pointer, range.count, stride, shift, weights.map { $0 + range.lowerBound },
                        UnsafePointer(further))
                }
            }
        }
    }
}
