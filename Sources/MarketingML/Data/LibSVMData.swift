#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// Sparse examples with a number each, as the text files of LIBSVM and LIBLINEAR hold them: a line
/// `label index:value index:value …` an example, indices increasing, what follows `#` a comment.
///
/// ```swift
/// let train = try LibSVMData(a9a)
/// let test = try LibSVMData(a9aTest, featureCount: train.features.columnCount)
/// let model = try LinearSupportVectorClassifier(c: 1).fit(train.features, train.classes())
/// ```
public struct LibSVMData: Sendable, Equatable {
    /// The features: [N, D].
    public let features: SparseMatrix<Float>
    /// The label or target of each example.
    public let labels: [Double]

    /// Joins features and labels.
    ///
    /// - Throws: `.shapeMismatch` unless there is one label an example; `.notFinite`.
    public init(features: SparseMatrix<Float>, labels: [Double]) throws(MarketingMLError) {
        guard labels.count == features.rowCount else {
            throw MarketingMLError(
                .shapeMismatch, "\(labels.count) labels for \(features.rowCount) examples")
        }
        if let row = labels.firstIndex(where: { !$0.isFinite }) {
            throw MarketingMLError(.notFinite, "the label is \(labels[row])", at: .init(row: row + 1))
        }
        self.features = features
        self.labels = labels
    }

    /// Reads a file, compressed with gzip or not, in blocks and by all threads.
    ///
    /// - Parameters:
    ///   - featureCount: The number of features; by default the largest index of the file. Give that of the training file for a test
    ///     file, which may lack the last ones.
    ///   - zeroBased: Whether the first feature has the index 0 rather than 1.
    ///   - limit: The most bytes that the file may have after decompression.
    /// - Throws: `.malformedFile` with the row for a label or value that is no finite number, and indices that do not increase or lie
    ///   outside the features; `.emptyData`, `.tooLarge`, `.fileNotFound`, `.inputOutput`.
    public init(
        _ url: URL, featureCount: Int? = nil, zeroBased: Bool = false, limit: Int = 16 << 30
    ) throws(MarketingMLError) {
        try self.init(
            ByteStream(path: url.path, limit: limit), featureCount: featureCount, zeroBased: zeroBased)
    }

    init(
        _ stream: ByteStream, featureCount: Int? = nil, zeroBased: Bool = false,
        blockSize: Int = DelimitedBlocks.blockSize
    ) throws(MarketingMLError) {
        guard (0...Int(Int32.max)).contains(featureCount ?? 0) else {
            throw MarketingMLError(
                .invalidOption, "the number of features must be 0 to \(Int32.max), found \(featureCount ?? 0)"
            )
        }
        (labels, features) = try SparseText.read(
            stream, firstIndex: zeroBased ? 0 : 1, columnCount: featureCount, blockSize: blockSize)
    }

    /// The labels as whole numbers: the classes of a classification.
    ///
    /// - Throws: `.malformedFile` with the example for one that is not whole.
    public func classes() throws(MarketingMLError) -> [Int] {
        var classes: [Int] = []
        classes.reserveCapacity(labels.count)
        for (row, label) in labels.enumerated() {
            guard let whole = Int(exactly: label) else {
                throw MarketingMLError(
                    .malformedFile, "the label \(label) is not a whole number", at: .init(row: row + 1))
            }
            classes.append(whole)
        }
        return classes
    }

    /// Writes the file, atomically; reading it gives the same bits.
    ///
    /// - Throws: `.inputOutput`.
    public func write(to url: URL, zeroBased: Bool = false) throws {
        try SparseText.write(features, firstIndex: zeroBased ? 0 : 1, to: url.path) { row in
            decimalText(labels[row])
        }
    }
}
