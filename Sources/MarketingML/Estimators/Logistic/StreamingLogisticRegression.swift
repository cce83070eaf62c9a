import Foundation
import Tensor

/// Logistic regression for two classes on examples that never end: FTRL-proximal with a rate of its own for
/// each coefficient (H. B. McMahan et al., "Ad click prediction: a view from the trenches", KDD 2013,
/// doi:10.1145/2487575.2488200).
///
/// The examples' order matters, and each is seen once. For feature i with gradient g of an example's loss,
///
///     σ = (√(nᵢ + g²) − √nᵢ) / α,   zᵢ += g − σ βᵢ,   nᵢ += g²
///     βᵢ = 0 where |zᵢ| ≤ l1,  else −(zᵢ − sign(zᵢ) l1) / ((b + √nᵢ) / α + l2)
///
/// The model can be used, saved and resumed at any time; a resumed one goes on to the same bits.
///
/// ```swift
/// var clicks = try StreamingLogisticRegression(classes: ["skip", "click"], features: .hashed(bits: 20))
/// for batch in stream { let loss = try clicks.update(batch.rows, batch.labels) }
/// ```
public struct StreamingLogisticRegression<Label: Hashable & Sendable & Codable>: Sendable, Equatable {
    /// How many coefficients there are and how features find theirs.
    public enum FeatureSpace: Sendable, Equatable, Codable {
        /// D columns.
        case fixed(count: Int)
        /// Named features, by a hash of their names into 2^bits columns (1 to 30 bits).
        case hashed(bits: Int)

        /// Number of columns.
        public var columnCount: Int {
            switch self {
            case .fixed(let count): count
            case .hashed(let bits): 1 << bits
            }
        }
    }

    /// The rates and penalties.
    public struct Options: Sendable, Equatable, Codable {
        /// α: the first steps' size, above 0.
        public var rate: Double
        /// b: how soon steps become shorter, at least 0.
        public var beta: Double
        /// The penalty of absolute values, at least 0; above 0 most coefficients stay 0.
        public var l1: Double
        /// The penalty of squares, at least 0.
        public var l2: Double
        /// Whether there is an intercept, which is not penalised.
        public var hasIntercept: Bool

        /// Creates options.
        public init(
            rate: Double = 0.1, beta: Double = 1, l1: Double = 0, l2: Double = 0, intercept: Bool = true
        ) {
            self.rate = rate
            self.beta = beta
            self.l1 = l1
            self.l2 = l2
            hasIntercept = intercept
        }
    }

    /// The two classes, in the order given: the second is the positive one.
    public let classes: LabelSet<Label>
    /// How features find their coefficients.
    public let features: FeatureSpace
    /// The rates and penalties.
    public let options: Options
    /// How many examples it has seen.
    public private(set) var exampleCount = 0
    /// z and n of each column, the intercept's at the end.
    private var sums: [Double]
    private var squares: [Double]

    /// Creates a model of coefficients 0.
    ///
    /// - Parameter classes: Two labels: the negative, then the positive class.
    /// - Throws: `.invalidOption`, `.unsupported` for labels that cannot be written to files.
    public init(classes: [Label], features: FeatureSpace, options: Options = Options()) throws {
        guard classes.count == 2, classes[0] != classes[1] else {
            throw MarketingMLError(.invalidOption, "expected two different classes, found \(classes)")
        }
        let sorted = try LabelSet(classes)
        try self.init(
            classes: LabelSet(texts: try sorted.indices(of: classes).map { sorted.texts[$0] }),
            features: features,
            options: options)
    }

    private init(classes: LabelSet<Label>, features: FeatureSpace, options: Options) throws {
        let isValid =
            switch features {
            case .fixed(let count): count > 0 && count < 1 << 31
            case .hashed(let bits): (1...30).contains(bits)
            }
        guard isValid else {
            throw MarketingMLError(
                .invalidOption, "expected a number of features above 0 or 1 to 30 bits, found \(features)")
        }
        guard options.rate > 0,
            [options.beta, options.l1, options.l2].allSatisfy({ $0 >= 0 && $0.isFinite }),
            options.rate.isFinite, options.beta + options.l2 > 0
        else {
            throw MarketingMLError(
                .invalidOption,
                "the rate must be above 0, beta, l1 and l2 at least 0 and beta or l2 above 0, "
                    + "found \(options)"
            )
        }
        self.classes = classes
        self.features = features
        self.options = options
        let width = features.columnCount + 1
        sums = [Double](repeating: 0, count: width)
        squares = [Double](repeating: 0, count: width)
    }

