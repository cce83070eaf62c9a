/// A loss that is a sum over rows, from a function of one row that gives its derivative too: Σ scale[r] ℓ(prediction[r]).
///
/// Rows are computed in Double whatever the tensor's type, since losses are few numbers and small differences of them matter.
///
/// - Parameters:
///   - prediction: [N, D].
///   - scales: N factors, those of the mean included.
///   - term: ℓ of row `r`, given its D elements; writes its D derivatives.
package func rowLoss<Scalar: TensorFloatingPoint>(
    _ prediction: Tensor<Scalar>, scales: [Double],
    _ term: (_ row: Int, _ elements: [Double], _ derivatives: inout [Double]) -> Double
) -> Tensor<Scalar> {
    let width = prediction.columnCount
    precondition(
        prediction.rowCount == scales.count, "\(scales.count) scales for the rows of \(prediction.shape)")
    var slopes = Tensor<Scalar>(uninitialized: prediction.shape)
    var total = 0.0
    var row = [Double](repeating: 0, count: width)
    var derivatives = row
    prediction.withUnsafeElements { elements in
        slopes.withUnsafeMutableElements { slopes in
            for (index, scale) in scales.enumerated() {
                let start = index * width
                for column in 0..<width { row[column] = Double(elements[start + column]) }
                let value = term(index, row, &derivatives)
                // A row without weight counts for nothing, even where its loss is not a number.
                total += scale == 0 ? 0 : scale * value
                for column in 0..<width {
                    slopes[start + column] = scale == 0 ? 0 : Scalar(scale * derivatives[column])
                }
            }
        }
    }
    let gradients = slopes
    return Tensor(Scalar(total)).recorded(from: prediction) { gradient in
        [gradients.scaled(by: Double(gradient.item))]
    }
}
