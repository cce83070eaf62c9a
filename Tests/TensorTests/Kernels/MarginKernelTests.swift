import CTensorKernels
import Testing

@Suite struct MarginKernelTests {
    private let rowCounts = [0, 1, 3, 4, 5, 9]

    @Test(arguments: [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 50, 100]) func rows(columns: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(columns)
            let type = Scalar.mmlType
            for rows in rowCounts {
                let x = Guarded<Scalar>(numbers.array(rows * (columns + 2), 3))
                let coefficients = Guarded<Double>(numbers.array(columns)),
                    factors = Guarded<Double>(numbers.array(rows))
                let margins = Guarded<Double>(numbers.array(rows)), expected = margins.copy
                mml_add_margins(
                    type, rows, columns, x.pointer, columns + 2, coefficients.pointer, margins.pointer)
                mml_reference_add_margins(
                    type, rows, columns, x.pointer, columns + 2, coefficients.pointer, expected.pointer)
                expectSame(margins, expected, "margins of \(rows) rows", within: 1e-13)
                // A row alone gives the same bits as among others.
                for row in 0..<rows {
                    let alone = Guarded<Double>([0]), among = Guarded<Double>(zeros: rows)
                    mml_add_margins(
                        type, 1, columns, x.pointer + row * (columns + 2), columns + 2, coefficients.pointer,
                        alone.pointer)
                    mml_add_margins(
                        type, rows, columns, x.pointer, columns + 2, coefficients.pointer, among.pointer)
                    #expect(alone.values[0] == among.values[row])
                }
                let sums = Guarded<Double>(numbers.array(columns)), expectedSums = sums.copy
                mml_add_weighted_rows(
                    type, rows, columns, x.pointer, columns + 2, factors.pointer, sums.pointer)
                mml_reference_add_weighted_rows(
                    type, rows, columns, x.pointer, columns + 2, factors.pointer, expectedSums.pointer)
                expectSame(sums, expectedSums, "weighted sum of \(rows) rows", within: 1e-13)
                let first = Guarded<Double>(zeros: columns), second = Guarded<Double>(zeros: columns)
                let expectedFirst = first.copy, expectedSecond = second.copy
                mml_add_moments(
                    type, rows, columns, x.pointer, columns + 2, coefficients.pointer, first.pointer,
                    second.pointer)
                mml_reference_add_moments(
                    type, rows, columns, x.pointer, columns + 2, coefficients.pointer, expectedFirst.pointer,
                    expectedSecond.pointer)
                expectSame(first, expectedFirst, "first moments", within: 1e-13)
                expectSame(second, expectedSecond, "second moments", within: 1e-13)
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test func rowsKeepNaN() {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            for place in [0, 5, 6] {
                var values = [Scalar](repeating: 1, count: 14)
                values[7 + place] = .nan
                let x = Guarded(values), ones = Guarded<Double>([Double](repeating: 1, count: 7))
                let margins = Guarded<Double>(zeros: 2), sums = Guarded<Double>(zeros: 7)
                mml_add_margins(Scalar.mmlType, 2, 7, x.pointer, 7, ones.pointer, margins.pointer)
                #expect(margins.values[0] == 7 && margins.values[1].isNaN)
                mml_add_weighted_rows(Scalar.mmlType, 2, 7, x.pointer, 7, ones.pointer, sums.pointer)
                #expect(sums.values.indices.allSatisfy { sums.values[$0].isNaN == ($0 == place) })
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: [0, 1, 3, 4, 5, 8, 9, 63, 300]) func losses(count: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(count + 1)
            let type = Scalar.mmlType
            for (loss, power) in [
                (MML_LOGISTIC, 0), (MML_POISSON, 0), (MML_GAMMA, 0), (MML_TWEEDIE, 1.5), (MML_TWEEDIE, 2.5),
            ] {
                for scale in [1.0, 30.0] where scale == 1 || loss == MML_LOGISTIC {
                    let margins = Guarded<Scalar>(numbers.array(count, scale))
                    let targets = Guarded<Scalar>(
                        numbers.array(count).map { (x: Scalar) in
                            loss == MML_LOGISTIC ? (x > 0 ? 1 : 0) : x.magnitude + 0.125
                        })
                    let weights = Guarded<Scalar>(numbers.array(count).map { (x: Scalar) in x.magnitude })
                    let slopes = Guarded<Scalar>(zeros: count), curvatures = slopes.copy
                    let expectedSlopes = slopes.copy, expectedCurvatures = slopes.copy
                    for weighted in [false, true] {
                        let weights = weighted ? weights.pointer : nil
                        let index = Int32(loss.rawValue)
                        let total = mml_margin_losses(
                            type, index, power, count, margins.pointer, targets.pointer, weights,
                            slopes.pointer,
                            curvatures.pointer)
                        let expected = mml_reference_margin_losses(
                            type, index, power, count, margins.pointer, targets.pointer, weights,
                            expectedSlopes.pointer, expectedCurvatures.pointer)
                        #expect(abs(total - expected) <= Scalar.closeness * (1 + abs(expected)), "\(loss)")
                        expectSame(slopes, expectedSlopes, "slopes \(loss)")
                        expectSame(curvatures, expectedCurvatures, "curvatures \(loss)")
                        let alone = mml_margin_losses(
                            type, index, power, count, margins.pointer, targets.pointer, weights, nil, nil)
                        #expect(alone == total)
                    }
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// Small probabilities keep their digits, and large margins do not overflow.
    @Test func extremeMargins() {
        let margins: [Double] = [
            -800, -745, -700, -50, -1e-10, 0, 1e-300, 50, 700, 709.5, 800, .infinity, -.infinity, .nan,
        ]
        for target in [0.0, 1.0] {
            for margin in margins {
                let slope = Guarded<Double>([0]), curvature = Guarded<Double>([0])
                let expectedSlope = slope.copy, expectedCurvature = slope.copy
                let loss = Int32(MML_LOGISTIC.rawValue)
                let total = mml_margin_losses(
                    MML_F64, loss, 0, 1, [margin], [target], nil, slope.pointer, curvature.pointer)
                let expected = mml_reference_margin_losses(
                    MML_F64, loss, 0, 1, [margin], [target], nil, expectedSlope.pointer,
                    expectedCurvature.pointer)
                func close(_ a: Double, _ b: Double) -> Bool {
                    a == b || (a.isNaN && b.isNaN) || abs(a - b) <= 1e-14 * abs(b) + 1e-300
                }
                #expect(close(total, expected), "loss at \(margin): \(total), \(expected)")
                #expect(close(slope.values[0], expectedSlope.values[0]), "slope at \(margin)")
                if abs(margin) < .infinity {
                    #expect(close(curvature.values[0], expectedCurvature.values[0]), "curvature at \(margin)")
                }
            }
        }
    }

    @Test(arguments: [1, 2, 3, 7]) func softmax(classes: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(classes)
            for count in [0, 1, 4, 7, 33] {
                let ld = count + 3
                let margins = Guarded<Scalar>(numbers.array(classes * ld, 5))
                let weights = Guarded<Scalar>(numbers.array(count).map { (x: Scalar) in x.magnitude })
                for reference: Int32 in [0, 1] {
                    let all = classes + Int(reference)
                    let targets = (0..<count).map { Int32($0 * 5 % all) }
                    let probabilities = Guarded<Scalar>(zeros: classes * ld), expected = probabilities.copy
                    let total = mml_softmax_losses(
                        Scalar.mmlType, count, classes, ld, margins.pointer, reference, targets,
                        weights.pointer,
                        probabilities.pointer)
                    let expectedTotal = mml_reference_softmax_losses(
                        Scalar.mmlType, count, classes, ld, margins.pointer, reference, targets,
                        weights.pointer,
                        expected.pointer)
                    #expect(abs(total - expectedTotal) <= 3 * Scalar.closeness * (1 + abs(expectedTotal)))
                    expectSame(probabilities, expected, "probabilities of \(classes)")
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }
}
