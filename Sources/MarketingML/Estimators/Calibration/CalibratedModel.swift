#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A fitted classifier whose decision values a calibration turns into probabilities.
public struct CalibratedModel<Base: FittedClassifier>: ProbabilisticClassifier {
    /// What the classes are called.
    public typealias Label = Base.Label

    /// The model that decides.
    public let base: Base
    /// What makes probabilities of its decision values.
    public let calibrator: Calibrator

    /// Joins the two.
    ///
    /// - Throws: `.shapeMismatch` for a calibration of another number of classes.
    public init(base: Base, calibrator: Calibrator) throws(MarketingMLError) {
        guard base.classes.count == calibrator.classCount else {
            throw MarketingMLError(
                .shapeMismatch,
                "a model of \(base.classes.count) classes, a calibration of \(calibrator.classCount)")
        }
        self.base = base
        self.calibrator = calibrator
    }

    /// The classes, in order.
    public var classes: LabelSet<Label> { base.classes }
    /// Number of features.
    public var featureCount: Int { base.featureCount }

    /// The probability of each class: [N, K].
    public func probabilities(of features: some FeatureMatrix) throws -> Tensor<Double> {
        let values = try base.decisionValues(of: features)
        let probabilities = calibrator.probabilities(of: values.elements)
        return Tensor(shape: [probabilities.count / classes.count, classes.count], probabilities)
    }

    /// The probabilities; for two classes, how far that of the second is above that of the first: [N].
    public func decisionValues(of features: some FeatureMatrix) throws -> Tensor<Double> {
        let probabilities = try probabilities(of: features)
        guard classes.count == 2 else { return probabilities }
        let rows = probabilities.elements
        return Tensor(stride(from: 0, to: rows.count, by: 2).map { rows[$0 + 1] - rows[$0] })
    }
}

extension CalibratedModel: SavableModel where Base: SavableModel {
    private struct Fields: Codable {
        var calibrator: Calibrator
    }
    private static var kind: String { "calibrated classifier" }

    /// Writes the model and its calibration to one file, atomically: the base's own file is an array of bytes in it.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        let bytes = try withTemporaryFile { temporary in
            try base.save(to: temporary)
            return try Data(contentsOf: temporary)
        }
        try ModelFile.write(to: url, kind: Self.kind, fields: Fields(calibrator: calibrator)) { writer in
            writer.add("base", Self.words([UInt8](bytes)))
        }
    }

    /// Reads a model that `save` wrote.
    ///
    /// - Throws: As `SavableModel`.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let calibrator = try file.decode(Fields.self).calibrator
        guard let bytes = Self.bytes(try file.integers("base").elements) else {
            throw file.malformed("does not hold the bytes of a model", "base")
        }
        let base = try withTemporaryFile { temporary in
            try Data(bytes).write(to: temporary)
            return try Base(temporary)
        }
        guard calibrator.classCount == base.classes.count, calibrator.isValid else {
            throw file.malformed("the calibration does not belong to the model")
        }
        try self.init(base: base, calibrator: calibrator)
    }

    /// The number of bytes, and eight of them a number: the file format has no bytes.
    private static func words(_ bytes: [UInt8]) -> Tensor<Int64> {
        Tensor(
            [Int64(bytes.count)]
                + stride(from: 0, to: bytes.count, by: 8).map { start in
                    bytes[start..<min(start + 8, bytes.count)].reversed().reduce(0) { $0 << 8 | Int64($1) }
                })
    }

    private static func bytes(_ words: [Int64]) -> [UInt8]? {
        guard let count = words.first, 0...(8 * Int64(words.count - 1)) ~= count else { return nil }
        let all = words.dropFirst().flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        return Array(all.prefix(Int(count)))
    }
}

private func withTemporaryFile<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appending(
        path: "marketingml-\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url)
}
