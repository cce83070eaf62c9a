import Tensor

/// Products of features X [N, D] of any kind with vectors, in double precision.
enum FeatureProducts {
    case float(RowProducts<Float>)
    case double(RowProducts<Double>)
    case sparse(SparseProducts<Float>)

    init(_ features: Features) {
        switch features {
        case .float(let matrix): self = .float(RowProducts(matrix))
        case .double(let matrix): self = .double(RowProducts(matrix))
        case .sparse(let matrix): self = .sparse(SparseProducts(matrix))
        }
    }

    /// X v: [N].
    func times(_ v: [Double]) -> [Double] {
        switch self {
        case .float(let products): products.times(v)
        case .double(let products): products.times(v)
        case .sparse(let products): products.times(v)
        }
    }

    /// Xᵀ u: [D].
    func transposedTimes(_ u: [Double]) -> [Double] { transposedTimes([u])[0] }

    /// Xᵀ u for several u.
    func transposedTimes(_ vectors: [[Double]]) -> [[Double]] {
        switch self {
        case .float(let products): products.transposedTimes(vectors)
        case .double(let products): products.transposedTimes(vectors)
        case .sparse(let products): vectors.map { products.transposedTimes($0) }
        }
    }

    /// With s = w (X v − offset): Xᵀ s, and the sum of s; `columnSums` is Xᵀ w, `weightSum` that of w.
    func normalTimes(
        _ v: [Double], offset: Double, weights: [Double]?, columnSums: [Double], weightSum: Double
    ) -> (sums: [Double], total: Double) {
        switch self {
        case .float(let products):
            let result = products.normalTimes(v, offset: offset, weights: weights)
            return (result.sums, result.total)
        case .double(let products):
            let result = products.normalTimes(v, offset: offset, weights: weights)
            return (result.sums, result.total)
        case .sparse(let products):
            var sums = products.gramTimes(v, weights: weights)
            for column in sums.indices { sums[column] -= offset * columnSums[column] }
            return (sums, dot(columnSums, v) - offset * weightSum)
        }
    }
}

/// Σ a b.
func dot(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count, "vectors of \(a.count) and \(b.count)")
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
}
