import Tensor

/// The features of N examples, D each: what every classical model is fitted on.
///
/// Estimators take any ``FeatureMatrix``: a `Tensor<Float>` or `Tensor<Double>` of shape [N, D], or a
/// `SparseMatrix<Float>`. Inside, they switch over this type.
public enum Features: Sendable, Equatable {
    /// Dense, single precision.
    case float(Tensor<Float>)
    /// Dense, double precision.
    case double(Tensor<Double>)
    /// Sparse.
    case sparse(SparseMatrix<Float>)

    /// Number of examples (N).
    public var exampleCount: Int {
        switch self {
        case .float(let matrix): matrix.shape.first ?? 0
        case .double(let matrix): matrix.shape.first ?? 0
        case .sparse(let matrix): matrix.rowCount
        }
    }

    /// Number of features (D).
    public var featureCount: Int {
        switch self {
        case .float(let matrix): matrix.shape.last ?? 0
        case .double(let matrix): matrix.shape.last ?? 0
        case .sparse(let matrix): matrix.columnCount
        }
    }

    /// The examples at these indices, in this order; one may occur more than once.
    public func rows(_ indices: [Int]) -> Features {
        switch self {
        case .float(let matrix): .float(matrix.rows(indices))
        case .double(let matrix): .double(matrix.rows(indices))
        case .sparse(let matrix): .sparse(matrix.rows(indices))
        }
    }

    /// Throws unless this is a matrix with examples and, when given, the number of features that a model was fitted
    /// on. Does not look at the elements; see `checkFinite`.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`.
    func checkShape(featureCount expected: Int? = nil) throws(MarketingMLError) {
        let shape =
            switch self {
            case .float(let matrix): matrix.shape
            case .double(let matrix): matrix.shape
            case .sparse(let matrix): [matrix.rowCount, matrix.columnCount]
            }
        guard shape.count == 2 else {
            throw MarketingMLError(
                .shapeMismatch, "features must have the shape [examples, features], found \(shape)")
        }
        if let expected, shape[1] != expected {
            throw MarketingMLError(
                .shapeMismatch, "the model was fitted on \(expected) features, found \(shape[1])")
        }
        guard shape[0] > 0 else { throw MarketingMLError(.emptyData, "there are no examples") }
        guard shape[1] > 0 else { throw MarketingMLError(.emptyData, "there are no features") }
    }

    /// Throws if an element is NaN or infinite, naming the first by row and column, both counted from 0.
    ///
    /// Reads all elements once: solvers that see a bad element in their sums anyway call it only to find the place.
    ///
    /// - Throws: `.notFinite`.
    func checkFinite() throws(MarketingMLError) {
        func check<Scalar: TensorFloatingPoint>(_ matrix: Tensor<Scalar>) throws(MarketingMLError) {
            guard !matrix.allFinite else { return }
            let width = max(1, featureCount)
            let first = matrix.withUnsafeElements { $0.firstIndex { !$0.isFinite } } ?? 0
            let value = matrix.withUnsafeElements { $0[first] }
            throw MarketingMLError(
                .notFinite,
                "feature \(first % width) of example \(first / width) is \(value); all must be finite")
        }
        switch self {
        case .float(let matrix): try check(matrix)
        case .double(let matrix): try check(matrix)
        case .sparse(let matrix):
            guard let place = matrix.values.firstIndex(where: { !$0.isFinite }) else { return }
            let row = (matrix.rowOffsets.firstIndex { $0 > place } ?? 1) - 1
            throw MarketingMLError(
                .notFinite,
                "feature \(matrix.columnIndices[place]) of example \(row) is \(matrix.values[place]); all must be finite"
            )
        }
    }
}

/// Something that holds the features of examples: a dense tensor [N, D], a sparse matrix, or ``Features`` itself.
public protocol FeatureMatrix: Sendable {
    /// The matrix as one of the kinds that estimators know.
    var features: Features { get }
}

extension Features: FeatureMatrix {
    /// Itself.
    public var features: Features { self }
}

extension SparseMatrix: FeatureMatrix {
    /// The matrix, in single precision.
    public var features: Features {
        if let matrix = self as? SparseMatrix<Float> { return .sparse(matrix) }
        return .sparse(
            SparseMatrix<Float>(
                trusted: rowCount, columnCount, rowOffsets: rowOffsets, columnIndices: columnIndices,
                values: values.map { Float($0) }))
    }
}

extension Tensor: FeatureMatrix where Scalar: TensorFloatingPoint {
    /// The matrix in its own precision.
    public var features: Features {
        if let matrix = self as? Tensor<Float> { return .float(matrix.detached) }
        if let matrix = self as? Tensor<Double> { return .double(matrix.detached) }
        preconditionFailure("floating tensors are of Float or Double")
    }
}

extension Tensor {
    /// The rows of a matrix at these indices, in this order; a row may occur more than once.
    package func rows(_ indices: [Int]) -> Tensor {
        precondition(rank == 2, "rows of a matrix, the shape is \(shape)")
        let width = shape[1]
        return withUnsafeElements { source in
            var result = Tensor(repeating: .zero, shape: [indices.count, width])
            result.withUnsafeMutableElements { target in
                for (place, row) in indices.enumerated() {
                    precondition(0 <= row && row < shape[0], "row \(row) of \(shape[0])")
                    for column in 0..<width { target[place * width + column] = source[row * width + column] }
                }
            }
            return result
        }
    }
}
