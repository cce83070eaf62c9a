internal import CTensorKernels

/// The loss of examples as a function of their margins, one or several an example, with its derivatives.
package protocol MarginLoss: Sendable {
    /// Margins an example (m).
    var outputs: Int { get }

    /// Σ of the loss over a range of examples.
    ///
    /// Margin k of the range's example i is `margins[k * stride + i]`; results go to `[k * RowCut.block + i]`
    /// likewise. The matrix of second derivatives of an example is diag(curvatures) for one margin; for
    /// several its element k ≠ l is −couplings[k] · couplings[l].
    func evaluate(
        _ range: Range<Int>, margins: UnsafePointer<Double>, stride: Int,
        slopes: UnsafeMutablePointer<Double>,
        curvatures: UnsafeMutablePointer<Double>, couplings: UnsafeMutablePointer<Double>
    ) -> Double

    /// Σ of the loss alone over a range.
    func value(_ range: Range<Int>, margins: UnsafePointer<Double>, stride: Int) -> Double
}

/// The losses of one margin: of binary logistic regression and of generalised linear models with a
/// logarithmic link.
package struct SingleMarginLoss: MarginLoss {
    /// Which loss; constant terms are left out.
    package enum Kind: Sendable, Equatable {
        /// log(1 + eᵐ) − y m, y 0 or 1.
        case logistic
        /// eᵐ − y m.
        case poisson
        /// y e⁻ᵐ + m.
        case gamma
        /// e^((2−p)m)/(2−p) − y e^((1−p)m)/(1−p), p neither 1 nor 2. Above 2 the curvature is the expected
        /// one.
        case tweedie(power: Double)

        var kernel: (loss: Int32, power: Double) {
            switch self {
            case .logistic: (Int32(MML_LOGISTIC.rawValue), 0)
            case .poisson: (Int32(MML_POISSON.rawValue), 0)
            case .gamma: (Int32(MML_GAMMA.rawValue), 0)
            case .tweedie(let power): (Int32(MML_TWEEDIE.rawValue), power)
            }
        }
    }

    /// Which loss.
    package let kind: Kind
    /// Of each example.
    package let targets: [Double]
    /// Of each example; nil for all 1.
    package let weights: [Double]?

    package init(_ kind: Kind, targets: [Double], weights: [Double]?) {
        self.kind = kind
        self.targets = targets
        self.weights = weights
    }

    package var outputs: Int { 1 }

    package func evaluate(
        _ range: Range<Int>, margins: UnsafePointer<Double>, stride: Int,
        slopes: UnsafeMutablePointer<Double>,
        curvatures: UnsafeMutablePointer<Double>, couplings: UnsafeMutablePointer<Double>
    ) -> Double {
        losses(range, margins, slopes, curvatures)
    }

    package func value(_ range: Range<Int>, margins: UnsafePointer<Double>, stride: Int) -> Double {
        losses(range, margins, nil, nil)
    }

    private func losses(
        _ range: Range<Int>, _ margins: UnsafePointer<Double>, _ slopes: UnsafeMutablePointer<Double>?,
        _ curvatures: UnsafeMutablePointer<Double>?
    ) -> Double {
        let (loss, power) = kind.kernel
        return targets.withUnsafeBufferPointer { targets in
            func call(_ weights: UnsafePointer<Double>?) -> Double {
                guard let targets = targets.baseAddress else { return 0 }
                return mml_margin_losses(
                    MML_F64, loss, power, range.count, margins, targets + range.lowerBound,
                    weights.map { $0 + range.lowerBound }, slopes, curvatures)
            }
            guard let weights else { return call(nil) }
            return weights.withUnsafeBufferPointer { call($0.baseAddress) }
        }
    }
}

/// The loss of multinomial logistic regression: log Σₖ exp mₖ − m of the example's own class.
package struct SoftmaxLoss: MarginLoss {
    /// Margins an example: the number of classes, or one less with a reference class.
    package let outputs: Int
    /// Whether class 0 has no margin of its own, but 0.
    package let hasReference: Bool
    /// The class of each example.
    package let targets: [Int32]
    /// Of each example; nil for all 1.
    package let weights: [Double]?

    package init(classes: Int, hasReference: Bool, targets: [Int32], weights: [Double]?) {
        outputs = hasReference ? classes - 1 : classes
        self.hasReference = hasReference
        self.targets = targets
        self.weights = weights
    }

    package func evaluate(
        _ range: Range<Int>, margins: UnsafePointer<Double>, stride: Int,
        slopes: UnsafeMutablePointer<Double>,
        curvatures: UnsafeMutablePointer<Double>, couplings: UnsafeMutablePointer<Double>
    ) -> Double {
        let block = RowCut.block
        // The kernel has one stride for margins and probabilities.
        for output in 0..<outputs {
            (slopes + output * block).update(from: margins + output * stride, count: range.count)
        }
        let total = losses(range, slopes, block, couplings)
        let first: Int32 = hasReference ? 1 : 0
        for output in 0..<outputs {
            let own = Int32(output) + first
            for index in 0..<range.count {
                let place = output * block + index
                let weight = weights.map { $0[range.lowerBound + index] } ?? 1
                let probability = couplings[place]
                let hit = targets[range.lowerBound + index] == own
                slopes[place] = weight * (probability - (hit ? 1 : 0))
                curvatures[place] = weight * probability * (1 - probability)
                couplings[place] = weight.squareRoot() * probability
            }
        }
        return total
    }

    package func value(_ range: Range<Int>, margins: UnsafePointer<Double>, stride: Int) -> Double {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * outputs * RowCut.block) { scratch in
            guard let scratch = scratch.baseAddress else { return 0 }
            let block = RowCut.block
            var total = 0.0
            for start in Swift.stride(from: range.lowerBound, to: range.upperBound, by: block) {
                let part = start..<min(range.upperBound, start + block)
                for output in 0..<outputs {
                    (scratch + output * block).update(
                        from: margins + output * stride + start - range.lowerBound, count: part.count)
                }
                total += losses(part, scratch, block, scratch + outputs * block)
            }
            return total
        }
    }

    private func losses(
        _ range: Range<Int>, _ margins: UnsafePointer<Double>, _ stride: Int,
        _ probabilities: UnsafeMutablePointer<Double>
    ) -> Double {
        targets.withUnsafeBufferPointer { targets in
            func call(_ weights: UnsafePointer<Double>?) -> Double {
                guard let targets = targets.baseAddress else { return 0 }
                return mml_softmax_losses(
                    MML_F64, range.count, outputs, stride, margins, hasReference ? 1 : 0,
                    targets + range.lowerBound, weights.map { $0 + range.lowerBound }, probabilities)
            }
            guard let weights else { return call(nil) }
            return weights.withUnsafeBufferPointer { call($0.baseAddress) }
        }
    }
}
