internal import CTensorKernels

/// A loss at a point, with its derivatives by the coefficients.
package struct LossDerivatives: Sendable {
    /// Σ of the loss.
    package var loss: Double
    /// Output after output: [outputs × width].
    package var gradient: [Double]
    /// Symmetric, whole: [outputs × width, outputs × width]; nil if it was not asked for.
    package var second: [Double]?
}

/// Which matrix a pass adds up.
package enum SecondDerivative: Sendable, Equatable {
    /// None: margins, losses and gradient alone.
    case none
    /// The Hessian, products of single-precision features in single precision: for the direction of a step.
    case quickHessian
    /// The same of every eighth block of rows, times eight: for the first steps on many rows.
    case sampledHessian
    /// The Hessian in double precision.
    case hessian
    /// Σ g gᵀ, g an example's gradient: the middle of the sandwich estimator.
    case outerProduct

    fileprivate var isSingle: Bool { self == .quickHessian || self == .sampledHessian }
    /// Of how many blocks of rows one is taken.
    fileprivate var stride: Int { self == .sampledHessian ? 8 : 1 }
}

extension DesignMatrix {
    /// Margins, losses, gradient and Hessian in one reading of the features, in blocks of rows that stay in
    /// the second-level cache.
    ///
    /// - Parameters:
    ///   - coefficients: For columns less their shift, output after output: [outputs × width].
    ///   - margins: Receives the margins: [outputs, N].
    ///   - offset: Added to each example's margins: [N].
    package func derivatives(
        at coefficients: [Double], loss: any MarginLoss, offset: [Double]?,
        margins: UnsafeMutablePointer<Double>,
        second: SecondDerivative
    ) -> LossDerivatives {
        let plain = (0..<loss.outputs).map { output in
            let first = output * width
            return unshifted(Array(coefficients[first..<first + width]))
        }
        return second.isSingle
            ? pass(Float.self, plain, loss, offset, margins, second)
            : pass(Double.self, plain, loss, offset, margins, second)
    }

    /// Σ of the loss for margins that are known.
    package func value(of loss: any MarginLoss, margins: UnsafePointer<Double>) -> Double {
        nonisolated(unsafe) let margins = margins
        return RowCut(rowCount: rowCount, sums: 1).sum(count: 1) { range, sum in
            sum[0] += loss.value(range, margins: margins + range.lowerBound, stride: rowCount)
        }[0]
    }

    private func pass<Scalar: TensorFloatingPoint>(
        _: Scalar.Type, _ plain: [[Double]], _ loss: any MarginLoss, _ offset: [Double]?,
        _ margins: UnsafeMutablePointer<Double>, _ second: SecondDerivative
    ) -> LossDerivatives {
        let outputs = loss.outputs
        let order = outputs * width
        let layout = PassLayout(outputs: outputs, width: width, second: second)
        nonisolated(unsafe) let margins = margins
        let cut = RowCut(rowCount: rowCount, sums: layout.count, elements: rows.storedCount)
        let sums = cut.sum(count: layout.count) { range, sums in
            let scratch = PassScratch<Scalar>(self, layout)
            for start in stride(from: range.lowerBound, to: range.upperBound, by: RowCut.block) {
                let rows = start..<min(range.upperBound, start + RowCut.block)
                for output in 0..<outputs {
                    let margin = margins + output * rowCount + start
                    if let offset {
                        for index in 0..<rows.count { margin[index] = offset[start + index] }
                    } else {
                        margin.clear(count: rows.count)
                    }
                    addMargins(plain[output], of: rows, to: margin)
                }
                sums[0] += loss.evaluate(
                    rows, margins: margins + start, stride: rowCount, slopes: scratch.slopes,
                    curvatures: scratch.curvatures, couplings: scratch.couplings)
                for output in 0..<outputs {
                    addWeightedRows(
                        rows, scratch.slopes + output * RowCut.block, to: sums + 1 + output * width)
                }
                guard second != .none, start / RowCut.block % second.stride == 0 else { continue }
                scratch.withRows(self, rows) { pointer in
                    addSecond(pointer, rows.count, layout, scratch, second, sums)
                }
            }
        }
        var gradient: [Double] = []
        for output in 0..<outputs {
            let first = 1 + output * width
            gradient += centred(Array(sums[first..<first + width]))
        }
        guard second != .none else {
            return LossDerivatives(loss: sums[0], gradient: gradient, second: nil)
        }
        var matrix =
            layout.isCoupled
            ? Array(sums[layout.coupled..<layout.coupled + order * order])
            : [Double](repeating: 0, count: order * order)
        if second != .outerProduct {
            for index in matrix.indices where layout.isCoupled { matrix[index] = -matrix[index] }
            for output in 0..<outputs {
                let first = output * width
                for row in first..<first + width {
                    for column in row - first..<width {
                        matrix[row * order + first + column] = sums[layout.diagonal + row * width + column]
                    }
                }
            }
        }
        if second.stride > 1 {
            let share = Double(rowCount) / Double(RowCut.count(of: rowCount, everyBlock: second.stride))
            for index in matrix.indices { matrix[index] *= share }
        }
        matrix.mirrorUpper(order: order)
        return LossDerivatives(loss: sums[0], gradient: gradient, second: matrix)
    }

