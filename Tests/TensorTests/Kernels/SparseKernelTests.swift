import CTensorKernels
import Testing

@testable import Tensor

/// A matrix with rows of 0, 1, 2, ... elements, so that every remainder of the loops occurs.
private func sparseMatrix<Scalar: TensorFloatingPoint>(rows: Int, columns: Int, seed: Int) -> SparseMatrix<
    Scalar
> {
    var numbers = TestNumbers(seed)
    var offsets = [0]
    var indices: [Int32] = []
    var values: [Scalar] = []
    for row in 0..<rows {
        let wanted = columns == 0 ? 0 : row % min(columns + 1, 23)
        var column = Int(numbers.next() % UInt64(max(1, columns - wanted + 1)))
        for _ in 0..<wanted where column < columns {
            indices.append(Int32(column))
            values.append(Scalar(Double(numbers.next() >> 40) / Double(1 << 23) - 1))
            column += 1 + Int(numbers.next() % 2)
        }
        offsets.append(indices.count)
    }
    return SparseMatrix(trusted: rows, columns, rowOffsets: offsets, columnIndices: indices, values: values)
}

@Suite struct SparseKernelTests {
    @Test(arguments: [(0, 3), (1, 1), (5, 40), (30, 17), (101, 64)], [0.0, 1.5])
    func products(size: (rows: Int, columns: Int), constant: Double) {
        func check<Vector: KernelScalar & TensorFloatingPoint, Value: TensorFloatingPoint>(
            _: Vector.Type, _: Value.Type
        ) {
            let type = Vector.mmlType
            let matrix: SparseMatrix<Value> = sparseMatrix(rows: size.rows, columns: size.columns, seed: 5)
            let width = size.columns + (constant == 0 ? 0 : 1)
            var numbers = TestNumbers(size.rows + size.columns)
            let v = Guarded<Vector>(numbers.array(width)), u = Guarded<Vector>(numbers.array(size.rows))
            if size.rows > 3 { u.pointer[3] = 0 }
            let start = numbers.array(width, 1) as [Vector]
            let rows = Guarded<Vector>(zeros: size.rows), expectedRows = rows.copy
            matrix.withCSR(constant: constant) { x in
                for (first, last) in [(0, size.rows), (size.rows / 3, size.rows / 2)] {
                    for adds: Int32 in [0, 1] {
                        mml_sparse_times(type, x, first, last, v.pointer, adds, rows.pointer)
                        mml_reference_sparse_times(
                            type, x, first, last, v.pointer, adds, expectedRows.pointer)
                        expectSame(rows, expectedRows, "sparse_times", within: 16 * Vector.closeness)
                    }
                    mml_sparse_squared_norms(type, x, first, last, rows.pointer)
                    mml_reference_sparse_squared_norms(type, x, first, last, expectedRows.pointer)
                    expectSame(rows, expectedRows, "sparse_squared_norms", within: 8 * Vector.closeness)

                    let sums = Guarded(start), expected = Guarded(start)
                    for weights in [nil, u.pointer] {
                        mml_sparse_transposed_add(type, x, first, last, weights, sums.pointer)
                        mml_reference_sparse_transposed_add(type, x, first, last, weights, expected.pointer)
                        expectSame(sums, expected, "sparse_transposed_add", within: 40 * Vector.closeness)
                        mml_sparse_gram_add(type, x, first, last, weights, v.pointer, sums.pointer)
                        mml_reference_sparse_gram_add(
                            type, x, first, last, weights, v.pointer, expected.pointer)
                        expectSame(sums, expected, "sparse_gram_add", within: 50 * Vector.closeness)
                        mml_sparse_squares_add(type, x, first, last, weights, sums.pointer)
                        mml_reference_sparse_squares_add(type, x, first, last, weights, expected.pointer)
                        expectSame(sums, expected, "sparse_squares_add", within: 50 * Vector.closeness)
                    }
                }
            }
        }
        check(Float.self, Float.self)
        check(Float.self, Double.self)
        check(Double.self, Float.self)
        check(Double.self, Double.self)
    }

