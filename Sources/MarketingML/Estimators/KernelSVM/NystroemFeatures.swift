#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A recipe for features whose inner products are nearly the values of a kernel, so that a linear model on them does nearly what a
/// kernel machine does, in time that grows with N alone.
///
/// From M of the examples drawn at random, z₁ … z_M, with kernel matrix W = k(zᵢ, zⱼ), an example x becomes W^(−½) k(z, x).
///
/// ```swift
/// let map = try NystroemFeatures(kernel: .rbf(gamma: .scale), components: 300, seed: 1).fit(features)
/// let model = try LogisticRegression(.l2(c: 1)).fit(map.transform(features), labels)
/// ```
///
/// Reference: Williams, Seeger: Using the Nyström Method to Speed Up Kernel Machines, NIPS 13 (2000).
public struct NystroemFeatures: Sendable, Equatable {
    /// How alike two examples are; not precomputed.
    public var kernel: SupportVectorKernel
    /// Number of new features (M), at least 1; at most N are used.
    public var components: Int
    /// Seed of the choice of examples.
    public var seed: UInt64

    /// Creates a recipe.
    public init(kernel: SupportVectorKernel = .rbf(gamma: .scale), components: Int = 300, seed: UInt64) {
        self.kernel = kernel
        self.components = components
        self.seed = seed
    }

    /// Chooses the examples and decomposes their kernel matrix.
    ///
    /// - Parameter features: [N, D], dense or sparse.
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`, `.invalidOption`, `.tooLarge` if kernel values overflow.
    /// - Complexity: O(M² D + M³).
    public func fit(_ features: some FeatureMatrix) throws -> NystroemMap {
        guard components >= 1 else { throw invalid("components", "at least 1", components) }
        guard kernel != .precomputed else { throw invalid("kernel", "a function of features", "precomputed") }
        let training = try TrainingKernel(kernel, features.features)
        guard let function = training.function else {
            throw invalid("kernel", "a function of features", kernel)
        }
        var random = SeededGenerator(seed: seed)
        let count = features.features.exampleCount
        let chosen = Array(random.permutation(count).prefix(min(components, count)))
        let landmarks = training.features.rows(chosen)
        let center = function.isTranslationInvariant ? landmarks.forKernels.center : nil
        let matrix = KernelMatrix(function, landmarks.forKernels.points(Double.self, center: center))
        let order = chosen.count
        guard let eigen = SymmetricEigen(matrix.values(of: matrix.points).elements, order: order) else {
            throw MarketingMLError(.notFinite, "the kernel matrix could not be decomposed")
        }
        // As a map of columns: V diag(1 / √λ) Vᵀ, directions without length cut off.
        var root = Tensor<Double>.zeros([order, order])
        root.withUnsafeMutableElements { root in
            for (index, value) in eigen.values.enumerated() {
                let scale = 1 / max(abs(value), 1e-12).squareRoot().squareRoot()
                for column in 0..<order {
                    root[index * order + column] = scale * eigen.vectors[index * order + column]
                }
            }
        }
        let normalization = root.matmul(root, transposingSelf: true)
        return try NystroemMap(function: function, landmarks: landmarks, normalization: normalization)
    }
}

/// A fitted map to features whose inner products are nearly the values of a kernel.
public struct NystroemMap: Sendable, SavableModel {
    /// The kernel, with γ as a number.
    public let kernel: SupportVectorKernel
    /// The examples that were chosen, [M, D].
    public let landmarks: Features
    /// W^(−½), [M, M].
    public let normalization: Tensor<Double>
    private let function: KernelFunction
    private let matrix: KernelMatrix<Float>
    private let center: [Double]?
    private let projection: Tensor<Float>

    /// Number of new features (M).
    public var componentCount: Int { normalization.shape[0] }
    /// Number of features (D) that it was fitted on.
    public var featureCount: Int { landmarks.featureCount }

    init(function: KernelFunction, landmarks: Features, normalization: Tensor<Double>)
        throws(MarketingMLError)
    {
        self.function = function
        kernel = SupportVectorKernel(function)
        self.landmarks = landmarks
        self.normalization = normalization
        let dense = landmarks.forKernels
        center = function.isTranslationInvariant ? dense.center : nil
        let points = dense.points(Float.self, center: center)
        _ = try KernelPrecision.needsDouble(
            function, largestSquare: points.squares.max() ?? 0, work: 0, smallWork: 0, accuracy: 1)
        matrix = KernelMatrix(function, points)
        projection = Tensor(shape: normalization.shape, normalization.elements.map { Float($0) })
    }

    /// The new features of each example: [N, M], in single precision.
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func transform(_ features: some FeatureMatrix) throws -> Tensor<Float> {
        let features = features.features
        try features.checkShape(featureCount: featureCount)
        try features.checkFinite()
        let values = matrix.values(
            of: features.points(Float.self, sparse: matrix.isSparse, center: center))
        return values.matmul(projection)
    }

    private struct Fields: Codable {
        var expansion: SupportVectorExpansion.Fields
    }
    private static var kind: String { "Nyström features" }

    /// Writes the map to a file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        let expansion = try SupportVectorExpansion(
            function: function, featureCount: featureCount, vectors: landmarks, indices: [],
            coefficients: rows(normalization), segments: [0, componentCount])
        try ModelFile.write(to: url, kind: Self.kind, fields: Fields(expansion: expansion.fields)) {
            expansion.write(to: &$0)
        }
    }

    /// Reads a map that `save` wrote: it gives the same bits.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported`, `.missingTensor`, `.shapeMismatch`, `.notFinite`.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let fields = try file.decode(Fields.self).expansion
        let count = fields.segments.last ?? 0
        guard count > 0, let function = fields.function else {
            throw file.malformed("there are no chosen examples with a kernel", "segments")
        }
        let expansion = try SupportVectorExpansion(file, fields, classes: 1, rows: count)
        guard let vectors = expansion.vectors else { throw file.malformed("has no vectors", "vectors") }
        try self.init(
            function: function, landmarks: vectors,
            normalization: Tensor(shape: [count, count], expansion.coefficients.flatMap { $0 }))
    }

    private func rows(_ matrix: Tensor<Double>) -> [[Double]] {
        let elements = matrix.elements
        let width = matrix.shape[1]
        return (0..<matrix.shape[0]).map { Array(elements[$0 * width..<($0 + 1) * width]) }
    }
}
