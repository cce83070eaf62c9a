internal import CTensorKernels

extension Tensor where Scalar: TensorFloatingPoint {
    /// The largest element of each column over each packed sequence's rows: [Σ lengths, D] → [N, D]; a sequence without
    /// rows gives zeros. Of equal elements the first gets the gradient; NaN counts as the largest.
    public func maxPooled(offsets: [Int]) -> Tensor {
        precondition(rank == 2 && offsets.first == 0 && offsets.last == shape[0], "maxPooled of \(shape)")
        let width = shape[1]
        let sequences = offsets.count - 1
        let result = Tensor(uninitialized: [sequences, width])
        let places = Tensor<Int32>(uninitialized: [sequences, width])
        parallel(sequences) { sequence in
            let rows = offsets[sequence]..<offsets[sequence + 1]
            mml_column_maxima(
                Scalar.kernelType, rows.count, width, pointer + rows.lowerBound * width,
                result.pointer + sequence * width, places.pointer + sequence * width)
        }
        let shape = shape
        return result.recorded(from: self) { gradient in
            let dy = gradient
            let dx = Tensor.zeros(shape)
            parallel(sequences) { sequence in
                if offsets[sequence] == offsets[sequence + 1] { return }
                for column in 0..<width {
                    let index = sequence * width + column
                    let row = offsets[sequence] + Int(places.pointer[index])
                    dx.pointer[row * width + column] = dy.pointer[index]
                }
            }
            return [dx]
        }
    }

    /// The mean of each packed sequence's rows weighted by softmax(scores) over that sequence: [Σ lengths, D] → [N, D];
    /// a sequence without rows gives zeros.
    ///
    /// - Parameter scores: [Σ lengths, 1].
    public func attentionPooled(scores: Tensor, offsets: [Int]) -> Tensor {
        precondition(
            rank == 2 && scores.shape == [shape[0], 1] && offsets.first == 0 && offsets.last == shape[0],
            "attentionPooled of \(shape) by \(scores.shape)")
        let type = Scalar.kernelType
        let width = shape[1]
        let sequences = offsets.count - 1
        let weights = Tensor(uninitialized: scores.shape)
        let result = Tensor.zeros([sequences, width])
        let (x, s) = (detached, scores.detached)
        parallel(sequences) { sequence in
            let rows = offsets[sequence]..<offsets[sequence + 1]
            let first = rows.lowerBound
            mml_softmax(type, rows.isEmpty ? 0 : 1, rows.count, s.pointer + first, weights.pointer + first)
            for row in rows {
                mml_scale_add(
                    type, width, Double(weights.pointer[row]), x.pointer + row * width, 1,
                    result.pointer + sequence * width)
            }
        }
        return result.recorded(from: self, scores) { gradient in
            let dy = gradient
            let dx = Tensor(uninitialized: x.shape)
            let dweights = Tensor(uninitialized: weights.shape)
            parallel(sequences) { sequence in
                let rows = offsets[sequence]..<offsets[sequence + 1]
                let above = dy.pointer + sequence * width
                for row in rows {
                    mml_scale_add(
                        type, width, Double(weights.pointer[row]), above, 0, dx.pointer + row * width)
                    dweights.pointer[row] = Scalar(
                        mml_dot(type, width, x.pointer + row * width, above))
                }
                let first = rows.lowerBound
                mml_softmax_backward(
                    type, rows.isEmpty ? 0 : 1, rows.count, weights.pointer + first,
                    dweights.pointer + first, dweights.pointer + first)
            }
            return [dx, dweights]
        }
    }
}
