import TestSupport
import Testing

@testable import Tensor

@Suite struct DesignMatrixTests {
    /// A matrix with columns of different means and sizes, one of them sparse.
    private func matrix(_ rows: Int, _ columns: Int) -> Tensor<Double> {
        var random = SeededGenerator(seed: 7)
        let values = (0..<rows * columns).map { place -> Double in
            let column = place % columns
            let value = Double(random.next(below: 2001)) / 1000 - 1
            return column % 3 == 2 ? (random.next(below: 3) == 0 ? value : 0) : value + Double(column % 3) * 2
        }
        return Tensor(shape: [rows, columns], values.map { Double(Float($0)) })
    }

    private func design(_ x: Tensor<Double>, _ kind: String, intercept: Bool = true) throws -> DesignMatrix {
        let single = Tensor<Float>(shape: x.shape, x.elements.map { Float($0) })
        let rows: DesignMatrix.Rows =
            switch kind {
            case "double": .double(x)
            case "float": .float(single)
            default: .sparse(SparseMatrix(single))
            }
        return try #require(DesignMatrix(rows, intercept: intercept))
    }

    private static let losses: [(String, @Sendable (Int) -> any MarginLoss)] = {
        @Sendable func targets(_ count: Int) -> [Double] {
            (0..<count).map { Double($0 * 7 % 11) / 4 + 0.25 }
        }
        @Sendable func weights(_ count: Int) -> [Double] { (0..<count).map { Double($0 * 5 % 7) / 3 } }
        @Sendable func classes(_ count: Int, _ k: Int) -> [Int32] { (0..<count).map { Int32($0 * 3 % k) } }
        return [
            (
                "logistic",
                {
                    SingleMarginLoss(
                        .logistic, targets: classes($0, 2).map { Double($0) }, weights: weights($0))
                }
            ),
            ("poisson", { SingleMarginLoss(.poisson, targets: targets($0), weights: nil) }),
            ("gamma", { SingleMarginLoss(.gamma, targets: targets($0), weights: weights($0)) }),
            (
                "tweedie",
                { SingleMarginLoss(.tweedie(power: 1.4), targets: targets($0), weights: weights($0)) }
            ),
            (
                "softmax",
                {
                    SoftmaxLoss(
                        classes: 3, hasReference: false, targets: classes($0, 3), weights: weights($0))
                }
            ),
            (
                "reference",
                { SoftmaxLoss(classes: 4, hasReference: true, targets: classes($0, 4), weights: nil) }
            ),
        ]
    }()

    private func derivatives(
        _ design: DesignMatrix, _ loss: any MarginLoss, _ point: [Double], _ second: SecondDerivative
    ) -> LossDerivatives {
        var margins = [Double](repeating: 0, count: loss.outputs * design.rowCount)
        return margins.withUnsafeMutableBufferPointer {
            design.derivatives(
                at: point, loss: loss, offset: (0..<design.rowCount).map { Double($0 % 5) / 10 },
                margins: $0.baseAddress.unsafelyUnwrapped, second: second)
        }
    }

    private func point(_ order: Int) -> [Double] { (0..<order).map { Double(($0 * 13) % 7) / 20 - 0.15 } }

    @Test(arguments: losses.map(\.0)) func finiteDifferences(name: String) throws {
        let (rows, columns) = (37, 5)
        let loss = try #require(Self.losses.first { $0.0 == name }).1(rows)
        for kind in ["double", "sparse"] {
            for intercept in [true, false] {
                let design = try design(matrix(rows, columns), kind, intercept: intercept)
                let order = loss.outputs * design.width
                let at = point(order)
                let exact = derivatives(design, loss, at, .hessian)
                let hessian = try #require(exact.second)
                var gradient: [Double] = [], rowsOfHessian: [Double] = []
                let step = 1e-3
                for index in 0..<order {
                    func moved(_ offset: Double) -> LossDerivatives {
                        var moved = at
                        moved[index] += offset * step
                        return derivatives(design, loss, moved, .none)
                    }
                    let (a, b, c, d) = (moved(-2), moved(-1), moved(1), moved(2))
                    gradient.append((a.loss - 8 * b.loss + 8 * c.loss - d.loss) / (12 * step))
                    rowsOfHessian += (0..<order).map {
                        let inner = 8 * (c.gradient[$0] - b.gradient[$0])
                        return (a.gradient[$0] - d.gradient[$0] + inner) / (12 * step)
                    }
                }
                let scale = hessian.map(abs).max() ?? 1
                expectClose(exact.gradient, gradient, absolute: 1e-8 * scale, "\(name), \(kind): gradient")
                expectClose(hessian, rowsOfHessian, absolute: 1e-8 * scale, "\(name), \(kind): Hessian")
            }
        }
    }

    /// All kinds of storage and both precisions agree, and so do the products one by one.
    @Test(arguments: losses.map(\.0)) func storageDoesNotMatter(name: String) throws {
        let (rows, columns) = (700, 9)
        let loss = try #require(Self.losses.first { $0.0 == name }).1(rows)
        let x = matrix(rows, columns)
        let reference = try design(x, "double", intercept: false)
        let at = point(loss.outputs * columns)
        let expected = derivatives(reference, loss, at, .hessian)
        for kind in ["float", "sparse"] {
            let other = try design(x, kind, intercept: false)
            let found = derivatives(other, loss, at, .hessian)
            #expect(abs(found.loss - expected.loss) < 1e-10 * abs(expected.loss))
            expectClose(found.gradient, expected.gradient, absolute: 1e-9, kind)
            expectRelativeNorm(found.second ?? [], expected.second ?? [], 1e-13, kind)
            let quick = derivatives(other, loss, at, .quickHessian)
            #expect(quick.gradient == found.gradient)
            expectRelativeNorm(quick.second ?? [], expected.second ?? [], 1e-6, kind)
        }
        // The outer product is the sum over single examples.
        let products = try #require(derivatives(reference, loss, at, .outerProduct).second)
        var sum = [Double](repeating: 0, count: products.count)
        let order = at.count
        for row in stride(from: 0, to: rows, by: 1) {
            var factors = [Double](repeating: 0, count: rows)
            factors[row] = 1
            let single = scores(reference, loss, at, row)
            for i in 0..<order { for j in 0..<order { sum[i * order + j] += single[i] * single[j] } }
        }
        expectRelativeNorm(products, sum, 1e-12, "outer product")
    }

