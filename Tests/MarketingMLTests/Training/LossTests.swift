import MarketingML
import TestSupport
import Testing

/// Losses and their gradients: PyTorch's (`optimizers.py`), Keras' (`keras_listing.py`), finite differences.
@Suite struct LossTests {
    private func expectSame(
        _ name: String, _ file: SafeTensorsFile, at x: Tensor<Double>,
        _ loss: (Tensor<Double>) -> Tensor<Double>
    ) throws {
        let (value, gradient) = valueAndGradient(at: x, loss)
        let expected: Tensor<Double> = try file.tensor("\(name).loss", shape: [1])
        let expectedGradient: Tensor<Double> = try file.tensor("\(name).gradient", shape: x.shape)
        expectClose([value.item], expected.elements, absolute: 1e-12, relative: 1e-12, name)
        expectClose(
            gradient.elements, expectedGradient.elements, absolute: 1e-12, relative: 1e-11, "\(name) gradient"
        )
    }

    @Test func pytorch() throws {
        let file = try fixture("losses")
        let x: Tensor<Double> = try file.tensor("logits", shape: [6, 4])
        let classes = Targets.classes(try file.integers("classes").elements.map { Int32($0) })
        let onehot = Targets.values(try file.tensor("onehot", shape: [6, 4]))
        let bits = Targets.values(try file.tensor("zero_one", shape: [6, 4]))
        let weights = try file.tensor("weights", as: Double.self).elements
        let bce = Loss.binaryCrossEntropy
        try expectSame("bce", file, at: x) { bce($0, bits, logitsOf: .sigmoid) }
        try expectSame("bce-probabilities", file, at: x) { bce($0.activated(by: .sigmoid), bits) }
        try expectSame("bce-weighted", file, at: x) { bce($0, bits, weights: weights, logitsOf: .sigmoid) }
        try expectSame("bce-smoothing", file, at: x) {
            Loss.binaryCrossEntropy(labelSmoothing: 0.2)($0, bits, logitsOf: .sigmoid)
        }
        for targets in [classes, onehot] {
            try expectSame("ce", file, at: x) { Loss.crossEntropy($0, targets, logitsOf: .softmax) }
            try expectSame("ce", file, at: x) { Loss.crossEntropy($0.softmax(), targets) }
            try expectSame("ce-smoothing", file, at: x) {
                Loss.crossEntropy(labelSmoothing: 0.2)($0, targets, logitsOf: .softmax)
            }
            try expectSame("ce-weighted", file, at: x) {
                Loss.crossEntropy($0, targets, weights: weights, logitsOf: .softmax)
            }
        }
        try expectSame("hinge", file, at: x) { Loss.hinge($0, bits) }
        try expectSame("focal", file, at: x) { Loss.focal(alpha: 0.25)($0, bits, logitsOf: .sigmoid) }
        try expectSame("focal", file, at: x) { Loss.focal(alpha: 0.25)($0.activated(by: .sigmoid), bits) }
        try expectSame("focal-classes", file, at: x) {
            Loss.focal(gamma: 1.5)($0, classes, logitsOf: .softmax)
        }
        try expectSame("focal-classes", file, at: x) { Loss.focal(gamma: 1.5)($0.softmax(), classes) }
        // Targets are held in Float, these are rounded there.
        let soft: Tensor<Float> = try file.tensor("soft", shape: [6, 4])
        let values: Tensor<Float> = try file.tensor("values", shape: [6, 4])
        for (name, loss, targets) in [
            ("ce-soft", Loss.crossEntropy, soft), ("mse", .meanSquaredError, values),
            ("mae", .meanAbsoluteError, values), ("huber", .huber(delta: 0.7), values),
        ] {
            let value = loss(x, .values(targets), logitsOf: name == "ce-soft" ? .softmax : .identity)
            let expected: Tensor<Double> = try file.tensor("\(name).loss", shape: [1])
            expectClose([value.item], expected.elements, absolute: 1e-6, relative: 1e-6, name)
        }
    }

