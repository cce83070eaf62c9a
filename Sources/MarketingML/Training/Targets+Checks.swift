extension Targets {
    /// Checks that these are targets that `loss` can compare with a model's output.
    ///
    /// - Parameters:
    ///   - loss: The loss.
    ///   - output: What an example looks like behind the model.
    /// - Throws: `.shapeMismatch`, `.invalidOption` or `.notFinite` with the first target that does not fit.
    func check(for loss: Loss, output: LayerShape) throws {
        guard let width = output.width else { throw output.mismatch("a model whose output are vectors") }
        switch (output, stepsOfExamples) {
        case (.sequence, nil):
            throw output.mismatch(
                "one vector an example for one target an example (a recurrent layer that returns its last state, or a pooling layer)"
            )
        case (.vector, .some): throw output.mismatch("sequences, for targets of every step")
        default: break
        }
        let takesClasses = loss.takesClasses(width)
        switch flattened {
        case .classes(let classes):
            if takesClasses {
                guard width > 1 else {
                    throw MarketingMLError(
                        .shapeMismatch,
                        "classes need an output each, the model has 1: take binaryCrossEntropy, or more units",
                        at: .init(name: "targets"))
                }
                try require(classes, "a class in 0 ..< \(width)") { 0 <= $0 && $0 < Int32(clamping: width) }
            } else {
                guard width == 1 else { throw width.mismatch(found: 1) }
                if let range = loss.targetRange {
                    try require(classes, "in \(range)") { range.contains(Double($0)) }
                }
            }
        case .values(let values):
            guard values.columnCount == width else { throw width.mismatch(found: values.columnCount) }
            guard values.allFinite else {
                throw MarketingMLError(.notFinite, "hold NaN or infinity", at: .init(name: "targets"))
            }
            if let range = loss.targetRange {
                try require(values.elements, "in \(range)") { range.contains(Double($0)) }
            }
        default: break
        }
    }

    private func require<Value>(_ values: [Value], _ expected: String, _ fits: (Value) -> Bool) throws {
        guard let index = values.firstIndex(where: { !fits($0) }) else { return }
        throw MarketingMLError(
            .invalidOption, "expected \(expected), found \(values[index]) as target \(index) (from 0)",
            at: .init(name: "targets"))
    }
}

extension Int {
    /// The error of a model with this many outputs.
    fileprivate func mismatch(found: Int) -> MarketingMLError {
        MarketingMLError(
            .shapeMismatch, "the model has \(self) outputs, the targets have \(found) values an example",
            at: .init(name: "targets"))
    }
}

extension Loss {
    /// Where targets must lie.
    fileprivate var targetRange: ClosedRange<Double>? {
        switch kind {
        case .binaryCrossEntropy, .crossEntropy, .focal: 0...1
        case .hinge: -1...1
        default: nil
        }
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validate() throws {
        switch kind {
        case .binaryCrossEntropy(let smoothing), .crossEntropy(let smoothing):
            try requireOption(0..<1 ~= smoothing, "labelSmoothing", "in [0, 1)", smoothing)
        case .huber(let delta): try requireOption(delta > 0, "delta", "above 0", delta)
        case .focal(let gamma, let alpha):
            try requireOption(gamma >= 0, "gamma", "at least 0", gamma)
            try requireOption(alpha.map { 0...1 ~= $0 } ?? true, "alpha", "in 0...1", alpha ?? 0)
        default: break
        }
    }
}
