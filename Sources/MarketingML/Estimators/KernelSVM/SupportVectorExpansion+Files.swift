#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

extension SupportVectorExpansion {
    /// What of it is no array.
    struct Fields: Codable {
        enum Vectors: String, Codable {
            case float, double, sparse, precomputed
        }
        var function: KernelFunction?
        var featureCount: Int
        var indices: [Int]
        var segments: [Int]
        var vectors: Vectors
    }

    var fields: Fields {
        let kind: Fields.Vectors =
            switch vectors {
            case .float: .float
            case .double: .double
            case .sparse: .sparse
            case nil: .precomputed
            }
        return Fields(
            function: function, featureCount: featureCount, indices: indices, segments: segments,
            vectors: kind)
    }

    /// Adds its arrays to a model file.
    func write(to writer: inout SafeTensorsWriter) {
        writer.add(
            "coefficients",
            Tensor<Double>(shape: [coefficients.count, count], coefficients.flatMap { $0 }))
        switch vectors {
        case .float(let matrix): writer.add("vectors", matrix)
        case .double(let matrix): writer.add("vectors", matrix)
        case .sparse(let matrix):
            writer.add("vectors.offsets", Tensor<Int64>(matrix.rowOffsets.map { Int64($0) }))
            writer.add("vectors.columns", Tensor<Int64>(matrix.columnIndices.map { Int64($0) }))
            writer.add("vectors.values", Tensor<Float>(matrix.values))
        case nil: break
        }
    }

    /// Reads what `write` added.
    ///
    /// - Parameters:
    ///   - classes: How many segments there must be.
    ///   - rows: How many coefficients a support vector must have.
    init(_ file: ModelFile, _ fields: Fields, classes: Int, rows: Int) throws {
        let segments = fields.segments
        guard segments.count == classes + 1, segments.first == 0,
            zip(segments, segments.dropFirst()).allSatisfy({ $0 <= $1 }), let count = segments.last,
            fields.featureCount > 0, fields.featureCount <= Int(Int32.max),
            fields.indices.isEmpty || fields.indices.count == count, fields.indices.allSatisfy({ $0 >= 0 })
        else { throw file.malformed("the counts of support vectors do not agree", "segments") }
        guard (fields.function == nil) == (fields.vectors == .precomputed), fields.function?.isValid ?? true
        else {
            throw file.malformed("the kernel is not one of this library's", "function")
        }
        var vectors: Features?
        switch fields.vectors {
        case .float: vectors = .float(try file.tensor("vectors", shape: [count, fields.featureCount]))
        case .double: vectors = .double(try file.tensor("vectors", shape: [count, fields.featureCount]))
        case .sparse:
            let columns = try file.integers("vectors.columns").elements
            guard columns.allSatisfy({ 0..<Int64(fields.featureCount) ~= $0 }) else {
                throw file.malformed("a column is outside the features", "vectors.columns")
            }
            vectors = .sparse(
                try SparseMatrix(
                    rowCount: count, columnCount: fields.featureCount,
                    rowOffsets: try file.integers("vectors.offsets").elements.map { Int($0) },
                    columnIndices: columns.map { Int32($0) },
                    values: try file.tensor("vectors.values", as: Float.self).elements))
        case .precomputed:
            guard fields.indices.count == count, fields.indices.allSatisfy({ $0 < fields.featureCount })
            else {
                throw file.malformed("an index is outside the examples", "indices")
            }
        }
        let coefficients = try file.tensor("coefficients", as: Double.self, shape: [rows, count]).elements
        try self.init(
            function: fields.function, featureCount: fields.featureCount, vectors: vectors,
            indices: fields.indices,
            coefficients: (0..<rows).map { Array(coefficients[$0 * count..<($0 + 1) * count]) },
            segments: segments)
    }

    /// The function; nil for precomputed kernel values.
    private var function: KernelFunction? { try? kernel.function() }
}

extension KernelFunction {
    /// Whether its numbers are in their ranges.
    fileprivate var isValid: Bool { (try? SupportVectorKernel(self).function()) != nil }
}

extension SupportVectorModel: SavableModel {
    private struct Fields: Codable {
        var classes: [String]
        var intercepts: [Double]
        var reports: [SolverReport]
        var expansion: SupportVectorExpansion.Fields
    }
    private static var kind: String { "support vector classifier" }

    /// Writes the model to a file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        try ModelFile.write(
            to: url, kind: Self.kind,
            fields: Fields(
                classes: classes.texts, intercepts: intercepts, reports: reports, expansion: expansion.fields)
        ) { expansion.write(to: &$0) }
    }

    /// Reads a model that `save` wrote: it gives the same bits.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported`, `.missingTensor`, `.shapeMismatch`, `.notFinite`,
    ///   `.unknownLabel`.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let fields: Fields = try file.decode()
        let classes = try LabelSet<Label>(texts: fields.classes)
        let pairs = classes.count * (classes.count - 1) / 2
        guard classes.count > 1, fields.intercepts.count == pairs, fields.intercepts.allSatisfy(\.isFinite),
            fields.reports.isEmpty || fields.reports.count == pairs
        else { throw file.malformed("the counts of classes and intercepts do not agree", "intercepts") }
        self.init(
            classes: classes,
            expansion: try SupportVectorExpansion(
                file, fields.expansion, classes: classes.count, rows: classes.count - 1),
            intercepts: fields.intercepts, reports: fields.reports)
    }
}

extension SupportVectorRegressionModel: SavableModel {
    private struct Fields: Codable {
        var intercept: Double
        var epsilon: Double?
        var report: SolverReport?
        var expansion: SupportVectorExpansion.Fields
    }
    private static var kind: String { "support vector regression" }

    /// Writes the model to a file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        try ModelFile.write(
            to: url, kind: Self.kind,
            fields: Fields(
                intercept: intercept, epsilon: epsilon, report: report, expansion: expansion.fields)
        ) { expansion.write(to: &$0) }
    }

    /// Reads a model that `save` wrote: it gives the same bits.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported`, `.missingTensor`, `.shapeMismatch`, `.notFinite`.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let fields: Fields = try file.decode()
        guard fields.intercept.isFinite else {
            throw file.malformed("the intercept is not finite", "intercept")
        }
        self.init(
            expansion: try SupportVectorExpansion(file, fields.expansion, classes: 1, rows: 1),
            intercept: fields.intercept, epsilon: fields.epsilon, report: fields.report)
    }
}

extension OneClassSupportVectorModel: SavableModel {
    private struct Fields: Codable {
        var intercept: Double
        var report: SolverReport?
        var expansion: SupportVectorExpansion.Fields
    }
    private static var kind: String { "one-class support vector machine" }

    /// Writes the model to a file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        try ModelFile.write(
            to: url, kind: Self.kind,
            fields: Fields(intercept: intercept, report: report, expansion: expansion.fields)
        ) { expansion.write(to: &$0) }
    }

    /// Reads a model that `save` wrote: it gives the same bits.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported`, `.missingTensor`, `.shapeMismatch`, `.notFinite`.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let fields: Fields = try file.decode()
        guard fields.intercept.isFinite else {
            throw file.malformed("the intercept is not finite", "intercept")
        }
        self.init(
            expansion: try SupportVectorExpansion(file, fields.expansion, classes: 1, rows: 1),
            intercept: fields.intercept, report: fields.report)
    }
}
