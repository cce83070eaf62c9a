import Tensor

/// A recurrent layer over the words in both directions, and the mean of its outputs: [N, L, D] → [N, 2 units].
struct RecurrentPooling: LayerRecipe {
    var cell: RecurrentCell
    var units: Int

    func makeLayer<Scalar: TensorFloatingPoint>(
        for input: LayerShape, weights: inout WeightSource
    ) throws -> any Layer<Scalar> {
        let width = try input.sequenceWidth()
        try requireOption((1...1 << 20).contains(units), "units", "from 1 to 1048576", units)
        let rows = cell.gateCount * units
        func direction() throws -> RecurrentPoolingLayer<Scalar>.Direction {
            .init(
                input: try weights.next(.glorotUniform, shape: [rows, width]),
                recurrent: try weights.next(.orthogonal(), shape: [rows, units]),
                bias: try weights.next(.zeros, shape: [rows]))
        }
        return RecurrentPoolingLayer<Scalar>(
            cell: cell, forward: try direction(), backward: try direction())
    }
}

/// The layer of a ``RecurrentPooling``.
struct RecurrentPoolingLayer<Scalar: TensorFloatingPoint>: Layer {
    /// The weights of one direction, their gates stacked in the cell's order.
    struct Direction: Sendable {
        /// [gates · units, D].
        var input: Tensor<Scalar>
        /// [gates · units, units].
        var recurrent: Tensor<Scalar>
        /// [gates · units].
        var bias: Tensor<Scalar>

        mutating func forEachParameter(
            _ prefix: String, _ body: (String, inout Tensor<Scalar>) throws -> Void
        ) rethrows {
            try body(prefix + ".weight_ih", &input)
            try body(prefix + ".weight_hh", &recurrent)
            try body(prefix + ".bias", &bias)
        }
    }

    let cell: RecurrentCell
    var forward: Direction
    var backward: Direction

    func outputShape(for input: LayerShape) throws -> LayerShape {
        guard try input.sequenceWidth() == forward.input.columnCount else {
            throw input.mismatch("sequences of vectors of \(forward.input.columnCount) elements")
        }
        return .vector(width: 2 * forward.recurrent.columnCount)
    }

    func callAsFunction(
        _ input: LayerValue<Scalar>, dropout: inout DropoutStreams?
    ) -> LayerValue<Scalar> {
        let sequences = input.sequences
        func pooled(_ direction: Direction, reversed: Bool) -> Tensor<Scalar> {
            let weights = RecurrentWeights(
                input: direction.input, recurrent: direction.recurrent, inputBias: direction.bias)
            let (outputs, state) = sequences.vectors.recurrent(
                cell, weights, offsets: sequences.offsets, reversed: reversed)
            return outputs?.meanPooled(offsets: sequences.offsets) ?? state.hidden
        }
        return .rows(.sideBySide([pooled(forward, reversed: false), pooled(backward, reversed: true)]))
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try forward.forEachParameter("forward", body)
        try backward.forEachParameter("backward", body)
    }
}

/// Convolutions of several widths side by side with ReLU, and the mean of their outputs: [N, L, D] → [N, widths · filters].
///
/// Steps outside of a text count as zeros. Kim, EMNLP 2014, arXiv:1408.5882.
struct ConvolutionBank: LayerRecipe {
    var filters: Int
    var widths: [Int]

    func makeLayer<Scalar: TensorFloatingPoint>(
        for input: LayerShape, weights: inout WeightSource
    ) throws -> any Layer<Scalar> {
        let size = try input.sequenceWidth()
        try requireOption((1...1 << 20).contains(filters), "filters", "from 1 to 1048576", filters)
        try requireOption(
            !widths.isEmpty && widths.count <= 16 && widths.allSatisfy { (1...64).contains($0) }, "widths",
            "1 to 16 widths from 1 to 64", widths)
        let branches = try widths.map { width in
            ConvolutionBankLayer<Scalar>.Branch(
                kernels: try (0..<width).map { _ in
                    try weights.next(
                        .glorotUniform, shape: [filters, size], fans: (width * size, width * filters))
                }, bias: try weights.next(.zeros, shape: [filters]))
        }
        return ConvolutionBankLayer(branches: branches)
    }
}

/// The layer of a ``ConvolutionBank``.
struct ConvolutionBankLayer<Scalar: TensorFloatingPoint>: Layer {
    /// A convolution.
    struct Branch: Sendable {
        /// For each place in the window [filters, D].
        var kernels: [Tensor<Scalar>]
        /// [filters].
        var bias: Tensor<Scalar>

        /// [Σ lengths, D] → [Σ lengths, filters].
        func callAsFunction(_ x: Tensor<Scalar>, offsets: [Int]) -> Tensor<Scalar> {
            let rowCount = x.rowCount
            let zero = Tensor<Scalar>.zeros([1, bias.count])
            let parts = kernels.enumerated().map { place, kernel in
                let shift = place - (kernels.count - 1) / 2
                var ids: [Int32] = []
                ids.reserveCapacity(rowCount)
                for (first, end) in zip(offsets, offsets.dropFirst()) {
                    for row in first..<end {
                        let source = row + shift
                        ids.append(Int32(clamping: first <= source && source < end ? source : rowCount))
                    }
                }
                return (table: Tensor.concatenated([x.linear(kernel), zero]), ids: ids)
            }
            return (Tensor.gatheredSum(parts) + bias).activated(by: .relu)
        }
    }

    var branches: [Branch]

    func outputShape(for input: LayerShape) throws -> LayerShape {
        guard let size = branches.first?.kernels.first?.columnCount, try input.sequenceWidth() == size else {
            throw input.mismatch("sequences of other vectors")
        }
        return .vector(width: branches.reduce(0) { $0 + $1.bias.count })
    }

    func callAsFunction(
        _ input: LayerValue<Scalar>, dropout: inout DropoutStreams?
    ) -> LayerValue<Scalar> {
        let sequences = input.sequences
        return .rows(
            .sideBySide(
                branches.map {
                    $0(sequences.vectors, offsets: sequences.offsets).meanPooled(offsets: sequences.offsets)
                }))
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        for index in branches.indices {
            let prefix = "\(index)"
            for place in branches[index].kernels.indices {
                try body("\(prefix).weight.\(place)", &branches[index].kernels[place])
            }
            try body("\(prefix).bias", &branches[index].bias)
        }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// The columns of matrices with as many rows, all equally wide, side by side: n × [N, D] → [N, n D].
    fileprivate static func sideBySide(_ parts: [Tensor]) -> Tensor {
        guard let first = parts.first, parts.count > 1 else { return parts.first ?? .zeros([0, 0]) }
        let (rows, width) = (first.rowCount, first.columnCount)
        let order = (0..<rows).flatMap { row in parts.indices.map { $0 * rows + row } }
        return concatenated(parts).rows(at: order).reshaped(rows, parts.count * width)
    }
}