    @Test func keras() throws {
        let file = try fixture("keras-losses")
        let p: Tensor<Double> = try file.tensor("probabilities", shape: [6, 1])
        let targets = Targets.values(try file.tensor("zero_one", shape: [6, 1]))
        let weights = try file.tensor("weights", as: Double.self).elements
        try expectSame("bce", file, at: p) { Loss.binaryCrossEntropy($0, targets) }
        try expectSame("bce-weighted", file, at: p) {
            Loss.binaryCrossEntropy.dividedByCount($0, targets, weights: weights)
        }
        try expectSame("focal", file, at: p) { Loss.focal(alpha: 0.25)($0, targets) }
        let classes = Targets.classes(try file.integers("classes").elements.map { Int32($0) })
        let rows: Tensor<Double> = try file.tensor("rows", shape: [5, 4])
        try expectSame("cce", file, at: rows) { Loss.crossEntropy($0, classes) }
        for (name, loss) in [("huber", Loss.huber(delta: 0.4)), ("hinge", .hinge)] {
            let expected: Tensor<Double> = try file.tensor("\(name).loss", shape: [1])
            expectClose([loss(p, targets).item], expected.elements, absolute: 1e-9, name)
        }
    }

    @Test func finiteDifferences() {
        let x = Tensor<Double>.randomNormal([5, 3], seed: 3)
        let probabilities = Tensor<Double>.randomUniform([5, 3], in: 0.05..<0.95, seed: 4)
        let values = Targets.values(.randomNormal([5, 3], seed: 5))
        let bits = Targets.values(Tensor(shape: [5, 3], (0..<15).map { $0 % 4 < 2 ? 1 : 0 }))
        let classes = Targets.classes([0, 2, 1, 2, 2])
        let weights: [Double] = [1, 0.5, 0, 2, 3]
        for loss in [Loss.meanSquaredError, .meanAbsoluteError, .huber(delta: 0.5), .hinge] {
            expectGradient("\(loss)", at: x, step: 1e-4, tolerance: 1e-6) {
                loss($0, loss == .hinge ? bits : values, weights: weights)
            }
        }
        for loss in [Loss.binaryCrossEntropy(labelSmoothing: 0.1), .focal(gamma: 1.7, alpha: 0.3)] {
            expectGradient("\(loss)", at: x) { loss($0, bits, weights: weights, logitsOf: .sigmoid) }
            expectGradient("\(loss)", at: probabilities) { loss($0, bits) }
        }
        for loss in [Loss.crossEntropy(labelSmoothing: 0.1), .focal(gamma: 1.7)] {
            expectGradient("\(loss)", at: x) { loss($0, classes, weights: weights, logitsOf: .softmax) }
            expectGradient("\(loss)", at: probabilities) { loss($0, classes) }
        }
    }

    @Test func fusedLossIsExactWhereProbabilitiesAreNot() {
        let logits = Tensor<Float>(shape: [2, 1], [-120, 60])
        let targets = Targets.classes([1, 0])
        #expect(Loss.binaryCrossEntropy(logits, targets, logitsOf: .sigmoid).item == 90)
        let clipped = Loss.binaryCrossEntropy(logits.activated(by: .sigmoid), targets).item
        #expect(abs(clipped - 16.118) < 0.01)
    }

    @Test func rowsOfWeightZeroCountForNothing() {
        let x = Tensor<Double>(shape: [2, 1], [.nan, 1])
        let (value, gradient) = valueAndGradient(at: x) {
            Loss.meanSquaredError($0, .values(.zeros([2, 1])), weights: [0, 3])
        }
        #expect(value.item == 1 && gradient.elements == [0, 2])
        #expect(Loss.meanSquaredError(x, .values(.zeros([2, 1]))).item.isNaN)
    }
}