    /// A sampled Hessian is that of every eighth block, times all rows over those.
    @Test(arguments: ["double", "float", "sparse"], ["logistic", "softmax"])
    func sampledHessian(kind: String, name: String) throws {
        let (rows, columns) = (256 * 17 + 40, 4)
        let loss = try #require(Self.losses.first { $0.0 == name }).1(rows)
        let design = try design(matrix(rows, columns), kind)
        let at = point(loss.outputs * design.width)
        let found = derivatives(design, loss, at, .sampledHessian)
        let plain = derivatives(design, loss, at, .none)
        #expect(found.loss == plain.loss && found.gradient == plain.gradient)
        let sampled = (0..<rows).filter { $0 / 256 % 8 == 0 }
        #expect(sampled.count == 3 * 256)
        // The others count nothing: their weights are 0.
        var weights = [Double](repeating: 0, count: rows)
        for row in sampled { weights[row] = Double(row * 5 % 7) / 3 }
        let part: any MarginLoss =
            name == "logistic"
            ? SingleMarginLoss(
                .logistic, targets: (0..<rows).map { Double($0 * 3 % 2) }, weights: weights)
            : SoftmaxLoss(
                classes: 3, hasReference: false, targets: (0..<rows).map { Int32($0 * 3 % 3) },
                weights: weights)
        let exact = try #require(derivatives(design, part, at, .hessian).second)
        let share = Double(rows) / Double(sampled.count)
        expectRelativeNorm(found.second ?? [], exact.map { $0 * share }, 1e-6, kind)
    }

    /// The gradient of one example, by a design of that row alone.
    private func scores(_ design: DesignMatrix, _ loss: any MarginLoss, _ at: [Double], _ row: Int)
        -> [Double]
    {
        var margins = [Double](repeating: 0, count: loss.outputs * design.rowCount)
        _ = margins.withUnsafeMutableBufferPointer {
            design.derivatives(
                at: at, loss: loss, offset: (0..<design.rowCount).map { Double($0 % 5) / 10 },
                margins: $0.baseAddress.unsafelyUnwrapped, second: .none)
        }
        let block = RowCut.block * loss.outputs
        var slopes = [Double](repeating: 0, count: block), a = slopes, b = slopes
        _ = margins.withUnsafeBufferPointer { margins in
            loss.evaluate(
                row..<row + 1, margins: margins.baseAddress.unsafelyUnwrapped + row, stride: design.rowCount,
                slopes: &slopes, curvatures: &a, couplings: &b)
        }
        guard case .double(let x) = design.rows else { return [] }
        return (0..<loss.outputs).flatMap { output in
            (0..<design.featureCount).map { slopes[output * RowCut.block] * x[row, $0] }
        }
    }

    @Test func threadsDoNotMatter() throws {
        let design = try design(matrix(9000, 6), "float")
        let loss = SingleMarginLoss(.logistic, targets: (0..<9000).map { Double($0 % 2) }, weights: nil)
        let at = point(7)
        let before = ThreadPool.threadCount
        defer { ThreadPool.threadCount = before }
        ThreadPool.threadCount = 1
        let one = derivatives(design, loss, at, .quickHessian)
        ThreadPool.threadCount = 2
        let two = derivatives(design, loss, at, .quickHessian)
        #expect(one.loss == two.loss && one.gradient == two.gradient && one.second == two.second)
    }

    @Test func momentsAndShifts() throws {
        let x = Tensor<Double>(shape: [4, 3], [1e6 + 1, 5, 0, 1e6 - 1, 5, 0, 1e6 + 2, 5, 3, 1e6 - 2, 5, 0])
        let dense = try design(x, "double")
        #expect(dense.shift == [1e6, 5, 0.75])
        expectClose(dense.scale, [(2.5).squareRoot(), 0, (27.0 / 16).squareRoot(), 1], absolute: 1e-9)
        expectClose(dense.unshifted([2, 0, 1, 3]), [2, 0, 1, 3 - 2e6 - 0.75])
        expectClose(dense.shifted(dense.unshifted([2, 0, 1, 3])), [2, 0, 1, 3], absolute: 1e-9)
        #expect(DesignMatrix(.double(Tensor(shape: [2, 1], [1, .nan])), intercept: true) == nil)
        #expect(DesignMatrix(.double(Tensor(shape: [2, 1], [1, .infinity])), intercept: false) == nil)
    }

    @Test func quadraticForms() throws {
        let x = matrix(300, 4)
        let design = try design(x, "float")
        let matrix = (0..<25).map { place -> Double in
            let product = place % 5 * (place / 5) % 4
            return Double(product) + (place % 6 == 0 ? 5 : 0)
        }
        let forms = design.quadraticForms(matrix)
        for row in [0, 17, 299] {
            let z: [Double] = (0..<4).map { x[row, $0] - design.shift[$0] } + [1]
            var expected = 0.0
            for i in 0..<5 { for j in 0..<5 { expected += z[i] * matrix[5 * i + j] * z[j] } }
            #expect(abs(forms[row] - expected) < 1e-12 * abs(expected))
        }
    }
}
