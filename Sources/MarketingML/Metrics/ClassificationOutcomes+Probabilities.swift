import Tensor

#if canImport(Darwin)
    import func Darwin.log
#elseif canImport(Musl)
    import func Musl.log
#else
    import func Glibc.log
#endif

extension ClassificationOutcomes {
    /// Log loss, Brier score or calibration error under weights; nil if all are 0.
    func probabilityValue(of scoring: Scoring, _ weights: [Double]?) -> Double? {
        guard let probabilities else { return nil }
        if case .expectedCalibrationError(let bins) = scoring {
            return calibrationError(probabilities, bins, weights)
        }
        var (sum, total) = (0.0, 0.0)
        for (index, truth) in truth.enumerated() {
            let weight = weights?[index] ?? 1
            let row = probabilities[index * classCount..<(index + 1) * classCount]
            let start = row.startIndex
            total += weight
            if scoring == .logLoss {
                let smallest = Double.ulpOfOne
                sum -= weight * log(min(max(row[start + truth], smallest), 1 - smallest))
            } else if classCount == 2 {
                let miss = row[start + 1] - Double(truth)
                sum += weight * miss * miss
            } else {
                for (column, probability) in row.enumerated() {
                    let miss = probability - (column == truth ? 1 : 0)
                    sum += weight * miss * miss
                }
            }
        }
        return total > 0 ? sum / total : nil
    }

    /// Of two classes, of the probability of the second; of more, of the largest probability's being right.
    private func calibrationError(_ probabilities: [Double], _ bins: Int, _ weights: [Double]?) -> Double? {
        var stated: [Double] = []
        var isRight: [Bool] = []
        for (index, truth) in truth.enumerated() {
            let row = Array(probabilities[index * classCount..<(index + 1) * classCount])
            let answer =
                classCount == 2 ? 1 : row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }
            stated.append(row[answer])
            isRight.append(truth == answer)
        }
        return try? CalibrationCurve(
            probabilities: stated, isPositive: isRight, weights: weights, bins: bins
        ).expectedError
    }
}
