import Tensor

/// A recipe for turning the columns of a ``Table`` into features: a list of terms.
///
/// ```swift
/// let recipe = FeatureEncoder([
///     .numeric("age"), .oneHot("job", minimumCount: 20), .spline("balance"), .target("city"),
///     .text("review", TextEncoding(range: 1...2, sublinear: true)), .interaction(.numeric("age"), .oneHot("sex")),
/// ])
/// let (encoder, training) = try recipe.fitTransform(table[rows: split.train], labels: labels)
/// let test = try encoder.transform(table[rows: split.test])
/// ```
///
/// All that is learned (means, levels, knots, terms) comes from the rows given to `fit`.
public struct FeatureEncoder: Sendable, Equatable {
    /// How features are stored.
    public enum Layout: String, Sendable, Codable {
        /// Sparse if less than a quarter of the training rows' features is not 0, else dense.
        case automatic
        /// A `Tensor<Float>`.
        case dense
        /// A `SparseMatrix<Float>`.
        case sparse
    }

    /// The terms: features come in their order.
    public var terms: [FeatureTerm]
    /// Whether the first level, bin and spline of each term is left out, so that features and an intercept are not linearly
    /// dependent: for standard errors and p-values.
    public var dropsFirst: Bool
    /// How features are stored.
    public var layout: Layout

    /// Creates a recipe.
    public init(_ terms: [FeatureTerm], dropsFirst: Bool = false, layout: Layout = .automatic) {
        self.terms = terms
        self.dropsFirst = dropsFirst
        self.layout = layout
    }

    /// Learns the encoding from training rows.
    ///
    /// - Parameters:
    ///   - table: The training rows; columns that no term names do not matter.
    ///   - targets: The number that each row is to predict: for target encodings only.
    ///   - progress: Called before each term is learned.
    /// - Throws: `.emptyData` without rows or terms, or for a column that no encoding can be learned from; `.missingColumn`;
    ///   `.unsupported` for texts where numbers are needed; `.invalidOption`; `.notFinite` for a missing value where that is an error;
    ///   `CancellationError` when the task is cancelled or `progress` stops it: some of the terms are no encoding.
    public func fit(
        _ table: Table, targets: [Double]? = nil, progress: ProgressHandler? = nil
    ) throws -> FittedFeatureEncoder {
        try fitted(table, targets.map { EncodingTargets($0) }, seed: nil, progress).encoder
    }

    /// As `fit(_:targets:)`, for a classification: of two labels the second (see ``LabelSet``) counts as 1, of more each has a target
    /// encoding of its own.
    public func fit<Label: Hashable & Sendable & Codable>(
        _ table: Table, labels: [Label], progress: ProgressHandler? = nil
    ) throws -> FittedFeatureEncoder {
        try fitted(table, EncodingTargets(labels), seed: nil, progress).encoder
    }

    /// Learns the encoding and encodes the training rows, their target encodings with the means of other rows.
    ///
    /// - Parameter seed: Decides which rows those are.
    /// - Throws: As `fit(_:targets:)`.
    public func fitTransform(
        _ table: Table, targets: [Double]? = nil, seed: UInt64 = 0, progress: ProgressHandler? = nil
    ) throws -> (encoder: FittedFeatureEncoder, features: EncodedFeatures) {
        let (encoder, crossFitted) = try fitted(
            table, targets.map { EncodingTargets($0) }, seed: seed, progress)
        return (encoder, try encoder.transform(table, replacing: crossFitted))
    }

    /// As `fitTransform(_:targets:seed:)`, for a classification.
    public func fitTransform<Label: Hashable & Sendable & Codable>(
        _ table: Table, labels: [Label], seed: UInt64 = 0, progress: ProgressHandler? = nil
    ) throws -> (encoder: FittedFeatureEncoder, features: EncodedFeatures) {
        let (encoder, crossFitted) = try fitted(table, EncodingTargets(labels), seed: seed, progress)
        return (encoder, try encoder.transform(table, replacing: crossFitted))
    }

    /// The fitted encoder and, if there is a seed, the row encoders of the training rows' target encodings by term and factor.
    private func fitted(
        _ table: Table, _ targets: EncodingTargets?, seed: UInt64?, _ progress: ProgressHandler?
    ) throws -> (encoder: FittedFeatureEncoder, crossFitted: [[Int]: any RowEncoder]) {
        guard table.rowCount > 0 else { throw MarketingMLError(.emptyData, "the table has no rows") }
        guard !terms.isEmpty else { throw MarketingMLError(.emptyData, "the recipe has no terms") }
        if let targets {
            guard targets.values[0].count == table.rowCount else {
                throw MarketingMLError(
                    .shapeMismatch,
                    "\(targets.values[0].count) targets for \(table.rowCount) rows: there must be one a row")
            }
            if let row = targets.values[0].firstIndex(where: { !$0.isFinite }) {
                throw MarketingMLError(
                    .notFinite, "the target is \(targets.values[0][row])", at: .init(row: row + 1))
            }
        }
        var fitted: [[FittedFactor]] = []
        var crossFitted: [[Int]: any RowEncoder] = [:]
        for (index, term) in terms.enumerated() {
            var factors: [FittedFactor] = []
            try Task.checkCancellation()
            let event = ProgressEvent(
                phase: .loading, step: index, total: terms.count, message: term.description)
            if progress?(event) == .stop { throw CancellationError() }
            for (place, factor) in term.factors.enumerated() {
                let column = try table[factor.column]
                let made = try Self.fit(factor.encoding, column, targets, dropsFirst: dropsFirst)
                factors.append(made)
                if case .target(let smoothing, let count, _) = factor.encoding,
                    case .target(let target) = made,
                    let targets, let seed
                {
                    let folds = try targets.folds(count, seed: seed &+ UInt64(index))
                    crossFitted[[index, place]] = target.crossFitted(
                        column, targets, smoothing, folds: folds)
                }
            }
            fitted.append(factors)
        }
        return (try FittedFeatureEncoder(fitted, layout: layout), crossFitted)
    }

    private static func fit(
        _ encoding: ColumnEncoding, _ column: Table.Column, _ targets: EncodingTargets?, dropsFirst: Bool
    ) throws(MarketingMLError) -> FittedFactor {
        switch encoding {
        case .numeric(let standardised, let missing):
            return .numeric(try NumericFactor(column, standardised: standardised, missing))
        case .spline(let basis, let knots, let placement, let missing):
            return .spline(
                try SplineFactor(column, basis, knots: knots, placement, missing, dropsFirst: dropsFirst))
        case .bins(let count, let missing):
            return .bins(try BinsFactor(column, count: count, missing, dropsFirst: dropsFirst))
        case .oneHot(let unseen, let missing, let minimum):
            return .oneHot(
                try OneHotFactor(column, unseen, missing, minimumCount: minimum, dropsFirst: dropsFirst))
        case .target(let smoothing, _, let standardised):
            guard let targets else {
                throw MarketingMLError(
                    .invalidOption, "a target encoding needs the targets or labels of the rows",
                    at: .init(name: column.name))
            }
            return .target(try TargetFactor(column, targets, smoothing, standardised: standardised))
        case .text(let encoding): return .text(try TextFactor(column, encoding))
        }
    }
}

extension FeatureEncoder: CustomStringConvertible {
    /// A line a term.
    public var description: String { terms.map(\.description).joined(separator: "\n") }
}
