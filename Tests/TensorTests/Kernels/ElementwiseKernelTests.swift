import CTensorKernels
import Testing

@Suite struct ElementwiseKernelTests {
    static let unaries = [MML_NEGATE, MML_EXP, MML_LOG, MML_SQRT, MML_ERF, MML_ABS, MML_RECIPROCAL].map {
        Int32($0.rawValue)
    }
    static let binaries = [MML_ADD, MML_SUBTRACT, MML_MULTIPLY, MML_DIVIDE, MML_MAXIMUM, MML_MINIMUM].map {
        Int32($0.rawValue)
    }
    static let activations = [MML_IDENTITY, MML_GELU, MML_GELU_TANH, MML_RELU, MML_TANH, MML_SIGMOID].map {
        Int32($0.rawValue)
    }

    @Test(arguments: kernelSizes) func unary(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count)
            for operation in Self.unaries {
                for special in [false, true] {
                    let values: [Scalar] = numbers.array(count, 6)
                    let x = Guarded(special ? withSpecials(values) : values)
                    let (y, expected) = (Guarded<Scalar>(zeros: count), Guarded<Scalar>(zeros: count))
                    mml_unary(Scalar.mmlType, operation, count, x.pointer, y.pointer)
                    mml_reference_unary(Scalar.mmlType, operation, count, x.pointer, expected.pointer)
                    expectSame(y, expected, "unary \(operation)")
                    mml_unary(Scalar.mmlType, operation, count, x.pointer, x.pointer)
                    expectSame(x, expected, "unary \(operation) in place")
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: kernelSizes) func binary(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count)
            for operation in Self.binaries {
                for strides in 0..<4 {
                    let (aStride, bStride) = (strides & 1, strides >> 1)
                    for special in [false, true] {
                        let (left, right): ([Scalar], [Scalar]) = (
                            numbers.array(count, 6), numbers.array(count, 2)
                        )
                        let a = Guarded(special ? withSpecials(left) : left)
                        let b = Guarded(special ? withSpecials(right.reversed()) : right)
                        let expected = Guarded<Scalar>(zeros: count)
                        mml_reference_binary(
                            Scalar.mmlType, operation, count, a.pointer, aStride, b.pointer, bStride,
                            expected.pointer)
                        for output in [Guarded<Scalar>(zeros: count), a.copy, b.copy].enumerated() {
                            // The second and the third stand in for their own operand.
                            let y = output.element
                            mml_binary(
                                Scalar.mmlType, operation, count, output.offset == 1 ? y.pointer : a.pointer,
                                aStride,
                                output.offset == 2 ? y.pointer : b.pointer, bStride, y.pointer)
                            expectSame(
                                y, expected, "binary \(operation) \(aStride) \(bStride) \(output.offset)")
                        }
                    }
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test func extremesKeepNaN() {
        let a = Guarded<Float>([.nan, 1, .nan, 2, 0]), b = Guarded<Float>([1, .nan, .nan, 3, -1])
        for operation in [MML_MAXIMUM, MML_MINIMUM] {
            let y = Guarded<Float>(zeros: 5)
            mml_binary(MML_F32, Int32(operation.rawValue), 5, a.pointer, 1, b.pointer, 1, y.pointer)
            #expect(y.values.prefix(3).allSatisfy { $0.isNaN })
            #expect(Array(y.values.suffix(2)) == (operation == MML_MAXIMUM ? [3, 0] : [2, -1]))
        }
    }

    @Test(arguments: kernelSizes) func scaleAdd(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count)
            for beta in [0.0, 1, -0.5] {
                let x = Guarded<Scalar>(withSpecials(numbers.array(count, 3)))
                // beta 0 does not read y.
                let y = Guarded<Scalar>(
                    beta == 0 ? .init(repeating: .nan, count: count) : numbers.array(count, 3))
                let expected = y.copy
                mml_reference_scale_add(Scalar.mmlType, count, 1.7, x.pointer, beta, expected.pointer)
                mml_scale_add(Scalar.mmlType, count, 1.7, x.pointer, beta, y.pointer)
                expectSame(y, expected, "scale_add \(beta)")
            }
            let x = Guarded<Scalar>(numbers.array(count, 3)), expected = x.copy
            mml_reference_scale_add(Scalar.mmlType, count, 0.3, x.pointer, 0, expected.pointer)
            mml_scale_add(Scalar.mmlType, count, 0.3, x.pointer, 0, x.pointer)
            expectSame(x, expected, "scale in place")
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: kernelSizes) func activations(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count)
            for activation in Self.activations {
                let x = Guarded<Scalar>(numbers.array(count, 8)),
                    dy = Guarded<Scalar>(numbers.array(count, 2))
                let (value, slope) = (Guarded<Scalar>(zeros: count), Guarded<Scalar>(zeros: count))
                mml_reference_activate_backward(
                    Scalar.mmlType, activation, count, x.pointer, dy.pointer, slope.pointer, value.pointer)
                let (y, dx) = (Guarded<Scalar>(zeros: count), Guarded<Scalar>(zeros: count))
                mml_activate(Scalar.mmlType, activation, count, x.pointer, y.pointer)
                expectSame(y, value, "activate \(activation)")
                let inPlace = x.copy
                mml_activate(Scalar.mmlType, activation, count, inPlace.pointer, inPlace.pointer)
                #expect(inPlace.values == y.values)
                mml_activate_backward(
                    Scalar.mmlType, activation, count, x.pointer, dy.pointer, dx.pointer, nil)
                expectSame(dx, slope, "activate_backward \(activation)")
                mml_activate_backward(
                    Scalar.mmlType, activation, count, x.pointer, dy.pointer, dy.pointer, x.pointer)
                #expect(dy.values == dx.values)
                #expect(x.values == y.values)
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// Saturated values are exact, huge ones make no NaN of their own, NaN stays NaN.
    @Test func activationsOfExtremes() {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let inputs: [Scalar] = [50, 1e4, 1e30, .infinity, -50, -1e4, -1e30, .nan]
            let x = Guarded(inputs), dy = Guarded([Scalar](repeating: 1, count: inputs.count))
            for activation in Self.activations {
                let (y, dx) = (Guarded<Scalar>(zeros: inputs.count), Guarded<Scalar>(zeros: inputs.count))
                mml_activate_backward(
                    Scalar.mmlType, activation, inputs.count, x.pointer, dy.pointer, dx.pointer, y.pointer)
                #expect(y.values.last?.isNaN == true)
                #expect(dx.values.last?.isNaN == (activation != Int32(MML_IDENTITY.rawValue)))
                let (up, down) = (Array(y.values[0..<4]), Array(y.values[4..<7]))
                switch activation {
                case Int32(MML_IDENTITY.rawValue): #expect(up + down == Array(inputs.dropLast()))
                case Int32(MML_TANH.rawValue):
                    #expect(up == [1, 1, 1, 1])
                    #expect(down == [-1, -1, -1])
                case Int32(MML_SIGMOID.rawValue):
                    #expect(up == [1, 1, 1, 1])
                    #expect(down.allSatisfy { $0 >= 0 && $0 < 1e-20 })
                default:
                    #expect(up == Array(inputs[0..<4]))
                    #expect(down.allSatisfy { abs($0) < 1e-20 })
                    #expect(dx.values[0..<4].allSatisfy { $0 == 1 })
                    #expect(dx.values[4..<7].allSatisfy { abs($0) < 1e-20 })
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }
}
