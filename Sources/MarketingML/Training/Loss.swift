import Foundation

/// What training makes small: the mean over examples of how far a prediction is from its target.
///
/// Cross-entropies read probabilities, as in Keras. Where the last layer is a sigmoid or softmax, its input (the logit) is
/// read instead, which gives the same value without rounding it to 0 or 1 first; a probability that reaches the loss in
/// another way is kept inside 1e-7 ... 1 - 1e-7 as in Keras.
///
/// With weights w the mean is Σ w ℓ / Σ w, as in PyTorch's cross-entropy; ``dividedByCount`` divides by the number of
/// examples, as Keras does.
public struct Loss: Sendable, Hashable, Codable {
    enum Kind: Hashable, Codable {
        case binaryCrossEntropy(smoothing: Double)
        case crossEntropy(smoothing: Double)
        case meanSquaredError
        case meanAbsoluteError
        case huber(delta: Double)
        case hinge
        case focal(gamma: Double, alpha: Double?)
    }

    let kind: Kind
    var dividesByCount = false

    private init(_ kind: Kind) { self.kind = kind }

    /// -(t ln p + (1 - t) ln(1 - p)) for targets t in 0 ... 1, the mean over the outputs.
    public static let binaryCrossEntropy = Loss(.binaryCrossEntropy(smoothing: 0))
    /// Binary cross-entropy with targets moved towards ½: t (1 - s) + s/2, s in [0, 1).
    public static func binaryCrossEntropy(labelSmoothing: Double) -> Loss {
        Loss(.binaryCrossEntropy(smoothing: labelSmoothing))
    }
    /// -Σ t ln p over classes, for targets that are class numbers or rows of probabilities (one-hot).
    public static let crossEntropy = Loss(.crossEntropy(smoothing: 0))
    /// Cross-entropy with targets moved towards all classes: t (1 - s) + s/C, s in [0, 1).
    public static func crossEntropy(labelSmoothing: Double) -> Loss {
        Loss(.crossEntropy(smoothing: labelSmoothing))
    }
    /// The mean over the outputs of (y - t)².
    public static let meanSquaredError = Loss(.meanSquaredError)
    /// The mean over the outputs of |y - t|.
    public static let meanAbsoluteError = Loss(.meanAbsoluteError)
    /// The mean over the outputs of e²/2 where |e| ≤ δ, else δ (|e| - δ/2), with e = y - t.
    public static func huber(delta: Double = 1) -> Loss { Loss(.huber(delta: delta)) }
    /// The mean over the outputs of max(0, 1 - t y) for targets ±1; 0 counts as -1.
    public static let hinge = Loss(.hinge)
    /// Cross-entropy times (1 - p)^γ of the target's probability p (arXiv:1708.02002): binary for one output, else over
    /// classes. α weighs targets 1 by α and targets 0 by 1 - α; it is for binary targets only.
    public static func focal(gamma: Double = 2, alpha: Double? = nil) -> Loss {
        Loss(.focal(gamma: gamma, alpha: alpha))
    }

    /// The same loss with its weighted sum divided by the number of examples instead of by the sum of their weights: Keras'
    /// mean.
    public var dividedByCount: Loss {
        var loss = self
        loss.dividesByCount = true
        return loss
    }

    /// Whether it can read the input of this activation instead of its output.
    func reads(logitsOf activation: Activation) -> Bool {
        switch (kind, activation) {
        case (.binaryCrossEntropy, .sigmoid), (.focal, .sigmoid), (.crossEntropy, .softmax),
            (.focal, .softmax):
            true
        default: false
        }
    }

    /// The weighted mean loss of a batch.
    ///
    /// - Parameters:
    ///   - predictions: [N, D], a row an example (or a step of a sequence).
    ///   - targets: N targets that fit them, see ``check(_:outputs:)``.
    ///   - weights: N weights; nil for all 1.
    ///   - activation: What turns `predictions` into what the loss is defined on, when they are logits.
    public func callAsFunction<Scalar: TensorFloatingPoint>(
        _ predictions: Tensor<Scalar>, _ targets: Targets, weights: [Double]? = nil,
        logitsOf activation: Activation = .identity
    ) -> Tensor<Scalar> {
        if case .crossEntropy(let smoothing) = kind, activation == .softmax, weights == nil,
            case .classes(let classes) = targets.flattened
        {
            return fusedCrossEntropy(predictions, classes, labelSmoothing: smoothing)
        }
        let weights = weights ?? Array(repeating: 1, count: predictions.rowCount)
        let total = divisor(weights)
        let scales = weights.map { total > 0 ? $0 / total : 0 }
        switch targets.flattened {
        case .classes(let classes) where takesClasses(predictions.columnCount):
            return rowLoss(predictions, scales: scales) { row, y, slopes in
                classLoss(y, target: Int(classes[row]), logits: activation == .softmax, &slopes)
            }
        case .classes(let classes):
            return rowLoss(predictions, scales: scales) { row, y, slopes in
                valueLoss(y, [Double(classes[row])], logits: activation != .identity, &slopes)
            }
        case .values(let values):
            let width = values.columnCount
            let elements = values.elements
            return rowLoss(predictions, scales: scales) { row, y, slopes in
                let target = elements[row * width..<(row + 1) * width].map(Double.init)
                return valueLoss(y, target, logits: activation != .identity, &slopes)
            }
        default: preconditionFailure("flattened targets are classes or values")
        }
    }

    /// What the weighted sum of a batch is divided by.
    func divisor(_ weights: [Double]) -> Double {
        dividesByCount ? Double(weights.count) : weights.reduce(0, +)
    }

    /// Whether class numbers are targets among several outputs, rather than values.
    func takesClasses(_ outputs: Int) -> Bool {
        switch kind {
        case .crossEntropy: true
        case .focal: outputs > 1
        default: false
        }
    }

    /// Whether it takes each output for a question of its own.
    var isBinary: Bool {
        switch kind {
        case .binaryCrossEntropy, .hinge: true
        default: false
        }
    }
}

/// The kernel's cross-entropy, for many rows or classes; ``Loss`` hides its name.
private func fusedCrossEntropy<Scalar: TensorFloatingPoint>(
    _ logits: Tensor<Scalar>, _ classes: [Int32], labelSmoothing: Double
) -> Tensor<Scalar> {
    crossEntropy(logits, classes, labelSmoothing: labelSmoothing)
}
