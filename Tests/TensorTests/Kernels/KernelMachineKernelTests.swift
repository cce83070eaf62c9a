import CTensorKernels
import Testing

@Suite struct KernelMachineKernelTests {
    private static let functions: [mml_kernel_function] = [
        .init(kind: Int32(MML_LINEAR.rawValue), degree: 1, gamma: 1, constant: 0),
        .init(kind: Int32(MML_RBF.rawValue), degree: 1, gamma: 0.3, constant: 0),
        .init(kind: Int32(MML_POLYNOMIAL.rawValue), degree: 0, gamma: 0.5, constant: 0.25),
        .init(kind: Int32(MML_POLYNOMIAL.rawValue), degree: 3, gamma: 0.5, constant: 0.25),
        .init(kind: Int32(MML_SIGMOID_KERNEL.rawValue), degree: 1, gamma: 0.2, constant: -0.1),
    ]

    @Test(arguments: kernelSizes) func values(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count)
            for function in Self.functions {
                var function = function
                let products = Guarded<Scalar>(numbers.array(count, 2))
                let squares = Guarded<Scalar>((0..<count).map { Scalar($0 % 7) })
                let values = Guarded<Scalar>(zeros: count), expected = Guarded<Scalar>(zeros: count)
                mml_kernel_values(
                    Scalar.mmlType, &function, count, products.pointer, 3, squares.pointer, values.pointer)
                mml_reference_kernel_values(
                    Scalar.mmlType, &function, count, products.pointer, 3, squares.pointer, expected.pointer)
                expectSame(values, expected, "kernel \(function.kind)", within: 4 * Scalar.closeness)
                mml_kernel_values(
                    Scalar.mmlType, &function, count, products.pointer, 3, squares.pointer, products.pointer)
                expectSame(products, values, "in place", within: 0)
                guard count > 0, function.degree > 0 else { continue }
                products.pointer[count - 1] = .nan
                mml_kernel_values(
                    Scalar.mmlType, &function, count, products.pointer, 3, squares.pointer, products.pointer)
                #expect(products.pointer[count - 1].isNaN)
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: kernelSizes) func sums(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count)
            let type = Scalar.mmlType
            for rows in [0, 1, 4, 7] {
                let x = (0..<rows).map { _ in Guarded<Scalar>(numbers.array(count, 3)) }
                let addresses: [UnsafeRawPointer?] = x.map { UnsafeRawPointer($0.pointer) }
                let weights: [Double] = numbers.array(rows)
                let sums = Guarded<Double>(numbers.array(count)), expected = sums.copy
                let from = min(2, count)
                mml_weighted_rows(type, rows, addresses, weights, from, count, sums.pointer)
                mml_reference_weighted_rows(type, rows, addresses, weights, from, count, expected.pointer)
                withExtendedLifetime(x) {}
                expectSame(sums, expected, "weighted rows")
            }
            let x = Guarded<Scalar>(numbers.array(count, 3))
            let weights: [Double] = numbers.array(count)
            let sum = mml_weighted_sum(type, count, x.pointer, weights)
            #expect(
                abs(sum - mml_reference_weighted_sum(type, count, x.pointer, weights)) <= 1e-13
                    * Double(10 + count))
            let indices = (0..<count).map { Int32(($0 * 7 + 3) % max(1, count)) }
            let gathered = Guarded<Scalar>(zeros: count)
            mml_gather_elements(type, count, x.pointer, indices, gathered.pointer)
            expectSame(gathered, Guarded(indices.map { x.pointer[Int($0)] }), "gathered", within: 0)
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: [1, 3, 8, 31, 48, 70, 128]) func sparseProducts(width: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(width)
            let offsets = [0, 2, 2, 5, 6]
            let columns: [Int32] = [0, 3, 1, 2, 4, 0]
            let elements: [Float] = numbers.array(6, 2)
            let b = Guarded<Scalar>(numbers.array(5 * width))
            let products = Guarded<Scalar>(zeros: width * 4), expected = Guarded<Scalar>(zeros: width * 4)
            mml_sparse_products(
                Scalar.mmlType, 1, 4, offsets, columns, elements, width, b.pointer, products.pointer, 4)
            mml_reference_sparse_products(
                Scalar.mmlType, 1, 4, offsets, columns, elements, width, b.pointer, expected.pointer, 4)
            expectSame(products, expected, "sparse products")
            let spread = Guarded<Scalar>(zeros: 15)
            mml_spread_row(Scalar.mmlType, 3, [0, 2, 4], [1, 2, 3], 3, spread.pointer)
            #expect(spread.isIntact)
            #expect(spread.values == [1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0])
        }
        check(Float.self)
        check(Double.self)
    }

    @Test func centeredRows() {
        func check<Scalar: KernelScalar, Source: KernelScalar>(_: Scalar.Type, _: Source.Type) {
            var numbers = TestNumbers(5)
            let x = Guarded<Source>(numbers.array(4 * 17, 3))
            let center: [Double] = numbers.array(17)
            for center in [nil, center] {
                let y = Guarded<Scalar>(zeros: 4 * 17), expected = Guarded<Scalar>(zeros: 4 * 17)
                let squares = Guarded<Double>(zeros: 4), expectedSquares = Guarded<Double>(zeros: 4)
                let source = Int32(Source.mmlType.rawValue)
                if let center {
                    mml_center_rows(
                        Scalar.mmlType, source, 4, 17, x.pointer, center, y.pointer, squares.pointer)
                    mml_reference_center_rows(
                        Scalar.mmlType, source, 4, 17, x.pointer, center, expected.pointer,
                        expectedSquares.pointer)
                } else {
                    mml_center_rows(Scalar.mmlType, source, 4, 17, x.pointer, nil, y.pointer, squares.pointer)
                    mml_reference_center_rows(
                        Scalar.mmlType, source, 4, 17, x.pointer, nil, expected.pointer,
                        expectedSquares.pointer)
                }
                expectSame(y, expected, "centered", within: 0)
                expectSame(squares, expectedSquares, "squares")
            }
        }
        check(Float.self, Float.self)
        check(Float.self, Double.self)
        check(Double.self, Float.self)
        check(Double.self, Double.self)
    }

    /// The first step and the solution are those of the plain version.
    @Test(arguments: [1, 2]) func optimisation(groups: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            for count in [1, 2, 7, 16, 45] {
                let padded = (count + 7) / 8 * 8
                var numbers = TestNumbers(count)
                let points: [Double] = numbers.array(count * 2, 2)
                var kernel = [Scalar](repeating: 0, count: padded * padded)
                for a in 0..<count {
                    for b in 0..<count {
                        let product = points[2 * a] * points[2 * b] + points[2 * a + 1] * points[2 * b + 1]
                        // The diagonal makes the solution unique, and ties between steps impossible.
                        kernel[a * padded + b] = Scalar((1 + product) * (1 + product) + (a == b ? 0.5 : 0))
                    }
                }
                let sign = (0..<padded).map { $0 % 3 == 0 ? 1.0 : -1 }
                let bound = (0..<padded).map { $0 < count ? 1.0 : 0 }
                let group = (0..<padded).map { UInt8(groups == 2 && sign[$0] < 0 ? 1 : 0) }
                let start = bound.map { groups == 2 ? 0.5 * $0 : 0 }
                var value = [Double](repeating: 0, count: padded)
                for a in 0..<count {
                    value[a] = groups == 1 ? sign[a] : 0
                    for b in 0..<count { value[a] -= Double(kernel[a * padded + b]) * sign[b] * start[b] }
                }
                func solve(
                    _ limit: Int, _ body: (mml_type, UnsafeMutablePointer<mml_smo_problem>) -> Void
                ) -> (alpha: [Double], steps: Int, violation: Double) {
                    let alpha = Guarded(start), values = Guarded(value)
                    let scratch = Guarded<Double>(zeros: padded * (1 + 2 * groups))
                    var result = (0, 0.0)
                    kernel.withUnsafeBufferPointer { kernel in
                        sign.withUnsafeBufferPointer { sign in
                            bound.withUnsafeBufferPointer { bound in
                                group.withUnsafeBufferPointer { group in
                                    var problem = mml_smo_problem(
                                        n: padded, kernel: kernel.baseAddress, ld: padded,
                                        sign: sign.baseAddress,
                                        bound: bound.baseAddress, groups: Int32(groups),
                                        group: group.baseAddress,
                                        alpha: alpha.pointer, value: values.pointer, tolerance: 1e-6,
                                        limit: limit,
                                        scratch: scratch.pointer, steps: 0, violation: 0)
                                    body(Scalar.mmlType, &problem)
                                    result = (problem.steps, problem.violation)
                                }
                            }
                        }
                    }
                    #expect(alpha.isIntact && values.isIntact && scratch.isIntact)
                    return (alpha.values, result.0, result.1)
                }
                for limit in [0, 1] {
                    let actual = solve(limit) { mml_smo($0, $1) }
                    let expected = solve(limit) { mml_reference_smo($0, $1) }
                    #expect(actual.steps == expected.steps)
                    expectSame(
                        Guarded(actual.alpha), Guarded(expected.alpha), "after \(limit) steps", within: 1e-9)
                }
                // An inner step makes two values equal up to rounding, which then decides which of them is largest: from there
                // on only the solution, which is unique, must be the same.
                let end = solve(1_000_000) { mml_smo($0, $1) }
                let expected = solve(1_000_000) { mml_reference_smo($0, $1) }
                expectSame(Guarded(end.alpha), Guarded(expected.alpha), "the solution", within: 1e-5)
                #expect(end.violation < 1e-6)
                #expect(zip(end.alpha, bound).allSatisfy { 0...$1 ~= $0 })
            }
        }
        check(Float.self)
        check(Double.self)
    }
}
