import Foundation
import MarketingML
import TestSupport
import Testing

/// Ten steps from given gradients: PyTorch's weights (`optimizers.py`) and Keras' (`keras_listing.py`).
@Suite struct OptimizerReferenceTests {
    private struct Pair: Parameterized {
        var weight: Tensor<Float>
        var bias: Tensor<Float>
        mutating func forEachParameter(_ body: (String, inout Tensor<Float>) throws -> Void) rethrows {
            try body("weight", &weight)
            try body("bias", &bias)
        }
    }

    /// Gradients of exactly the given values: those of Σ w g.
    private func gradients(_ pair: Pair, _ file: SafeTensorsFile, step: Int) throws -> Gradients<Float> {
        let weight: Tensor<Float> = try file.tensor("gradient.weight", shape: [10, 3, 5])
        let bias: Tensor<Float> = try file.tensor("gradient.bias", shape: [10, 4])
        return valueAndGradient(of: pair) { pair in
            (pair.weight * weight.rows(step..<step + 1).reshaped(3, 5)).sum()
                + (pair.bias * bias.rows(step..<step + 1).reshaped(4)).sum()
        }.gradients
    }

    private func start(_ file: SafeTensorsFile) throws -> Pair {
        try Pair(
            weight: file.tensor("start.weight", shape: [3, 5]), bias: file.tensor("start.bias", shape: [4]))
    }

    private func check(
        _ optimizers: [String: any Optimizer<Float>], against name: String, tolerance: Double
    ) throws {
        let given = try fixture("optimizers")
        let expected = try fixture(name)
        for (name, optimizer) in optimizers.sorted(by: { $0.key < $1.key }) {
            var optimizer = optimizer
            var pair = try start(given)
            for step in 0..<10 { optimizer.update(&pair, with: try gradients(pair, given, step: step)) }
            for (part, value) in [("weight", pair.weight), ("bias", pair.bias)] {
                let target: Tensor<Float> = try expected.tensor("after.\(name).\(part)", shape: value.shape)
                expectClose(
                    value.elements, target.elements, absolute: tolerance, relative: tolerance,
                    "\(name) \(part)")
            }
        }
    }

    @Test func pytorch() throws {
        try check(
            [
                "sgd": SGD<Float>(learningRate: 0.1),
                "sgd-momentum": SGD<Float>(learningRate: 0.1, momentum: 0.9),
                "sgd-nesterov": SGD<Float>(
                    learningRate: 0.1, momentum: 0.8, nesterov: true, weightDecay: 0.02),
                "adam": Adam<Float>(learningRate: 0.05),
                "adam-l2": Adam<Float>(
                    learningRate: 0.05, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1),
                "adamw": AdamW<Float>(learningRate: 0.05, weightDecay: 0.1),
                "rmsprop": RMSprop<Float>(learningRate: 0.05),
                "rmsprop-centered": RMSprop<Float>(
                    learningRate: 0.02, decay: 0.9, epsilon: 1e-6, momentum: 0.7, centered: true,
                    weightDecay: 0.03),
                "adagrad": Adagrad<Float>(learningRate: 0.1),
                "adagrad-decay": Adagrad<Float>(
                    learningRate: 0.1, learningRateDecay: 0.2, initialAccumulator: 0.1, epsilon: 1e-6,
                    weightDecay: 0.03),
                "lion": Lion<Float>(learningRate: 0.01, weightDecay: 0.1),
            ], against: "optimizers", tolerance: 2e-6)
    }

    @Test func keras() throws {
        try check(
            [
                "sgd-nesterov": SGD<Float>(learningRate: 0.1, momentum: 0.8, nesterov: true),
                "adam": Adam<Float>(learningRate: 0.05, epsilon: 1e-7, placement: .keras),
                "rmsprop": RMSprop<Float>.keras(learningRate: 0.05),
                "rmsprop-centered": RMSprop<Float>.keras(learningRate: 0.02, momentum: 0.7, centered: true),
                "adagrad": Adagrad<Float>.keras(learningRate: 0.1),
                "lion": Lion<Float>(learningRate: 0.01),
            ], against: "keras-optimizers", tolerance: 3e-6)
    }

    /// Keras and PyTorch do differ where this library has both.
    @Test func variantsDiffer() throws {
        let (ours, theirs) = (try fixture("optimizers"), try fixture("keras-optimizers"))
        for name in ["adam", "rmsprop", "adagrad"] {
            let a: Tensor<Float> = try ours.tensor("after.\(name).weight")
            let b: Tensor<Float> = try theirs.tensor("after.\(name).weight")
            #expect(zip(a.elements, b.elements).contains { abs($0 - $1) > 1e-4 }, "\(name)")
        }
    }

    @Test func stateIsRestoredToTheSameBits() throws {
        let file = try fixture("optimizers")
        let optimizers: [any Optimizer<Float>] = [
            SGD<Float>(momentum: 0.9), Adam<Float>(), AdamW<Float>(),
            RMSprop<Float>(momentum: 0.5, centered: true), Adagrad<Float>(), Lion<Float>(),
        ]
        for fresh in optimizers {
            var (optimizer, pair) = (fresh, try start(file))
            for step in 0..<4 { optimizer.update(&pair, with: try gradients(pair, file, step: step)) }
            var (resumed, other) = (fresh, pair)
            resumed.restore(optimizer.state, step: optimizer.step, parameterCount: 2)
            for step in 4..<8 {
                optimizer.update(&pair, with: try gradients(pair, file, step: step))
                resumed.update(&other, with: try gradients(other, file, step: step))
            }
            #expect(pair.weight == other.weight && pair.bias == other.bias, "\(type(of: fresh))")
            #expect(resumed.step == 8)
        }
    }

    @Test func parametersWithoutGradientStay() throws {
        let file = try fixture("optimizers")
        var pair = try start(file)
        let before = pair
        let (_, gradients) = valueAndGradient(of: pair, where: { $0 == "bias" }) { ($0.bias * $0.bias).sum() }
        var optimizer = Adam<Float>()
        optimizer.update(&pair, with: gradients)
        #expect(pair.weight == before.weight && pair.bias != before.bias)
        #expect(optimizer.state.keys.sorted() == ["first.1", "second.1"])
    }

    @Test func optionsAreChecked() {
        let wrong: [(String, any Optimizer<Float>)] = [
            ("learningRate", SGD<Float>(learningRate: 0)), ("momentum", SGD<Float>(nesterov: true)),
            ("beta2", Adam<Float>(beta2: 1)),
            ("epsilon", AdamW<Float>(epsilon: -1)), ("decay", RMSprop<Float>(decay: .nan)),
            ("initialAccumulator", Adagrad<Float>(initialAccumulator: -1)),
            ("beta1", Lion<Float>(beta1: 1.5)),
        ]
        for (name, optimizer) in wrong {
            #expect {
                try optimizer.validate()
            } throws: { error in
                (error as? MarketingMLError)?.code == .invalidOption
                    && (error as? MarketingMLError)?.location.name == name
            }
        }
    }

    @Test func clipping() throws {
        let file = try fixture("optimizers")
        let pair = try start(file)
        var gradients = try gradients(pair, file, step: 0)
        let before = gradients["weight"]?.elements ?? []
        gradients.clip(to: 0.5)
        #expect(gradients["weight"]?.elements == before.map { min(0.5, max(-0.5, $0)) })
        #expect(abs(gradients.norm * gradients.clippingScale(maximumNorm: 0.1) - 0.1) < 1e-6)
    }
}

func fixture(_ name: String) throws -> SafeTensorsFile {
    try SafeTensorsFile(TestData.fixture("\(name).safetensors", .module))
}