    /// Adds a block's part of the matrix.
    private func addSecond<Scalar: TensorFloatingPoint>(
        _ rows: UnsafePointer<Scalar>, _ count: Int, _ layout: PassLayout, _ scratch: PassScratch<Scalar>,
        _ second: SecondDerivative, _ sums: UnsafeMutablePointer<Double>
    ) {
        guard second != .outerProduct else {
            for output in 0..<layout.outputs {
                scratch.packScaled(
                    self, rows, count, factors: scratch.slopes + output * RowCut.block, first: output * width)
            }
            scratch.addProducts(count, width: layout.outputs * width, to: sums + layout.coupled)
            return
        }
        for output in 0..<layout.outputs {
            scratch.pack(self, rows, count, weights: scratch.curvatures + output * RowCut.block, first: 0)
            scratch.addProducts(count, width: width, to: sums + layout.diagonal + output * width * width)
        }
        guard layout.isCoupled else { return }
        for output in 0..<layout.outputs {
            let weights = scratch.couplings + output * RowCut.block
            for index in 0..<count { weights[index] *= weights[index] }
            scratch.pack(self, rows, count, weights: weights, first: output * width)
        }
        scratch.addProducts(count, width: layout.outputs * width, to: sums + layout.coupled)
    }
}

/// Where the sums of a task stand: the loss, the gradient, the diagonal blocks of the Hessian, the matrix of
/// couplings.
private struct PassLayout {
    let outputs: Int
    let width: Int
    /// Whether there is a matrix over all outputs at once.
    let isCoupled: Bool
    let hasDiagonal: Bool

    init(outputs: Int, width: Int, second: SecondDerivative) {
        self.outputs = outputs
        self.width = width
        isCoupled = second == .outerProduct || (second != .none && outputs > 1)
        hasDiagonal = second != .none && second != .outerProduct
    }

    var diagonal: Int { 1 + outputs * width }
    var coupled: Int { diagonal + (hasDiagonal ? outputs * width * width : 0) }
    var count: Int { coupled + (isCoupled ? outputs * width * outputs * width : 0) }
}

/// What a task needs for one block of rows.
private final class PassScratch<Scalar: TensorFloatingPoint> {
    let slopes: UnsafeMutablePointer<Double>
    let curvatures: UnsafeMutablePointer<Double>
    let couplings: UnsafeMutablePointer<Double>
    private let doubles: Tensor<Double>
    private let packed: Tensor<Scalar>
    private let shift: Tensor<Scalar>
    private let shiftsInDouble: Tensor<Double>
    private let shifts: UnsafePointer<Double>
    /// Whether nothing is left to take from the rows that `withRows` gives.
    private let isShifted: Bool
    private let ones: Tensor<Scalar>
    private let scaled: Tensor<Scalar>
    private let scaledOnes: Tensor<Scalar>
    private var copy: Tensor<Scalar>

    init(_ design: DesignMatrix, _ layout: PassLayout) {
        let block = RowCut.block
        doubles = .zeros([3, layout.outputs * block])
        slopes = doubles.pointer
        curvatures = slopes + layout.outputs * block
        couplings = curvatures + layout.outputs * block
        let columns = layout.isCoupled ? layout.outputs * layout.width : layout.width
        let needed = layout.isCoupled || layout.hasDiagonal
        packed = .zeros([
            needed ? block * GramPanels<Scalar>.count(columns) * mml_gram_panel(Scalar.kernelType, 0) : 0
        ])
        let isScaled = needed && !layout.hasDiagonal
        scaled = .zeros([isScaled ? block * design.featureCount : 0])
        scaledOnes = .zeros([isScaled ? block : 0])
        shift = Tensor(needed ? design.shift.map { Scalar($0) } : [])
        shiftsInDouble = Tensor(needed ? design.shift : [])
        shifts = UnsafePointer(shiftsInDouble.pointer)
        if case .double = design.rows, Scalar.self == Float.self {
            isShifted = true
        } else {
            isShifted = !design.hasIntercept
        }
        ones = Tensor(repeating: 1, shape: [block])
        copy = .zeros([needed && !design.stores(Scalar.self) ? block * design.featureCount : 0])
    }

