import CTensorKernels
import Testing

@Suite struct RowKernelTests {
    static let rowCounts = [0, 1, 5]

    // A row of one or two columns has hardly any variance: its normalised values are all rounding error.
    @Test(arguments: kernelSizes.filter { $0 > 2 }) func layerNorm(columns: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(columns)
            let type = Scalar.mmlType
            for rows in Self.rowCounts {
                for variant in 0..<8 {
                    let hasResidual = variant & 1 == 0
                    var spec = mml_dropout_spec(seed: 9, stream: 4, rate: variant & 2 == 0 ? 0 : 0.3)
                    let first: UInt64 = variant & 4 == 0 ? 17 : 320
                    let count = rows * columns
                    let x = Guarded<Scalar>(numbers.array(count)), y = Guarded<Scalar>(numbers.array(count))
                    let gamma = Guarded<Scalar>(numbers.array(columns)),
                        beta = Guarded<Scalar>(numbers.array(columns))
                    let residual = hasResidual ? x.pointer : nil
                    func outputs(_ count: Int) -> (Guarded<Scalar>, Guarded<Scalar>) {
                        (Guarded(zeros: count), Guarded(zeros: count))
                    }
                    let (sum, exactSum) = outputs(count), (out, exactOut) = outputs(count)
                    let (mean, exactMean) = outputs(rows), (rstd, exactRstd) = outputs(rows)
                    mml_reference_residual_layernorm(
                        type, rows, columns, residual, y.pointer, &spec, first, gamma.pointer, beta.pointer,
                        1e-5,
                        exactSum.pointer, exactMean.pointer, exactRstd.pointer, exactOut.pointer)
                    mml_residual_layernorm(
                        type, rows, columns, residual, y.pointer, &spec, first, gamma.pointer, beta.pointer,
                        1e-5,
                        sum.pointer, mean.pointer, rstd.pointer, out.pointer)
                    // Three columns can still lie close together.
                    let tolerance = Scalar.closeness * (columns < 8 ? 300 : 10)
                    expectSame(sum, exactSum, "sum")
                    expectSame(mean, exactMean, "mean")
                    expectSame(rstd, exactRstd, "rstd", within: tolerance * 3)
                    expectSame(out, exactOut, "out", within: tolerance)
                    // Everything in place of y, no statistics kept.
                    let inPlace = y.copy
                    mml_residual_layernorm(
                        type, rows, columns, residual, inPlace.pointer, &spec, first, gamma.pointer,
                        beta.pointer,
                        1e-5, inPlace.pointer, nil, nil, inPlace.pointer)
                    #expect(inPlace.values == out.values && inPlace.isIntact)

                    let dout = Guarded<Scalar>(numbers.array(count))
                    let (dsum, exactDsum) = outputs(count), (dy, exactDy) = outputs(count)
                    let dgamma = Guarded<Scalar>(numbers.array(columns)),
                        dbeta = Guarded<Scalar>(numbers.array(columns))
                    let exactDgamma = dgamma.copy, exactDbeta = dbeta.copy
                    let secondDgamma = dgamma.copy, secondDbeta = dbeta.copy
                    mml_reference_residual_layernorm_backward(
                        type, rows, columns, exactSum.pointer, exactMean.pointer, exactRstd.pointer,
                        gamma.pointer,
                        &spec, first, dout.pointer, exactDsum.pointer, exactDy.pointer, exactDgamma.pointer,
                        exactDbeta.pointer)
                    mml_residual_layernorm_backward(
                        type, rows, columns, exactSum.pointer, exactMean.pointer, exactRstd.pointer,
                        gamma.pointer,
                        &spec, first, dout.pointer, dsum.pointer, dy.pointer, dgamma.pointer, dbeta.pointer)
                    expectSame(dsum, exactDsum, "dsum", within: tolerance * 3)
                    expectSame(dy, exactDy, "dy", within: tolerance * 3)
                    expectSame(dgamma, exactDgamma, "dgamma", within: tolerance * 3)
                    expectSame(dbeta, exactDbeta, "dbeta", within: tolerance * 3)
                    // dsum in place of dout, and dy of dsum where nothing is dropped.
                    mml_residual_layernorm_backward(
                        type, rows, columns, exactSum.pointer, exactMean.pointer, exactRstd.pointer,
                        gamma.pointer,
                        &spec, first, dout.pointer, dout.pointer, spec.rate == 0 ? dout.pointer : nil,
                        secondDgamma.pointer, secondDbeta.pointer)
                    #expect(dout.values == dsum.values && secondDgamma.values == dgamma.values)
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// Mean and variance do not suffer from a mean that is large beside the deviations.
    @Test func layerNormOfLargeOffsets() {
        func check<Scalar: KernelScalar>(_: Scalar.Type, offset: Scalar) {
            let columns = 384
            var numbers = TestNumbers(1)
            let y = Guarded<Scalar>((numbers.array(columns) as [Scalar]).map { $0 + offset })
            let gamma = Guarded([Scalar](repeating: 1, count: columns)),
                beta = Guarded<Scalar>(zeros: columns)
            let (sum, out, expected) = (y.copy, y.copy, y.copy)
            mml_residual_layernorm(
                Scalar.mmlType, 1, columns, nil, y.pointer, nil, 0, gamma.pointer, beta.pointer, 1e-5,
                sum.pointer,
                nil, nil, out.pointer)
            mml_reference_residual_layernorm(
                Scalar.mmlType, 1, columns, nil, y.pointer, nil, 0, gamma.pointer, beta.pointer, 1e-5,
                sum.pointer,
                nil, nil, expected.pointer)
            expectSame(out, expected, "offset \(offset)", within: Scalar.closeness * 10)
        }
        check(Float.self, offset: 4096)
        check(Double.self, offset: 1e7)
    }

    @Test(arguments: kernelSizes + [2500]) func softmax(columns: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(columns)
            let type = Scalar.mmlType
            for rows in Self.rowCounts {
                for variant in 0..<3 {
                    let count = rows * columns
                    let x = Guarded<Scalar>(numbers.array(count, 20))
                    // NaN spoils its row; minus infinity is probability 0.
                    if variant == 1 && count > 0 { x.pointer[count / 2] = .nan }
                    if variant == 2 && columns > 1 {
                        for row in 0..<rows { x.pointer[row * columns + columns / 2] = -.infinity }
                    }
                    let (y, expected) = (Guarded<Scalar>(zeros: count), Guarded<Scalar>(zeros: count))
                    mml_softmax(type, rows, columns, x.pointer, y.pointer)
                    mml_reference_softmax(type, rows, columns, x.pointer, expected.pointer)
                    expectSame(y, expected, "softmax \(variant)")
                    mml_softmax(type, rows, columns, x.pointer, x.pointer)
                    expectSame(x, expected, "softmax in place \(variant)")
                    let dy = Guarded<Scalar>(numbers.array(count))
                    let (dx, exactDx) = (Guarded<Scalar>(zeros: count), Guarded<Scalar>(zeros: count))
                    mml_softmax_backward(type, rows, columns, y.pointer, dy.pointer, dx.pointer)
                    mml_reference_softmax_backward(
                        type, rows, columns, y.pointer, dy.pointer, exactDx.pointer)
                    expectSame(dx, exactDx, "softmax_backward \(variant)")
                    mml_softmax_backward(type, rows, columns, y.pointer, dy.pointer, dy.pointer)
                    expectSame(dy, exactDx, "softmax_backward in place \(variant)")
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: kernelSizes.filter { $0 > 0 } + [2500]) func crossEntropy(classes: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(classes)
            let type = Scalar.mmlType
            for rows in Self.rowCounts {
                for variant in 0..<8 {
                    let smoothing = variant & 1 == 0 ? 0 : 0.1
                    let offset: Scalar = variant & 4 == 0 ? 0 : 100
                    let logits: [Scalar] = numbers.array(rows * classes, 15)
                    let x = Guarded(logits.map { $0 + offset })
                    let weights = Guarded((numbers.array(classes) as [Scalar]).map { abs($0) })
                    let w = variant & 2 == 0 ? nil : weights.pointer
                    var targets = (0..<rows).map { _ in Int32(numbers.next() % UInt64(classes)) }
                    let (loss, exactLoss) = (Guarded<Scalar>(zeros: rows), Guarded<Scalar>(zeros: rows))
                    let (dx, exactDx) = (Guarded<Scalar>(zeros: x.count), Guarded<Scalar>(zeros: x.count))
                    let tolerance = Scalar.closeness * 10
                    #expect(
                        mml_reference_cross_entropy(
                            type, rows, classes, x.pointer, targets, w, smoothing, 0.25, exactLoss.pointer,
                            exactDx.pointer) == 0)
                    #expect(
                        mml_cross_entropy(
                            type, rows, classes, x.pointer, targets, w, smoothing, 0.25, loss.pointer,
                            dx.pointer)
                            == 0)
                    expectSame(loss, exactLoss, "loss \(variant)", within: tolerance)
                    expectSame(dx, exactDx, "gradient \(variant)", within: tolerance)
                    _ = mml_cross_entropy(
                        type, rows, classes, x.pointer, targets, w, smoothing, 0.25, loss.pointer, nil)
                    expectSame(loss, exactLoss, "loss alone \(variant)", within: tolerance)
                    _ = mml_cross_entropy(
                        type, rows, classes, x.pointer, targets, w, smoothing, 0.25, loss.pointer, x.pointer)
                    expectSame(x, exactDx, "gradient in place \(variant)", within: tolerance)
                    // The first row with a target that is none is named.
                    for bad in [-1, Int32(classes)] where rows > 1 {
                        targets[2] = bad
                        #expect(
                            mml_cross_entropy(
                                type, rows, classes, x.pointer, targets, w, smoothing, 1, loss.pointer, nil)
                                == 3)
                    }
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// PyTorch: F.cross_entropy([[1, 2, 0.5]], [2], weight=[1, 2, 3], label_smoothing=0.1, reduction="sum").
    @Test func crossEntropyOfPyTorch() {
        let x = Guarded<Double>([1, 2, 0.5]), weights = Guarded<Double>([1, 2, 3])
        let (loss, dx) = (Guarded<Double>(zeros: 1), Guarded<Double>(zeros: 3))
        _ = mml_cross_entropy(
            MML_F64, 1, 3, x.pointer, [2], weights.pointer, 0.1, 1, loss.pointer, dx.pointer)
        expectSame(loss, Guarded([5.580002807246373]), "loss", within: 1e-12)
        expectSame(
            dx, Guarded([0.637215969770899, 1.7560753190474445, -2.3932912888183435]), "gradient",
            within: 1e-12)
    }

    @Test func crossEntropyOfMaskedClasses() {
        let x = Guarded<Float>([-.infinity, 2, 1]), loss = Guarded<Float>(zeros: 1),
            dx = Guarded<Float>(zeros: 3)
        _ = mml_cross_entropy(MML_F32, 1, 3, x.pointer, [1], nil, 0, 1, loss.pointer, dx.pointer)
        expectSame(loss, Guarded([0.3132617]), "loss", within: 1e-6)
        expectSame(dx, Guarded([0, -0.26894142, 0.26894142]), "gradient", within: 1e-6)
    }

    @Test(arguments: kernelSizes) func gatherAndScatter(width: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(width)
            let type = Scalar.mmlType
            // Ids repeat, so that rows of the table are added to more than once.
            let ids: [Int32] = [2, 4, 0, 2, 1, 2, 4]
            for rows in [0, 1, ids.count] {
                let table = Guarded<Scalar>(numbers.array(5 * width))
                let out = Guarded<Scalar>(numbers.array(rows * width)), expected = out.copy
                for accumulate: Int32 in [0, 1] {
                    mml_gather(type, rows, width, table.pointer, ids, accumulate, out.pointer)
                    mml_reference_gather(type, rows, width, table.pointer, ids, accumulate, expected.pointer)
                    expectSame(out, expected, "gather \(accumulate)")
                }
                let x = Guarded<Scalar>(numbers.array(rows * (width + 2))), exactTable = table.copy
                for (from, to) in [(0, width), (width / 3, width - width / 4), (0, 0)] {
                    mml_scatter_add(type, rows, from, to, x.pointer, width + 2, ids, table.pointer, width)
                    mml_reference_scatter_add(
                        type, rows, from, to, x.pointer, width + 2, ids, exactTable.pointer, width)
                    expectSame(table, exactTable, "scatter_add \(from) \(to)")
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }
}
