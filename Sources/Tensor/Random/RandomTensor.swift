internal import CTensorKernels

extension Tensor where Scalar: TensorFloatingPoint {
    /// Normally distributed elements with mean 0; the same for a seed and stream on every machine and thread count.
    public static func randomNormal(
        _ shape: [Int], standardDeviation: Double = 1, seed: UInt64, stream: UInt64 = 0
    ) -> Tensor {
        random(shape) { start, count, target in
            mml_random_normal(Scalar.kernelType, seed, stream, UInt64(start), count, target)
            mml_scale_add(Scalar.kernelType, count, standardDeviation, target, 0, target)
        }
    }

    /// Uniformly distributed elements in `range`.
    public static func randomUniform(
        _ shape: [Int], in range: Range<Double> = 0..<1, seed: UInt64, stream: UInt64 = 0
    ) -> Tensor {
        let width = range.upperBound - range.lowerBound
        let uniform = random(shape) { start, count, target in
            mml_random_uniform(Scalar.kernelType, seed, stream, UInt64(start), count, target)
            mml_scale_add(Scalar.kernelType, count, width, target, 0, target)
        }
        return range.lowerBound == 0 ? uniform : uniform + Tensor(Scalar(range.lowerBound))
    }

    private static func random(_ shape: [Int], _ draw: (Int, Int, UnsafeMutablePointer<Scalar>) -> Void)
        -> Tensor
    {
        let result = Tensor(uninitialized: shape)
        parallelRanges(result.count, grain: elementwiseGrain) { range in
            draw(range.lowerBound, range.count, result.pointer + range.lowerBound)
        }
        return result
    }
}