    /// The column of a named feature: the FNV-1a hash of its UTF-8 bytes, folded to the space's bits.
    ///
    /// In a fixed space the result has no meaning.
    public func column(of name: String) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int((hash ^ (hash >> 32)) & UInt64(features.columnCount - 1))
    }

    /// Examples with named features as a matrix over the space's columns; values that fall on one column add
    /// up.
    ///
    /// - Throws: `.invalidOption` unless the space is hashed; `.notFinite`.
    public func encode(_ rows: [[String: Double]]) throws -> SparseMatrix<Float> {
        guard case .hashed = features else {
            throw MarketingMLError(.invalidOption, "named features need a hashed space")
        }
        return try SparseMatrix(
            rows: rows.map { row in
                // In the order of names, so that sums do not depend on the dictionary's.
                row.sorted { $0.key < $1.key }.reduce(into: [:]) { result, entry in
                    result[column(of: entry.key), default: 0] += Float(entry.value)
                }
            }, columnCount: features.columnCount)
    }

    /// Learns from examples with named features; see `update(_:_:weights:)`.
    @discardableResult
    public mutating func update(
        _ rows: [[String: Double]], _ labels: [Label], weights: [Double]? = nil
    ) throws -> Double {
        try update(encode(rows), labels, weights: weights)
    }

    /// Learns from examples, one after the other.
    ///
    /// - Parameters:
    ///   - features: [N, D], D the number of columns.
    ///   - labels: The class of each example.
    ///   - weights: How much each example counts, at least 0.
    /// - Returns: The mean loss of the examples, each judged before it was learned from: an honest estimate
    ///   of the loss to come.
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`, `.invalidOption`, `.unknownLabel`; then
    ///   nothing was learned.
    @discardableResult
    public mutating func update(
        _ features: some FeatureMatrix, _ labels: [Label], weights: [Double]? = nil
    ) throws -> Double {
        let features = features.features
        try features.checkShape(featureCount: self.features.columnCount)
        try features.checkFinite()
        guard labels.count == features.exampleCount else {
            throw MarketingMLError(
                .shapeMismatch,
                "expected as many labels as examples (\(features.exampleCount)), found \(labels.count)")
        }
        try ExampleNumbers.checkWeights(weights, exampleCount: labels.count)
        let targets = try classes.indices(of: labels)
        let matrix: SparseMatrix<Float>
        switch features {
        case .sparse(let sparse): matrix = sparse
        case .float(let dense): matrix = SparseMatrix(dense)
        case .double(let dense):
            matrix = SparseMatrix(Tensor<Float>(shape: dense.shape, dense.elements.map { Float($0) }))
        }
        let loss = learn(matrix, targets, weights)
        exampleCount += labels.count
        return loss / (weights?.reduce(0, +) ?? Double(labels.count))
    }

    private mutating func learn(_ matrix: SparseMatrix<Float>, _ targets: [Int], _ weights: [Double]?)
        -> Double
    {
        let options = options
        let intercept = features.columnCount
        return sums.withUnsafeMutableBufferPointer { sums in
            squares.withUnsafeMutableBufferPointer { squares in
                func learn(_ index: Int, _ gradient: Double) {
                    let coefficient = Self.coefficient(
                        sums[index], squares[index], options, penalised: index != intercept)
                    let grown = squares[index] + gradient * gradient
                    let step = (grown.squareRoot() - squares[index].squareRoot()) / options.rate
                    sums[index] += gradient - step * coefficient
                    squares[index] = grown
                }
                func coefficient(_ index: Int) -> Double {
                    Self.coefficient(sums[index], squares[index], options, penalised: index != intercept)
                }
                var loss = 0.0
                for row in 0..<matrix.rowCount {
                    let span = matrix.rowOffsets[row]..<matrix.rowOffsets[row + 1]
                    var margin = options.hasIntercept ? coefficient(intercept) : 0
                    for place in span {
                        margin += Double(matrix.values[place]) * coefficient(Int(matrix.columnIndices[place]))
                    }
                    let weight = weights?[row] ?? 1
                    let isPositive = targets[row] == 1
                    loss += weight * (max(isPositive ? -margin : margin, 0) + log1p(exp(-abs(margin))))
                    let slope = weight * (isPositive ? -1 / (1 + exp(margin)) : 1 / (1 + exp(-margin)))
                    for place in span {
                        learn(Int(matrix.columnIndices[place]), slope * Double(matrix.values[place]))
                    }
                    if options.hasIntercept { learn(intercept, slope) }
                }
                return loss
            }
        }
    }

    private static func coefficient(_ sum: Double, _ square: Double, _ options: Options, penalised: Bool)
        -> Double
    {
        let l1 = penalised ? options.l1 : 0
        guard abs(sum) > l1 else { return 0 }
        let curvature = (options.beta + square.squareRoot()) / options.rate + (penalised ? options.l2 : 0)
        guard curvature > 0 else { return 0 }
        return -(sum - (sum > 0 ? l1 : -l1)) / curvature
    }

    /// The coefficient of each column.
    public var coefficients: [Double] {
        (0..<features.columnCount).map { Self.coefficient(sums[$0], squares[$0], options, penalised: true) }
    }

    /// The intercept; 0 without one.
    public var intercept: Double {
        let place = features.columnCount
        return options.hasIntercept
            ? Self.coefficient(sums[place], squares[place], options, penalised: false) : 0
    }
}

extension StreamingLogisticRegression: ProbabilisticClassifier {
    /// Number of columns.
    public var featureCount: Int { features.columnCount }

    /// Log odds of the second class: [N].
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func decisionValues(of features: some FeatureMatrix) throws -> Tensor<Double> {
        Tensor(try LinearMargins.of(features.features, [coefficients], [intercept])[0])
    }

    /// The probability of each class: [N, 2].
    ///
    /// - Throws: `.shapeMismatch`, `.emptyData`, `.notFinite`.
    public func probabilities(of features: some FeatureMatrix) throws -> Tensor<Double> {
        let margins = try decisionValues(of: features).elements
        let values: [Double] = margins.flatMap { margin -> [Double] in
            [1 / (1 + exp(margin)), 1 / (1 + exp(-margin))]
        }
        return Tensor(shape: [margins.count, 2], values)
    }
}

extension StreamingLogisticRegression: SavableModel {
    private struct Fields: Codable {
        var classes: [String]
        var features: FeatureSpace
        var options: Options
        var exampleCount: Int
    }

    private static var kind: String { "streaming logistic regression" }

    /// Writes the model and all that learning goes on from to a file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        let fields = Fields(
            classes: classes.texts, features: features, options: options, exampleCount: exampleCount)
        try ModelFile.write(to: url, kind: Self.kind, fields: fields) { writer in
            writer.add("sums", Tensor(sums))
            writer.add("squares", Tensor(squares))
        }
    }

    /// Reads a model that `save` wrote: it gives the same bits, and learns to the same bits.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported` for another kind of model or a newer
    ///   format, `.missingTensor`, `.shapeMismatch`, `.notFinite`, `.unknownLabel`, `.invalidOption`.
    public init(_ url: URL) throws {
        let file = try ModelFile(url, kind: Self.kind)
        let fields: Fields = try file.decode()
        let classes = try LabelSet<Label>(texts: fields.classes)
        guard classes.count == 2 else {
            throw file.malformed("expected two classes, found \(classes.texts)")
        }
        guard 0...1 << 53 ~= fields.exampleCount else {
            throw file.malformed("\(fields.exampleCount) examples", "exampleCount")
        }
        let sums: Tensor<Double> = try file.tensor("sums")
        let squares: Tensor<Double> = try file.tensor("squares", shape: sums.shape)
        // Before anything of the size that the fields state is allocated.
        let width: Int
        switch fields.features {
        case .fixed(let count): width = count
        case .hashed(let bits): width = (1...30).contains(bits) ? 1 << bits : -1
        }
        guard width > 0, width < Int.max, sums.shape == [width + 1] else {
            throw file.malformed("expected the shape [columns + 1], found \(sums.shape)", "sums")
        }
        guard squares.elements.allSatisfy({ $0 >= 0 }) else {
            throw file.malformed("holds a negative sum of squares", "squares")
        }
        try self.init(classes: classes, features: fields.features, options: fields.options)
        self.sums = sums.elements
        self.squares = squares.elements
        exampleCount = fields.exampleCount
    }
}
