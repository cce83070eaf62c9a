import Tensor

/// Sums Σ cⱼ k(x, xⱼ) over support vectors xⱼ: what the prediction of every support vector machine is made of.
struct SupportVectorExpansion: Sendable {
    /// The kernel with its numbers.
    let kernel: SupportVectorKernel
    /// Number of features (D); of the examples that were fitted on, for precomputed kernel values.
    let featureCount: Int
    /// The support vectors, [M, D]; nil for precomputed kernel values.
    let vectors: Features?
    /// Where the support vectors stand among the examples that were fitted on; empty if that is not known.
    let indices: [Int]
    /// R coefficients a support vector: R rows of M.
    let coefficients: [[Double]]
    /// Where each class's support vectors begin, and where the last end: from 0 to M.
    let segments: [Int]

    private enum Evaluator: Sendable {
        case float(KernelMatrix<Float>, center: [Double]?)
        case double(KernelMatrix<Double>, center: [Double]?)
        case table
        case none
    }
    private let evaluator: Evaluator

    /// Number of support vectors (M).
    var count: Int { segments.last ?? 0 }

    /// - Parameter function: nil for precomputed kernel values; `indices` then say which of them are wanted.
    /// - Throws: `.tooLarge` if kernel values overflow.
    init(
        function: KernelFunction?, featureCount: Int, vectors: Features?, indices: [Int],
        coefficients: [[Double]],
        segments: [Int]
    ) throws(MarketingMLError) {
        self.featureCount = featureCount
        self.vectors = vectors
        self.indices = indices
        self.coefficients = coefficients
        self.segments = segments
        kernel = function.map { SupportVectorKernel($0) } ?? .precomputed
        guard let function, let vectors else {
            evaluator = .table
            return
        }
        guard segments.last ?? 0 > 0 else {
            evaluator = .none
            return
        }
        let points = vectors.forKernels
        let center = function.isTranslationInvariant ? points.center : nil
        let single = points.points(Float.self, center: center)
        // Depends on the support vectors alone: an example's value is the same in every company.
        let needsDouble = try KernelPrecision.needsDouble(
            function, largestSquare: single.squares.max() ?? 0, work: Double(single.count * featureCount),
            smallWork: 0x1p18, accuracy: 1e-5)
        evaluator =
            needsDouble
            ? .double(KernelMatrix(function, points.points(Double.self, center: center)), center: center)
            : .float(KernelMatrix(function, single), center: center)
    }

    /// The part of these examples' solution that a model keeps: those with a coefficient that is not 0.
    ///
    /// - Parameters:
    ///   - coefficients: R rows of N.
    ///   - order: The examples, class by class; nil for one class in their own order.
    init(
        _ kernel: TrainingKernel, coefficients: [[Double]], classes: [[Int]]? = nil
    ) throws(MarketingMLError) {
        let groups = classes ?? [Array(0..<kernel.features.exampleCount)]
        let kept = groups.map { $0.filter { example in coefficients.contains { $0[example] != 0 } } }
        let indices = kept.flatMap { $0 }
        try self.init(
            function: kernel.function, featureCount: kernel.features.featureCount,
            vectors: kernel.function == nil ? nil : kernel.features.rows(indices), indices: indices,
            coefficients: coefficients.map { row in indices.map { row[$0] } },
            segments: kept.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) })
    }

    /// Element [i, s, r]: the sum of the support vectors of class s with coefficients r, for example i.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    func sums(_ features: Features) throws(MarketingMLError) -> Tensor<Double> {
        try features.checkShape(featureCount: featureCount)
        try features.checkFinite()
        switch evaluator {
        case .none:
            return Tensor.zeros([features.exampleCount, segments.count - 1, coefficients.count])
        case .float(let matrix, let center):
            return matrix.weightedSums(
                of: features.points(Float.self, sparse: matrix.isSparse, center: center),
                weights: coefficients,
                segments: segments)
        case .double(let matrix, let center):
            return matrix.weightedSums(
                of: features.points(Double.self, sparse: matrix.isSparse, center: center),
                weights: coefficients,
                segments: segments)
        case .table:
            return tableSums(features)
        }
    }

    /// From rows of precomputed kernel values.
    private func tableSums(_ features: Features) -> Tensor<Double> {
        var weights: [[Double]] = []
        for segment in 0..<segments.count - 1 {
            for row in coefficients {
                var spread = [Double](repeating: 0, count: featureCount)
                for place in segments[segment]..<segments[segment + 1] { spread[indices[place]] = row[place] }
                weights.append(spread)
            }
        }
        let result =
            switch features {
            case .float(let matrix): KernelSums.weighted(matrix, by: weights)
            case .double(let matrix): KernelSums.weighted(matrix, by: weights)
            case .sparse(let matrix): KernelSums.weighted(matrix.dense, by: weights)
            }
        return Tensor(
            shape: [features.exampleCount, segments.count - 1, coefficients.count], result.elements)
    }
}

extension SupportVectorKernel {
    /// The kernel that a function with its numbers is.
    init(_ function: KernelFunction) {
        switch function {
        case .linear: self = .linear
        case .rbf(let gamma): self = .rbf(gamma: .value(gamma))
        case .polynomial(let degree, let gamma, let constant):
            self = .polynomial(degree: degree, gamma: .value(gamma), constant: constant)
        case .sigmoid(let gamma, let constant): self = .sigmoid(gamma: .value(gamma), constant: constant)
        }
    }

    /// The function of a kernel whose γ is a number.
    ///
    /// - Throws: `.invalidOption`.
    func function() throws(MarketingMLError) -> KernelFunction? {
        try function(for: .float(Tensor(repeating: 0, shape: [1, 1])))
    }
}
