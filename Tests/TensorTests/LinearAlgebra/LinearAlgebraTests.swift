import TestSupport
import Testing

@testable import Tensor

@Suite struct LinearAlgebraTests {
    private func random(_ count: Int, _ seed: UInt64) -> [Double] {
        Tensor<Double>.randomNormal([count], seed: seed).elements
    }

    /// Σ w z zᵀ as on paper.
    private func plainGram(
        _ x: Tensor<Double>, _ shift: [Double]?, _ weights: [Double]?, _ extra: [[Double]]
    ) -> [Double] {
        let width = x.shape[1] + (extra.first?.count ?? 0)
        var sums = [Double](repeating: 0, count: width * width)
        for row in 0..<x.shape[0] {
            let z =
                (0..<x.shape[1]).map { x[row, $0] - (shift?[$0] ?? 0) } + (extra.isEmpty ? [] : extra[row])
            for i in 0..<width {
                for j in 0..<width { sums[i * width + j] += (weights?[row] ?? 1) * z[i] * z[j] }
            }
        }
        return sums
    }

    @Test(arguments: [(1, 1), (3, 5), (300, 7), (5000, 30), (2500, 255), (1100, 257)])
    func gramOfAllShapes(rows: Int, columns: Int) {
        let x = Tensor<Double>.randomNormal([rows, columns], seed: 1)
        let shift = random(columns, 2)
        let weights = random(rows, 3).map { $0 * $0 }
        let extra = random(rows * 2, 4)
        let expected = plainGram(
            x, shift, weights, (0..<rows).map { [extra[2 * $0], extra[2 * $0 + 1]] })
        let actual = gramMatrix(x, shift: shift, weights: weights, extra: 2) { range, target in
            for (place, row) in range.enumerated() {
                target[2 * place] = extra[2 * row]
                target[2 * place + 1] = extra[2 * row + 1]
            }
        }
        expectRelativeNorm(actual, expected, 1e-14, "double")
        expectClose(actual, expected, absolute: 1e-12 * Double(rows), "double")

        let float = Tensor<Float>(shape: x.shape, x.elements.map { Float($0) })
        let rounded = Tensor<Double>(shape: x.shape, float.elements.map { Double($0) })
        expectRelativeNorm(
            gramMatrix(float), plainGram(rounded, nil, nil, []), 1e-6, "float")
    }

    @Test(arguments: [30, 300])
    func gramIsTheSameForEveryNumberOfThreads(columns: Int) {
        let x = Tensor<Float>.randomNormal([6000, columns], seed: 5)
        let threads = ThreadPool.threadCount
        defer { ThreadPool.threadCount = threads }
        ThreadPool.threadCount = 1
        let alone = gramMatrix(x)
        ThreadPool.threadCount = 3
        #expect(gramMatrix(x) == alone)
    }

    @Test func largeOffsetsAreHarmless() {
        // A column of 10⁶ + N(0, 1): shifted before anything is summed.
        let noise = random(4000, 6)
        let x = Tensor(shape: [4000, 1], noise.map { 1e6 + $0 })
        let sums = gramMatrix(x, shift: [1e6], extra: 1) { range, target in
            for place in 0..<range.count { target[place] = 1 }
        }
        let expected = x.elements.map { $0 - 1e6 }
        expectClose(
            [sums[0], sums[1]], [expected.reduce(0) { $0 + $1 * $1 }, expected.reduce(0, +)],
            relative: 1e-12)
    }

    /// A matrix with full rank, its columns in very different units.
    private func positive(_ order: Int) -> [Double] {
        let x = Tensor<Double>.randomNormal([order + 5, order], seed: 9)
        var result = plainGram(x, nil, nil, [])
        for i in 0..<order {
            for j in 0..<order {
                result[i * order + j] *= Double.exp10(Double(i % 5)) * Double.exp10(Double(j % 5))
            }
        }
        return result
    }

    private func multiply(_ a: [Double], _ b: [Double], _ m: Int, _ k: Int, _ n: Int) -> [Double] {
        Tensor(shape: [m, k], a).matmul(Tensor(shape: [k, n], b)).elements
    }