    @Test(arguments: [
        MML_LOSS_LOGISTIC, MML_LOSS_HINGE, MML_LOSS_SQUARED_HINGE, MML_LOSS_EPSILON, MML_LOSS_SQUARED_EPSILON,
    ]) func dualPass(loss: mml_loss) {
        func check<Vector: KernelScalar & TensorFloatingPoint, Value: TensorFloatingPoint>(
            _: Vector.Type, _: Value.Type
        ) {
            let type = Vector.mmlType
            let isRegression = loss == MML_LOSS_EPSILON || loss == MML_LOSS_SQUARED_EPSILON
            let matrix: SparseMatrix<Value> = sparseMatrix(rows: 60, columns: 30, seed: 8)
            var numbers = TestNumbers(3)
            let raw: [Double] = numbers.array(60, 2)
            let targets = Guarded(isRegression ? raw : raw.map { $0 < 0 ? -1 : 1 })
            let costs = Guarded((numbers.array(60, 1) as [Double]).map { abs($0) + 0.1 })
            costs.pointer[11] = 0
            for constant in [0.0, 1.5] {
                matrix.withCSR(constant: constant) { x in
                    let norms = Guarded<Double>(zeros: 60)
                    mml_sparse_squared_norms(MML_F64, x, 0, 60, norms.pointer)
                    let order = (0..<180).map { Int32($0 * 7 % 60) }
                    func run(
                        _ pass: (
                            UnsafePointer<mml_dual>, UnsafeMutablePointer<Vector>,
                            UnsafeMutablePointer<mml_dual_sums>
                        ) -> Void
                    )
                        -> (beta: Guarded<Double>, w: Guarded<Vector>, sums: mml_dual_sums)
                    {
                        let beta = Guarded<Double>(zeros: 60)
                        let w = Guarded<Vector>(zeros: 31)
                        var sums = mml_dual_sums(gap: 0, violation: 0)
                        var problem = mml_dual(
                            loss: Int32(loss.rawValue), epsilon: 0.2, offset: 0.3, targets: targets.pointer,
                            costs: costs.pointer, squared_norms: norms.pointer, beta: beta.pointer,
                            active: nil,
                            shrink_beyond: 0)
                        pass(&problem, w.pointer, &sums)
                        return (beta, w, sums)
                    }
                    let found = run { mml_dual_pass(type, x, $0, 180, order, $1, $2) }
                    let expected = run { mml_reference_dual_pass(type, x, $0, 180, order, $1, $2) }
                    // The logistic step is one of Newton's method, and its gap to second order only.
                    let tolerance = loss == MML_LOSS_LOGISTIC ? 2e-5 : 40 * Vector.closeness
                    expectSame(found.beta, expected.beta, "beta", within: tolerance)
                    expectSame(found.w, expected.w, "w", within: tolerance)
                    guard loss != MML_LOSS_LOGISTIC else { return }
                    #expect(
                        abs(found.sums.gap - expected.sums.gap) < 100 * Vector.closeness * expected.sums.gap)
                    #expect(found.beta.pointer[11] == 0)
                }
            }
        }
        check(Float.self, Float.self)
        check(Double.self, Float.self)
        check(Double.self, Double.self)
    }

    @Test func notANumberStays() {
        let matrix: SparseMatrix<Float> = sparseMatrix(rows: 20, columns: 30, seed: 1)
        let column = Int(matrix.columnIndices[40])
        var v = [Double](repeating: 1, count: 30)
        v[column] = .nan
        let product = SparseProducts(matrix).times(v)
        for row in 0..<20 {
            let touched = matrix.columnIndices[matrix.rowOffsets[row]..<matrix.rowOffsets[row + 1]]
                .contains(Int32(column))
            #expect(product[row].isNaN == touched)
        }
    }
}

@Suite struct SparseProductsTests {
    @Test(arguments: [0.0, 2.0]) func asDense(constant: Double) {
        let matrix: SparseMatrix<Float> = sparseMatrix(rows: 400, columns: 31, seed: 2)
        let products = SparseProducts(matrix, constant: constant)
        let width = 31 + (constant == 0 ? 0 : 1)
        #expect(products.width == width)
        let dense = matrix.dense.elements.map { Double($0) }
        func x(_ row: Int, _ column: Int) -> Double { column < 31 ? dense[row * 31 + column] : constant }
        var numbers = TestNumbers(9)
        let v: [Double] = numbers.array(width), u: [Double] = numbers.array(400)
        let xv = products.times(v), xu = products.transposedTimes(u)
        let gram = products.gramTimes(v, weights: u), plain = products.gramTimes(v)
        let diagonal = products.gramDiagonal(weights: u), norms: [Double] = products.squaredRowNorms()
        for row in 0..<400 {
            let expected = (0..<width).reduce(0.0) { $0 + x(row, $1) * v[$1] }
            #expect(abs(xv[row] - expected) < 1e-12)
            #expect(abs(norms[row] - (0..<width).reduce(0.0) { $0 + x(row, $1) * x(row, $1) }) < 1e-12)
        }
        for column in 0..<width {
            let rows = 0..<400
            #expect(abs(xu[column] - rows.reduce(0.0) { $0 + x($1, column) * u[$1] }) < 1e-11)
            #expect(abs(gram[column] - rows.reduce(0.0) { $0 + x($1, column) * u[$1] * xv[$1] }) < 1e-11)
            #expect(abs(plain[column] - rows.reduce(0.0) { $0 + x($1, column) * xv[$1] }) < 1e-11)
            let square = rows.reduce(0.0) { $0 + u[$1] * x($1, column) * x($1, column) }
            #expect(abs(diagonal[column] - square) < 1e-11)
        }
    }

    @Test func partsCoverTheRowsAndBalance() {
        let matrix: SparseMatrix<Float> = sparseMatrix(rows: 5000, columns: 60, seed: 3)
        for count in 1...9 {
            let parts = matrix.rowRanges(count)
            #expect(parts.first?.lowerBound == 0 && parts.last?.upperBound == 5000)
            #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
            for part in parts {
                let elements = matrix.rowOffsets[part.upperBound] - matrix.rowOffsets[part.lowerBound]
                #expect(abs(elements - matrix.storedCount / count) < 100)
            }
        }
        let empty = SparseMatrix<Float>(trusted: 0, 4, rowOffsets: [0], columnIndices: [], values: [])
        #expect(empty.rowRanges(3) == [])
        #expect(SparseProducts(empty).transposedTimes([Double]()) == [0, 0, 0, 0])
        #expect(SparseProducts(empty).times([Double](repeating: 1, count: 4)) == [])
    }

    @Test func sameBitsForEveryThreadCount() {
        let matrix: SparseMatrix<Float> = sparseMatrix(rows: 20_000, columns: 700, seed: 4)
        let products = SparseProducts(matrix, constant: 1)
        var numbers = TestNumbers(1)
        let v: [Double] = numbers.array(701), u: [Double] = numbers.array(20_000)
        let before = ThreadPool.threadCount
        defer { ThreadPool.threadCount = before }
        let results = [1, 2, 3].map { threads -> [[Double]] in
            ThreadPool.threadCount = threads
            return [
                products.times(v), products.transposedTimes(u), products.gramTimes(v, weights: u),
                products.gramDiagonal(weights: u),
            ]
        }
        #expect(results[0] == results[1] && results[0] == results[2])
    }
}
