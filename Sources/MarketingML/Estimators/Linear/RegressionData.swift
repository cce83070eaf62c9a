import Tensor

/// What a regression predicts: one number an example ([N], an array or a tensor) or several (a tensor [N, T]).
public protocol RegressionTargets: Sendable {
    /// The numbers, in double precision: [N] or [N, T].
    var targetTensor: Tensor<Double> { get }
}

extension Array: RegressionTargets where Element: TensorFloatingPoint {
    /// The numbers: [N].
    public var targetTensor: Tensor<Double> {
        withUnsafeBytes { bytes in
            guard Element.self == Float.self else {
                return Tensor([Double](bytes.bindMemory(to: Double.self)))
            }
            let numbers = bytes.bindMemory(to: Float.self)
            var result = Tensor<Double>.zeros([numbers.count])
            result.withUnsafeMutableElements { result in
                for index in numbers.indices { result[index] = Double(numbers[index]) }
            }
            return result
        }
    }
}

extension Tensor: RegressionTargets where Scalar: TensorFloatingPoint {
    /// The numbers in double precision, in the same shape.
    public var targetTensor: Tensor<Double> {
        if let tensor = self as? Tensor<Float> {
            return tensor.withUnsafeElements { Tensor<Double>(shape: shape, $0.map { Double($0) }) }
        }
        if let tensor = self as? Tensor<Double> { return tensor.detached }
        preconditionFailure("floating tensors are of Float or Double")
    }
}

/// Examples of a regression, checked: N examples of D features with T targets each, and weights.
struct RegressionData {
    let features: Features
    /// [N, T].
    let targets: Tensor<Double>
    /// One an example; nil counts all the same.
    let weights: [Double]?
    /// Whether the targets came as one number an example rather than as a matrix.
    let hasOneTarget: Bool

    var exampleCount: Int { features.exampleCount }
    var featureCount: Int { features.featureCount }
    var targetCount: Int { targets.shape[1] }

    /// Checks everything but the features' elements, which a solver sees in its sums.
    init(_ features: some FeatureMatrix, _ targets: some RegressionTargets, _ weights: [Double]?)
        throws(MarketingMLError)
    {
        let features = features.features
        try features.checkShape()
        let numbers = targets.targetTensor
        guard numbers.rank == 1 || numbers.rank == 2, numbers.shape[0] == features.exampleCount else {
            throw MarketingMLError(
                .shapeMismatch,
                "expected targets of \(features.exampleCount) examples, found the shape \(numbers.shape)")
        }
        guard numbers.count > 0 else { throw MarketingMLError(.emptyData, "there are no targets") }
        let width = numbers.count / features.exampleCount
        if let place = numbers.withUnsafeElements({ $0.firstIndex { !$0.isFinite } }) {
            throw MarketingMLError(
                .notFinite,
                "the target of example \(place / width) is \(numbers.elements[place]); all must be finite")
        }
        if let weights { try RegressionData.check(weights, exampleCount: features.exampleCount) }
        self.features = features
        self.targets = numbers.reshaped(features.exampleCount, width)
        self.weights = weights
        hasOneTarget = numbers.rank == 1
    }

    private init(_ features: Features, targets: Tensor<Double>, weights: [Double]?, hasOneTarget: Bool) {
        self.features = features
        self.targets = targets
        self.weights = weights
        self.hasOneTarget = hasOneTarget
    }

    /// The examples at these indices.
    func rows(_ indices: [Int]) -> RegressionData {
        RegressionData(
            features.rows(indices), targets: targets.rows(indices),
            weights: weights.map { weights in indices.map { weights[$0] } }, hasOneTarget: hasOneTarget)
    }

    /// Calls `body` with the numbers of one target, N of them.
    func withTarget<Result>(_ index: Int, _ body: (UnsafePointer<Double>?) -> Result) -> Result {
        guard targetCount > 1 else { return targets.withUnsafeElements { body($0.baseAddress) } }
        return target(index).withUnsafeBufferPointer { body($0.baseAddress) }
    }

    /// The numbers of one target: [N].
    func target(_ index: Int) -> [Double] {
        let width = targetCount
        if width == 1 { return targets.elements }
        return targets.withUnsafeElements { all in (0..<exampleCount).map { all[$0 * width + index] } }
    }

    /// - Throws: `.shapeMismatch`, `.notFinite`, `.invalidOption` for negative weights or none above 0.
    static func check(_ weights: [Double], exampleCount: Int) throws(MarketingMLError) {
        guard weights.count == exampleCount else {
            throw MarketingMLError(
                .shapeMismatch,
                "expected a weight for each of \(exampleCount) examples, found \(weights.count)")
        }
        guard let bad = weights.firstIndex(where: { !($0 >= 0 && $0 < .infinity) }) else {
            guard weights.contains(where: { $0 > 0 }) else {
                throw MarketingMLError(.invalidOption, "all weights are 0")
            }
            return
        }
        throw MarketingMLError(
            weights[bad].isFinite ? .invalidOption : .notFinite,
            "the weight of example \(bad) is \(weights[bad]); weights must be finite and at least 0")
    }
}