    @Test(arguments: [1, 2, 7, 40]) func cholesky(order: Int) throws {
        let matrix = positive(order)
        let factor = try #require(CholeskyFactor(matrix, order: order))
        let inverse = factor.inverse
        var identity = [Double](repeating: 0, count: order * order)
        for i in 0..<order { identity[i * order + i] = 1 }
        let scale = (0..<order).map { matrix[$0 * order + $0].squareRoot() }
        // In the units of an equilibrated matrix.
        let product = multiply(matrix, inverse, order, order, order)
        let even = (0..<order * order).map { product[$0] / scale[$0 / order] * scale[$0 % order] }
        expectClose(even, identity, absolute: 1e-9)
        let right = random(2 * order, 3)
        let solution = factor.solve(right, count: 2)
        for target in 0..<2 {
            let b = Array(right[target * order..<(target + 1) * order])
            let x = Array(solution[target * order..<(target + 1) * order])
            let direct = multiply(inverse, b, order, order, 1)
            expectRelativeNorm(x, direct, 1e-9)
        }
        #expect(factor.reciprocalCondition > 1e-5 && factor.reciprocalCondition <= 1)
        #expect(CholeskyFactor([1, 2, 2, 1], order: 2) == nil)
        #expect(CholeskyFactor([1, .nan, .nan, 1], order: 2) == nil)
        #expect(CholeskyFactor([0], order: 1) == nil)
    }

    @Test func dependentColumnsAreNamed() {
        let x = Tensor<Double>.randomNormal([50, 3], seed: 2)
        // Columns a, 1e6 b, a (again), 0, c, and a + c... in other units.
        let wide = Tensor(
            shape: [50, 6],
            (0..<50).flatMap {
                [x[$0, 0], 1e6 * x[$0, 1], x[$0, 0], 0, x[$0, 2], 1e-4 * x[$0, 2] + 1e-4 * x[$0, 1]]
            })
        let gram = gramMatrix(wide)
        let found = RankDeficiency.dependentColumns(gram, order: 6, tolerance: 1e-12)
        #expect(found.contains(3) && found.contains(2) && found.count == 3)
        let independent = gramMatrix(x)
        #expect(RankDeficiency.dependentColumns(independent, order: 3, tolerance: 1e-12).isEmpty)
        #expect(RankDeficiency.dependentColumns([0, 0, 0, 0], order: 2, tolerance: 1e-12) == [0, 1])
    }

    @Test(arguments: [1, 2, 9]) func eigen(order: Int) throws {
        let x = Tensor<Double>.randomNormal([order + 2, order], seed: 4)
        let matrix = plainGram(x, nil, nil, [])
        let eigen = try #require(SymmetricEigen(matrix, order: order))
        #expect(eigen.values == eigen.values.sorted())
        for (index, value) in eigen.values.enumerated() {
            let vector = Array(eigen.vectors[index * order..<(index + 1) * order])
            expectClose(
                multiply(matrix, vector, order, order, 1), vector.map { $0 * value }, absolute: 1e-12)
        }
    }

    @Test(arguments: [(1, 1), (7, 3), (3, 7)]) func singularValues(rows: Int, columns: Int) throws {
        let matrix = random(rows * columns, 8)
        let svd = try #require(SingularValues(matrix, rows: rows, columns: columns))
        let count = svd.values.count
        let scaled = (0..<rows * count).map { svd.left[$0] * svd.values[$0 % count] }
        expectClose(multiply(scaled, svd.rightTransposed, rows, count, columns), matrix, absolute: 1e-13)
        #expect(svd.values == svd.values.sorted(by: >))
    }

    @Test(arguments: [(1, 1), (2, 5), (5, 5), (400, 5), (1000, 20)])
    func streamingQR(rows: Int, columns: Int) {
        let x = Tensor<Double>.randomNormal([rows, columns], seed: 3)
        var first = StreamingQR(columns: columns)
        var second = StreamingQR(columns: columns)
        for row in 0..<rows {
            func fill(_ target: UnsafeMutableBufferPointer<Double>) {
                for column in 0..<columns { target[column] = x[row, column] }
            }
            if row % 3 == 0 { second.addRow(fill) } else { first.addRow(fill) }
        }
        first.add(second)
        let r = first.factor()
        for i in 0..<columns { for j in 0..<i { #expect(r[i * columns + j] == 0) } }
        let transposed = (0..<columns * columns).map { r[$0 % columns * columns + $0 / columns] }
        expectRelativeNorm(
            multiply(transposed, r, columns, columns, columns), plainGram(x, nil, nil, []), 1e-13)
    }
}

extension Double {
    fileprivate static func exp10(_ exponent: Double) -> Double {
        (0..<Int(exponent)).reduce(1) { result, _ in result * 10 }
    }
}
