import CTensorKernels
import Testing

/// Steps of SGD, RMSprop, Adagrad and Lion against their scalar references.
@Suite struct OtherOptimizerKernelTests {
    private typealias Step<Scalar: KernelScalar> = (
        inout mml_optimizer_step, Guarded<Scalar>, Guarded<Scalar>, [Guarded<Scalar>?]
    ) -> Void

    /// Four steps of a kernel and of its reference from the same start, with what they remember.
    private func compare<Scalar: KernelScalar>(
        _ count: Int, _ settings: mml_optimizer_step, remembering: [Bool], _ what: String,
        _ kernel: Step<Scalar>, _ reference: Step<Scalar>
    ) {
        var numbers = TestNumbers(count)
        let w = Guarded<Scalar>(numbers.array(count))
        let memory = remembering.map { $0 ? Guarded<Scalar>(zeros: count) : nil }
        let (exactW, exactMemory) = (w.copy, memory.map { $0?.copy })
        for _ in 0..<4 {
            var settings = settings
            let g = Guarded<Scalar>(numbers.array(count))
            kernel(&settings, g, w, memory)
            reference(&settings, g, exactW, exactMemory)
        }
        expectSame(w, exactW, "\(what) weights", within: 4 * Scalar.closeness)
        for (a, b) in zip(memory, exactMemory) {
            if let a, let b { expectSame(a, b, "\(what) memory", within: 4 * Scalar.closeness) }
        }
    }

    private func settings(variant: Int32) -> mml_optimizer_step {
        mml_optimizer_step(
            learning_rate: 1e-2, gradient_scale: 0.7, l2: 0.05, decay: 0.9, decay2: 0.99, momentum: 0.6,
            epsilon: 1e-3, variant: variant)
    }

    @Test(arguments: kernelSizes, [Int32(0), 1]) func likeTheReference(count: Int, variant: Int32) {
        func check<Scalar: KernelScalar>(_ type: Scalar.Type) {
            let type = Scalar.mmlType
            for remembers in [false, true] {
                compare(
                    count, settings(variant: variant), remembering: [remembers], "SGD",
                    { (step: inout _, g: Guarded<Scalar>, w, m) in
                        mml_sgd(type, count, &step, g.pointer, w.pointer, m[0]?.pointer)
                    },
                    { step, g, w, m in
                        mml_reference_sgd(type, count, &step, g.pointer, w.pointer, m[0]?.pointer)
                    })
            }
            for (centered, momentum) in [(false, false), (true, false), (false, true), (true, true)] {
                compare(
                    count, settings(variant: variant), remembering: [true, centered, momentum], "RMSprop",
                    { (step: inout _, g: Guarded<Scalar>, w, m) in
                        mml_rmsprop(
                            type, count, &step, g.pointer, w.pointer, m[0]?.pointer, m[1]?.pointer,
                            m[2]?.pointer)
                    },
                    { step, g, w, m in
                        mml_reference_rmsprop(
                            type, count, &step, g.pointer, w.pointer, m[0]?.pointer, m[1]?.pointer,
                            m[2]?.pointer)
                    })
            }
            compare(
                count, settings(variant: variant), remembering: [true], "Adagrad",
                { (step: inout _, g: Guarded<Scalar>, w, m) in
                    mml_adagrad(type, count, &step, g.pointer, w.pointer, m[0]?.pointer)
                },
                { step, g, w, m in
                    mml_reference_adagrad(type, count, &step, g.pointer, w.pointer, m[0]?.pointer)
                })
            compare(
                count, settings(variant: variant), remembering: [true], "Lion",
                { (step: inout _, g: Guarded<Scalar>, w, m) in
                    mml_lion(type, count, &step, g.pointer, w.pointer, m[0]?.pointer)
                },
                { step, g, w, m in mml_reference_lion(type, count, &step, g.pointer, w.pointer, m[0]?.pointer)
                })
        }
        check(Float.self)
        check(Double.self)
    }

    @Test func noNumberStaysNone() {
        var step = settings(variant: 0)
        func broken(_ update: (Guarded<Float>, Guarded<Float>, Guarded<Float>) -> Void) -> Bool {
            let w = Guarded<Float>([1, 1]), m = Guarded<Float>(zeros: 2)
            update(Guarded<Float>([.nan, 1]), w, m)
            return w.values[0].isNaN && w.values[1].isFinite
        }
        #expect(broken { mml_sgd(MML_F32, 2, &step, $0.pointer, $1.pointer, $2.pointer) })
        #expect(broken { mml_rmsprop(MML_F32, 2, &step, $0.pointer, $1.pointer, $2.pointer, nil, nil) })
        #expect(broken { mml_adagrad(MML_F32, 2, &step, $0.pointer, $1.pointer, $2.pointer) })
        #expect(broken { mml_lion(MML_F32, 2, &step, $0.pointer, $1.pointer, $2.pointer) })
    }
}
