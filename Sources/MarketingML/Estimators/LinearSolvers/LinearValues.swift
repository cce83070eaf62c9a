import Tensor

extension Features {
    /// The values X Wᵀ + b of linear models: [N, K], for W [K, D] and b [K], sums in double, examples on all threads.
    func linearValues(coefficients: Tensor<Double>, intercepts: [Double]) -> Tensor<Double> {
        let rows = intercepts.count
        let width = featureCount
        precondition(
            coefficients.shape == [rows, width], "\(coefficients.shape) for \(rows) rows of \(width)")
        var result = Tensor<Double>.zeros([exampleCount, rows])
        switch self {
        case .float(let matrix): fill(&result, matrix, coefficients, intercepts)
        case .double(let matrix): fill(&result, matrix, coefficients, intercepts)
        case .sparse(let matrix):
            let products = SparseProducts(matrix)
            let all = coefficients.elements
            for row in 0..<rows {
                let values = products.times(Array(all[row * width..<(row + 1) * width]))
                result.withUnsafeMutableElements { result in
                    for (example, value) in values.enumerated() {
                        result[example * rows + row] = value + intercepts[row]
                    }
                }
            }
        }
        return result
    }

    private func fill<Scalar: TensorFloatingPoint>(
        _ result: inout Tensor<Double>, _ matrix: Tensor<Scalar>, _ coefficients: Tensor<Double>,
        _ intercepts: [Double]
    ) {
        let rows = intercepts.count
        let width = featureCount
        let count = exampleCount
        result.withUnsafeMutableElements { result in
            let result = result
            matrix.withUnsafeElements { x in
                coefficients.withUnsafeElements { w in
                    parallelRanges(count, grain: 1024) { examples in
                        for example in examples {
                            for row in 0..<rows {
                                var (a, b) = (intercepts[row], 0.0)
                                var column = 0
                                while column + 1 < width {
                                    a += Double(x[example * width + column]) * w[row * width + column]
                                    b += Double(x[example * width + column + 1]) * w[row * width + column + 1]
                                    column += 2
                                }
                                if column < width {
                                    a += Double(x[example * width + column]) * w[row * width + column]
                                }
                                result[example * rows + row] = a + b
                            }
                        }
                    }
                }
            }
        }
    }
}
