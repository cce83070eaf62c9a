import Tensor

/// Convolutions of several widths side by side with ReLU, and the largest output of each: [N, L, D] → [N, widths · filters].
///
/// Steps outside of a text count as zeros. Kim, EMNLP 2014, arXiv:1408.5882.
struct ConvolutionBank: LayerRecipe {
    var filters: Int
    var widths: [Int]

    func makeLayer<Scalar: TensorFloatingPoint>(
        for input: LayerShape, weights: inout WeightSource
    ) throws -> any Layer<Scalar> {
        try requireOption(
            (1...16).contains(widths.count) && widths.allSatisfy { (1...64).contains($0) }, "widths",
            "1 to 16 widths from 1 to 64", widths)
        let convolutions: [any Layer<Scalar>] = try widths.map { width in
            try Conv1D(filters: filters, kernelSize: width, padding: .same, activation: .relu)
                .makeLayer(for: input, weights: &weights)
        }
        return ConvolutionBankLayer(convolutions: convolutions)
    }
}

/// The layer of a ``ConvolutionBank``.
struct ConvolutionBankLayer<Scalar: TensorFloatingPoint>: Layer {
    /// One a width.
    var convolutions: [any Layer<Scalar>]

    func outputShape(for input: LayerShape) throws -> LayerShape {
        .vector(width: try convolutions.reduce(0) { try $0 + $1.outputShape(for: input).vectorWidth() })
    }

    func callAsFunction(
        _ input: LayerValue<Scalar>, dropout: inout DropoutStreams?
    ) -> LayerValue<Scalar> {
        var parts: [Tensor<Scalar>] = []
        for convolution in convolutions {
            let outputs = convolution(input, dropout: &dropout).sequences
            parts.append(outputs.vectors.maxPooled(offsets: outputs.offsets))
        }
        return .rows(.concatenatedColumns(parts))
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        for index in convolutions.indices { try convolutions[index].forEachParameter("\(index)", body) }
    }
}
