internal import CTensorKernels

/// Which elements one dropout drops: drawn by counter from a seed and a stream number, so that the backward pass
/// draws the same again and nothing is stored (Philox4x32-10; Salmon et al. 2011, doi:10.1145/2063384.2063405).
public struct DropoutMask: Sendable, Equatable {
    /// Share of elements that become zero, in [0, 1); the others are scaled by 1 / (1 - rate).
    public var rate: Double
    /// The training run's seed.
    public var seed: UInt64
    /// Tells the dropouts of one run apart: no two may share it.
    public var stream: UInt64

    /// No dropout.
    public static let none = DropoutMask(rate: 0, seed: 0, stream: 0)

    /// Creates a dropout; `rate` must be in [0, 1).
    public init(rate: Double, seed: UInt64, stream: UInt64) {
        precondition(0 <= rate && rate < 1, "a dropout rate must be in [0, 1): \(rate)")
        self.rate = rate
        self.seed = seed
        self.stream = stream
    }

    var kernel: mml_dropout_spec { mml_dropout_spec(seed: seed, stream: stream, rate: rate) }
}

/// Deals out the dropouts of one forward pass, each with a stream of its own; nil stands for "not training".
public struct DropoutStreams: Sendable {
    private let seed: UInt64
    private var next: UInt64

    /// Creates the streams of one training step.
    public init(seed: UInt64, step: Int) {
        self.seed = seed
        // 2^20 dropouts a step are out of reach of any model.
        next = UInt64(truncatingIfNeeded: step) << 20
    }

    /// The next dropout of the pass.
    public mutating func take(rate: Double) -> DropoutMask {
        defer { next &+= 1 }
        return rate == 0 ? .none : DropoutMask(rate: rate, seed: seed, stream: next)
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// The elements that the dropout keeps, scaled, and zero for the others.
    public func dropped(_ dropout: DropoutMask) -> Tensor {
        if dropout.rate == 0 { return self }
        return masked(dropout).recorded(from: self) { gradient in [gradient.masked(dropout)] }
    }

    private func masked(_ dropout: DropoutMask) -> Tensor {
        let result = Tensor(uninitialized: shape)
        parallelRanges(count, grain: elementwiseGrain) { range in
            var spec = dropout.kernel
            mml_dropout(
                Scalar.kernelType, &spec, UInt64(range.lowerBound), range.count, pointer + range.lowerBound,
                result.pointer + range.lowerBound)
        }
        return result
    }
}
