import CTensorKernels
import Testing

@Suite struct OptimizerKernelTests {
    @Test(arguments: kernelSizes) func adamW(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count)
            let w = Guarded<Scalar>(numbers.array(count)), m = Guarded<Scalar>(zeros: count)
            let v = Guarded<Scalar>(zeros: count)
            let (exactW, exactM, exactV) = (w.copy, m.copy, v.copy)
            for step in 1...4 {
                let (b1, b2) = (pow(0.9, step), pow(0.999, step))
                var settings = mml_adamw_step(
                    learning_rate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1,
                    l2: 0.03,
                    correction1: 1 - b1, correction2: 1 - b2, gradient_scale: 0.7)
                let g = Guarded<Scalar>(numbers.array(count))
                mml_adamw(Scalar.mmlType, count, &settings, g.pointer, w.pointer, m.pointer, v.pointer)
                mml_reference_adamw(
                    Scalar.mmlType, count, &settings, g.pointer, exactW.pointer, exactM.pointer,
                    exactV.pointer)
            }
            expectSame(w, exactW, "weights")
            expectSame(m, exactM, "means")
            expectSame(v, exactV, "squares")
        }
        check(Float.self)
        check(Double.self)
    }

    /// Rows take what they missed, and then a step with a gradient; the others stay as they are.
    @Test(arguments: [1, 7, 8, 19, 130]) func adamWOfRows(width: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let steps = (1...4).map { step in
                mml_adamw_step(
                    learning_rate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
                    weight_decay: step == 2 ? 0.1 : 0, l2: step == 3 ? 0.03 : 0,
                    correction1: 1 - pow(0.9, step), correction2: 1 - pow(0.999, step), gradient_scale: 0.7)
            }
            let (rows, done): ([Int32], [Int32]) = ([4, 0, 2], [0, 3, 1])
            var numbers = TestNumbers(width)
            let w = Guarded<Scalar>(numbers.array(6 * width)), m = Guarded<Scalar>(numbers.array(6 * width))
            let v = Guarded<Scalar>(numbers.array(6 * width).map { $0 * $0 })
            // Row 0 has no moments: only what decays moves it.
            for column in 0..<width { (m.pointer[column], v.pointer[column]) = (0, 0) }
            let g = Guarded<Scalar>(numbers.array(3 * width))
            let (exactW, exactM, exactV) = (w.copy, m.copy, v.copy)
            for gradient in [nil, g] {
                let pointer = gradient.map { UnsafeRawPointer($0.pointer) }
                mml_adamw_rows(
                    Scalar.mmlType, 3, width, rows, done, steps, 3, pointer, w.pointer, m.pointer, v.pointer)
                mml_reference_adamw_rows(
                    Scalar.mmlType, 3, width, rows, done, steps, 3, pointer, exactW.pointer, exactM.pointer,
                    exactV.pointer)
            }
            expectSame(w, exactW, "weights")
            expectSame(m, exactM, "means")
            expectSame(v, exactV, "squares")
        }
        check(Float.self)
        check(Double.self)
    }

    private func pow(_ base: Double, _ exponent: Int) -> Double {
        (0..<exponent).reduce(1) { power, _ in power * base }
    }

    /// torch.optim.AdamW([1., -2.], lr=0.1, weight_decay=0.5) after gradients [0.5, -1] and [0.25, 3].
    @Test func adamWOfPyTorch() {
        let w = Guarded<Double>([1, -2]), m = Guarded<Double>(zeros: 2), v = Guarded<Double>(zeros: 2)
        for (step, gradient) in [[0.5, -1], [0.25, 3]].enumerated() {
            var settings = mml_adamw_step(
                learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.5, l2: 0,
                correction1: 1 - pow(0.9, step + 1), correction2: 1 - pow(0.999, step + 1), gradient_scale: 1)
            mml_adamw(
                MML_F64, 2, &settings, Guarded<Double>(gradient).pointer, w.pointer, m.pointer, v.pointer)
        }
        expectSame(w, Guarded([0.7142820403774623, -1.759418984058744]), "weights", within: 1e-12)
    }

    @Test func adamWKeepsNaN() {
        let w = Guarded<Float>([1, 1]), m = Guarded<Float>(zeros: 2), v = Guarded<Float>(zeros: 2)
        var settings = mml_adamw_step(
            learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0, l2: 0,
            correction1: 0.1,
            correction2: 0.001, gradient_scale: 1)
        mml_adamw(MML_F32, 2, &settings, Guarded<Float>([.nan, 1]).pointer, w.pointer, m.pointer, v.pointer)
        #expect(w.values[0].isNaN && abs(w.values[1] - 0.9) < 1e-6)
    }
}
