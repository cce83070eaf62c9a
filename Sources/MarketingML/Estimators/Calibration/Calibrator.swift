import Tensor

/// How decision values are turned into probabilities.
public enum CalibrationMethod: String, Sendable, Codable, CaseIterable {
    /// A sigmoid of the score (``PlattScaling``): two numbers, for few examples.
    case platt
    /// Any nondecreasing function of the score (``IsotonicRegression``): for some thousand examples.
    case isotonic
    /// The softmax of the scores over a temperature (``TemperatureScaling``): one number for all classes.
    case temperature
}

/// A fitted calibration: decision values of K classes to probabilities.
///
/// For more than two classes, Platt and isotonic calibrate each class against the rest and divide by the sum. Of two classes,
/// the temperature's logits are (0, d).
public struct Calibrator: Sendable, Equatable, Codable {
    private enum Function: Sendable, Equatable, Codable {
        case platt([PlattScaling])
        case isotonic([IsotonicRegression])
        case temperature(TemperatureScaling)
    }

    /// Number of classes (K).
    public let classCount: Int
    private let function: Function

    /// The method.
    public var method: CalibrationMethod {
        switch function {
        case .platt: .platt
        case .isotonic: .isotonic
        case .temperature: .temperature
        }
    }

    /// Fits a calibration to decision values of examples that the model was not fitted on.
    ///
    /// - Throws: `.emptyData` if a class has no examples.
    public init(_ method: CalibrationMethod, _ outcomes: ClassificationOutcomes) throws(MarketingMLError) {
        let classCount = outcomes.classCount
        self.classCount = classCount
        let (values, weights) = (outcomes.decisionValues, outcomes.weights)
        func scores(_ index: Int) -> (scores: [Double], isClass: [Bool]) {
            if classCount == 2 { return (values, outcomes.truth.map { $0 == 1 }) }
            return (
                stride(from: index, to: values.count, by: classCount).map { values[$0] },
                outcomes.truth.map { $0 == index }
            )
        }
        switch method {
        case .platt:
            var functions: [PlattScaling] = []
            for index in 0..<(classCount == 2 ? 1 : classCount) {
                let (scores, isClass) = scores(index)
                functions.append(try PlattScaling(scores: scores, isPositive: isClass, weights: weights))
            }
            function = .platt(functions)
        case .isotonic:
            var functions: [IsotonicRegression] = []
            for index in 0..<(classCount == 2 ? 1 : classCount) {
                let (scores, isClass) = scores(index)
                _ = try checkedKinds(scores, isClass, weights)
                functions.append(
                    try IsotonicRegression(x: scores, y: isClass.map { $0 ? 1 : 0 }, weights: weights))
            }
            function = .isotonic(functions)
        case .temperature:
            function = .temperature(
                try TemperatureScaling(
                    logits: classCount == 2 ? values.flatMap { [0, $0] } : values, truth: outcomes.truth,
                    classCount: classCount, weights: weights))
        }
    }

    /// Fits a calibration to the scores of examples that are positive or not.
    ///
    /// - Throws: `.shapeMismatch`, `.notFinite`, `.emptyData`, `.invalidOption`.
    public init(
        _ method: CalibrationMethod, scores: [Double], isPositive: [Bool], weights: [Double]? = nil
    ) throws(MarketingMLError) {
        try self.init(
            method,
            ClassificationOutcomes(
                classCount: 2, truth: isPositive.map { $0 ? 1 : 0 }, predicted: isPositive.map { $0 ? 1 : 0 },
                decisionValues: scores, weights: weights))
    }

    /// The probabilities that belong to decision values ([N] for two classes, else [N, K]): [N, K], row by row, rows sum
    /// to 1.
    public func probabilities(of decisionValues: [Double]) -> [Double] {
        let width = classCount == 2 ? 1 : classCount
        precondition(
            decisionValues.count % width == 0, "\(decisionValues.count) values, expected rows of \(width)")
        switch function {
        case .platt(let functions):
            return rows(decisionValues) { functions[$0].probability(of: $1) }
        case .isotonic(let functions):
            return rows(decisionValues) { functions[$0]($1) }
        case .temperature(let function):
            return stride(from: 0, to: decisionValues.count, by: width).flatMap { start in
                let row = decisionValues[start..<start + width]
                return function.probabilities(of: classCount == 2 ? [0] + row : Array(row))
            }
        }
    }

    /// One against the rest, divided by the sum; where no class is possible, all are the same.
    private func rows(_ values: [Double], _ probability: (Int, Double) -> Double) -> [Double] {
        if classCount == 2 {
            return values.flatMap { value -> [Double] in
                let positive = probability(0, value)
                return [1 - positive, positive]
            }
        }
        return stride(from: 0, to: values.count, by: classCount).flatMap { start -> [Double] in
            let row = (0..<classCount).map { probability($0, values[start + $0]) }
            let sum = row.reduce(0, +)
            return sum > 0 ? row.map { $0 / sum } : row.map { _ in 1 / Double(classCount) }
        }
    }

    /// Whether the numbers of a file make a calibration.
    var isValid: Bool {
        let count = classCount == 2 ? 1 : classCount
        switch function {
        case .platt(let functions):
            return functions.count == count
                && functions.allSatisfy { $0.slope.isFinite && $0.intercept.isFinite }
        case .isotonic(let functions):
            return functions.count == count
                && functions.allSatisfy { function in
                    function.x.count == function.y.count && !function.x.isEmpty
                        && (function.x + function.y).allSatisfy(\.isFinite)
                        && zip(function.x, function.x.dropFirst()).allSatisfy { $0 < $1 }
                        && zip(function.y, function.y.dropFirst()).allSatisfy { $0 <= $1 }
                        && function.y.allSatisfy { 0 <= $0 && $0 <= 1 }
                }
        case .temperature(let function): return function.temperature > 0 && function.temperature.isFinite
        }
    }
}
