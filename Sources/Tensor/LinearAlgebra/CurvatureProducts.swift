/// Products of a loss' Hessian with vectors at one point, without the Hessian: a product with the features
/// and one with their transpose.
package final class CurvatureProducts {
    private let design: DesignMatrix
    private let outputs: Int
    private let curvatures: Tensor<Double>
    private let couplings: Tensor<Double>
    private var moves: Tensor<Double>

    /// - Parameter margins: The margins at the point: [outputs, N].
    package init(_ design: DesignMatrix, loss: any MarginLoss, margins: UnsafePointer<Double>) {
        let (outputs, count, block) = (loss.outputs, design.rowCount, RowCut.block)
        self.design = design
        self.outputs = outputs
        curvatures = .zeros([outputs, count])
        couplings = .zeros([outputs > 1 ? outputs : 0, count])
        moves = .zeros([outputs, count])
        nonisolated(unsafe) let margins = margins
        let (all, allCouplings) = (curvatures, couplings)
        parallelRanges(count, grain: block) { range in
            let own = Tensor<Double>.zeros([3, outputs * block])
            let (slopes, step) = (own.pointer, outputs * block)
            _ = loss.evaluate(
                range, margins: margins + range.lowerBound, stride: count, slopes: slopes,
                curvatures: slopes + step,
                couplings: slopes + 2 * step)
            for output in 0..<outputs {
                let place = output * count + range.lowerBound
                (all.pointer + place).update(from: slopes + step + output * block, count: range.count)
                guard outputs > 1 else { continue }
                (allCouplings.pointer + place).update(
                    from: slopes + 2 * step + output * block, count: range.count)
            }
        }
    }

    /// Hessian · v, for coefficients of columns less their shift: [outputs × width].
    package func times(_ v: [Double]) -> [Double] {
        let (count, width) = (design.rowCount, design.width)
        moves.withUnsafeMutableElements { moves in
            guard let moves = moves.baseAddress else { return }
            moves.clear(count: outputs * count)
            for output in 0..<outputs {
                let first = output * width
                design.addMargins(Array(v[first..<first + width]), to: moves + output * count)
            }
            nonisolated(unsafe) let target = moves
            let (curvatures, couplings, outputs) = (curvatures, couplings, outputs)
            parallelRanges(count, grain: 4096) { range in
                for example in range {
                    var together = 0.0
                    if outputs > 1 {
                        for output in 0..<outputs {
                            let place = output * count + example
                            together += couplings.pointer[place] * target[place]
                        }
                    }
                    for output in 0..<outputs {
                        let place = output * count + example
                        var value = curvatures.pointer[place] * target[place]
                        if outputs > 1 {
                            let own = couplings.pointer[place]
                            value -= own * (together - own * target[place])
                        }
                        target[place] = value
                    }
                }
            }
        }
        return moves.withUnsafeElements { moves in
            guard let moves = moves.baseAddress else { return [] }
            return (0..<outputs).flatMap { design.weightedSum(moves + $0 * count) }
        }
    }
}
