/// What low-rank adaptation adds to some outputs of a linear layer: scale · (x Aᵀ) Bᵀ.
///
/// Reference: Hu et al. 2021, arXiv:2106.09685.
public struct LowRankAdapter<Scalar: TensorFloatingPoint>: Parameterized {
    /// The last part of the name of its layer where several stand in one matrix: `query`; else empty.
    let part: String
    /// The outputs of the layer that it changes.
    public let outputs: Range<Int>
    /// A [rank, inputs].
    public var down: Tensor<Scalar>
    /// B [outputs, rank].
    public var up: Tensor<Scalar>
    /// α / rank.
    public let scale: Double
    /// Share of the inputs' elements left out while training, in [0, 1).
    let dropout: Double

    func callAsFunction(_ x: Tensor<Scalar>, dropout streams: inout DropoutStreams?) -> Tensor<Scalar> {
        (x.dropped(streams.take(rate: dropout)).linear(down) * Scalar(scale)).linear(up)
    }

    /// Calls `body` with A and B, under their names in PEFT's files.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("lora_A.weight", &down)
        try body("lora_B.weight", &up)
    }

    /// Whether a parameter of this name belongs to an adapter.
    static func owns(_ name: String) -> Bool { name.contains(".lora_") }
}

extension Linear {
    /// The layer with what its adapters add put into the weight.
    func merged() -> Linear {
        guard !adapters.isEmpty else { return self }
        var sum = weight.detached
        for adapter in adapters {
            let change = adapter.up.detached.matmul(adapter.down.detached) * Scalar(adapter.scale)
            let (start, count) = (adapter.outputs.lowerBound * weight.columnCount, change.count)
            sum.withUnsafeMutableElements { sum in
                change.withUnsafeElements { change in
                    for index in 0..<count { sum[start + index] += change[index] }
                }
            }
        }
        return Linear(weight: sum, bias: bias)
    }
}