    /// Calls `body` with a block of rows in the type of the products, copied if they are of another.
    func withRows(_ design: DesignMatrix, _ range: Range<Int>, _ body: (UnsafePointer<Scalar>) -> Void) {
        let columns = design.featureCount
        switch design.rows {
        case .float(let matrix):
            if let matrix = matrix as? Tensor<Scalar> {
                return body(matrix.pointer + range.lowerBound * columns)
            }
            let source = matrix.pointer + range.lowerBound * columns
            for index in 0..<range.count * columns { copy.pointer[index] = Scalar(source[index]) }
        case .double(let matrix):
            if let matrix = matrix as? Tensor<Scalar> {
                return body(matrix.pointer + range.lowerBound * columns)
            }
            // The shift goes first, in double: what is left has digits enough.
            for row in 0..<range.count {
                let source = matrix.pointer + (range.lowerBound + row) * columns
                let target = copy.pointer + row * columns
                for column in 0..<columns { target[column] = Scalar(source[column] - shifts[column]) }
            }
        case .sparse(let matrix):
            copy.pointer.clear(count: range.count * columns)
            let target = copy.pointer
            matrix.forEachRow(in: range) { row, indices, values in
                let row = target + (row - range.lowerBound) * columns
                for index in indices.indices { row[Int(indices[index])] = Scalar(values[index]) }
            }
        }
        body(copy.pointer)
    }

    /// Packs √weight · (row − shift, 1) as columns from `first` on.
    func pack(
        _ design: DesignMatrix, _ rows: UnsafePointer<Scalar>, _ count: Int, weights: UnsafePointer<Double>,
        first: Int
    ) {
        let columns = design.featureCount
        mml_gram_pack(
            Scalar.kernelType, count, columns, rows, columns, isShifted ? nil : shift.pointer, weights, first,
            packed.pointer)
        guard design.hasIntercept else { return }
        mml_gram_pack(
            Scalar.kernelType, count, 1, ones.pointer, 1, nil, weights, first + columns, packed.pointer)
    }

    /// Packs factor · (row − shift, 1), for factors of either sign.
    func packScaled(
        _ design: DesignMatrix, _ rows: UnsafePointer<Scalar>, _ count: Int, factors: UnsafePointer<Double>,
        first: Int
    ) {
        let columns = design.featureCount
        for row in 0..<count {
            let factor = Scalar(factors[row])
            let (source, target) = (rows + row * columns, scaled.pointer + row * columns)
            for column in 0..<columns {
                target[column] = factor * (source[column] - (isShifted ? 0 : shift.pointer[column]))
            }
            scaledOnes.pointer[row] = factor
        }
        mml_gram_pack(
            Scalar.kernelType, count, columns, scaled.pointer, columns, nil, nil, first, packed.pointer)
        guard design.hasIntercept else { return }
        mml_gram_pack(
            Scalar.kernelType, count, 1, scaledOnes.pointer, 1, nil, nil, first + columns, packed.pointer)
    }

    /// Adds the products of the packed columns.
    func addProducts(_ count: Int, width: Int, to sums: UnsafeMutablePointer<Double>) {
        mml_gram_add(
            Scalar.kernelType, count, width, 0, GramPanels<Scalar>.count(width), packed.pointer, sums, width)
    }
}

extension DesignMatrix {
    fileprivate func stores<Scalar: TensorFloatingPoint>(_: Scalar.Type) -> Bool {
        switch rows {
        case .float: Scalar.self == Float.self
        case .double: Scalar.self == Double.self
        case .sparse: false
        }
    }
}

extension DesignMatrix {
    /// zᵢᵀ A zᵢ of every example, z its row less the shift (with its 1): [N]. A is symmetric, [width, width].
    package func quadraticForms(_ matrix: [Double]) -> [Double] {
        let matrix = Tensor(shape: [width, width], matrix)
        var result = [Double](repeating: 0, count: rowCount)
        result.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            nonisolated(unsafe) let result = base
            let layout = PassLayout(outputs: 1, width: width, second: .hessian)
            parallelRanges(rowCount, grain: RowCut.block) { range in
                var centred = Tensor<Double>.zeros([range.count, width])
                PassScratch<Double>(self, layout).withRows(self, range) { rows in
                    centred.withUnsafeMutableElements { centred in
                        for row in 0..<range.count {
                            for column in 0..<featureCount {
                                centred[row * width + column] =
                                    rows[row * featureCount + column] - shift[column]
                            }
                            if hasIntercept { centred[row * width + featureCount] = 1 }
                        }
                    }
                }
                let product = centred.matmul(matrix)
                for row in 0..<range.count {
                    var sum = 0.0
                    for column in 0..<width {
                        sum += product.pointer[row * width + column] * centred.pointer[row * width + column]
                    }
                    result[range.lowerBound + row] = sum
                }
            }
        }
        return result
    }
}
