internal import CTensorKernels

/// What a convolution sees beyond the ends of a sequence of length L, with kernel size K and stride s.
public enum ConvolutionPadding: String, Sendable, Codable, CaseIterable {
    /// Nothing: ⌊(L - K) / s⌋ + 1 outputs, none for sequences shorter than K.
    case valid
    /// Zeros on both sides: ⌈L / s⌉ outputs.
    case same
    /// K - 1 zeros in front, so that no output sees what comes later: ⌈L / s⌉ outputs.
    case causal

    /// How many outputs a sequence has, and how many zeros stand in front of it.
    public func extent(length: Int, kernelSize: Int, stride: Int) -> (outputs: Int, zerosInFront: Int) {
        let outputs = (length + stride - 1) / stride
        switch self {
        case .valid: return (length < kernelSize ? 0 : (length - kernelSize) / stride + 1, 0)
        case .causal: return (outputs, kernelSize - 1)
        case .same: return (outputs, max(0, (outputs - 1) * stride + kernelSize - length) / 2)
        }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// A convolution along packed sequences: y[t] = Σₖ W[:, :, k] x[s t + k - zeros] + b, for each sequence alone.
    ///
    /// `self` is [Σ lengths, D]. Windows of K vectors are gathered in blocks that stay in the cache, and multiplied with
    /// the packed weight.
    ///
    /// - Parameters:
    ///   - weight: W [U, D, K], as PyTorch keeps it.
    ///   - bias: b [U].
    ///   - offsets: Where each sequence begins, and at the end the number of all rows.
    ///   - stride: s, from 1 on.
    ///   - padding: What stands beyond the ends.
    /// - Returns: The outputs, packed, and their offsets.
    /// - Complexity: O(outputs · U K D).
    public func convolved(
        _ weight: Tensor, bias: Tensor? = nil, offsets: [Int], stride: Int = 1,
        padding: ConvolutionPadding = .same
    ) -> (outputs: Tensor, offsets: [Int]) {
        precondition(
            rank == 2 && weight.rank == 3 && weight.shape[1] == shape[1] && stride >= 1
                && (bias.map { $0.shape == [weight.shape[0]] } ?? true) && offsets.first == 0
                && offsets.last == shape[0],
            "convolved needs x [rows, D] and a weight [units, D, size]: \(shape), \(weight.shape)")
        let windows = SequenceWindows(
            offsets: offsets, size: weight.shape[2], width: shape[1], stride: stride, padding: padding)
        let units = weight.shape[0]
        let result = Tensor(uninitialized: [windows.count, units])
        // Rows of a window are one behind the other: [U, K D].
        let w = weight.detached.transposedEach().viewed(as: [units, windows.columns])
        let x = detached
        let packed = w.packedTranspose(keep: false)
        windows.forEachBlock { block in
            let gathered = windows.gather(block, from: x)
            multiply(
                MatrixView(gathered.pointer, rowStride: windows.columns), rows: block.count, by: packed,
                into: result.pointer + block.lowerBound * units,
                Epilogue(bias: bias.map { UnsafePointer($0.pointer) }))
        }
        let wanted = (x: isTracked, w: weight.isTracked, b: bias?.isTracked == true)
        let taps = [units, windows.size, windows.width]
        let recorded = result.recorded(from: [self, weight] + (bias.map { [$0] } ?? [])) { gradient in
            let dy = gradient
            return [
                wanted.x ? windows.scatter(LinearGradients.input(weight: w, output: dy)) : nil,
                wanted.w
                    ? LinearGradients.weight(input: windows.gather(0..<windows.count, from: x), output: dy)
                        .viewed(as: taps).transposedEach() : nil,
                wanted.b ? LinearGradients.bias(output: dy) : nil,
            ]
        }
        return (recorded, windows.outputOffsets)
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// [U, D, K] → [U, K, D], without recording.
    fileprivate func transposedEach() -> Tensor {
        let (rows, columns) = (shape[1], shape[2])
        let result = Tensor(uninitialized: [shape[0], columns, rows])
        parallelRanges(shape[0], grain: 32) { range in
            for index in range {
                let start = index * rows * columns
                mml_transpose_rows(
                    Scalar.kernelType, rows, columns, pointer + start, result.pointer + start)
            }
        }
        return result
    }
}

/// The windows of packed sequences: rows of K vectors, zeros where there are none.
private struct SequenceWindows: Sendable {
    let offsets: [Int]
    let outputOffsets: [Int]
    let size: Int
    let width: Int
    private let stride: Int
    private let padding: ConvolutionPadding

    init(offsets: [Int], size: Int, width: Int, stride: Int, padding: ConvolutionPadding) {
        (self.offsets, self.size, self.width) = (offsets, size, width)
        (self.stride, self.padding) = (stride, padding)
        outputOffsets = zip(offsets, offsets.dropFirst()).reduce(into: [0]) { ends, pair in
            let length = pair.1 - pair.0
            ends.append(
                ends[ends.count - 1]
                    + padding.extent(length: length, kernelSize: size, stride: stride).outputs)
        }
    }

    var columns: Int { size * width }
    var count: Int { outputOffsets.last ?? 0 }

    /// About 256 KiB of windows a block.
    func forEachBlock(_ body: (Range<Int>) -> Void) {
        parallelRanges(count, grain: max(48, (1 << 16) / max(1, columns)), body)
    }

    /// Calls `body` for every window in `range` with the rows that it covers and the first place in the window that they
    /// take.
    private func forEachWindow(
        in range: Range<Int>, _ body: (_ window: Int, _ rows: Range<Int>, _ place: Int) -> Void
    ) {
        var sequence = (outputOffsets.firstIndex { $0 > range.lowerBound } ?? outputOffsets.count) - 1
        for window in range {
            while outputOffsets[sequence + 1] <= window { sequence += 1 }
            let (begin, end) = (offsets[sequence], offsets[sequence + 1])
            let zeros = padding.extent(length: end - begin, kernelSize: size, stride: stride).zerosInFront
            let first = begin + (window - outputOffsets[sequence]) * stride - zeros
            let lower = min(max(begin, first), end)
            body(window, lower..<max(lower, min(end, first + size)), lower - first)
        }
    }

    func gather<Scalar: TensorFloatingPoint>(_ range: Range<Int>, from x: Tensor<Scalar>) -> Tensor<Scalar> {
        let result = Tensor<Scalar>(uninitialized: [range.count, columns])
        forEachWindow(in: range) { window, rows, place in
            let target = result.pointer + (window - range.lowerBound) * columns
            target.update(repeating: 0, count: place * width)
            (target + place * width).update(
                from: x.pointer + rows.lowerBound * width, count: rows.count * width)
            let filled = (place + rows.count) * width
            (target + filled).update(repeating: 0, count: columns - filled)
        }
        return result
    }

    /// The sum of all windows' vectors at the rows where they came from.
    func scatter<Scalar: TensorFloatingPoint>(_ windows: Tensor<Scalar>) -> Tensor<Scalar> {
        let result = Tensor<Scalar>(uninitialized: [offsets.last ?? 0, width])
        parallel(offsets.count - 1) { sequence in
            let rows = offsets[sequence]..<offsets[sequence + 1]
            (result.pointer + rows.lowerBound * width).update(repeating: 0, count: rows.count * width)
            forEachWindow(in: outputOffsets[sequence]..<outputOffsets[sequence + 1]) { window, rows, place in
                mml_scale_add(
                    Scalar.kernelType, rows.count * width, 1,
                    windows.pointer + window * columns + place * width, 1,
                    result.pointer + rows.lowerBound * width)
            }
        }
        return result
    }
}
