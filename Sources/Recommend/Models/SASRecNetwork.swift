import Tensor

/// The network of ``SASRec``: embeddings of items and positions, blocks of causal self-attention, scores by the embeddings again.
struct SASRecNetwork<Scalar: TensorFloatingPoint>: Parameterized {
    /// One block, each half added to what it read: attention, then two layers at each place.
    struct Block: Parameterized {
        var attentionScale: Tensor<Scalar>
        var attentionShift: Tensor<Scalar>
        /// Queries, keys and values: [3 D, D].
        var projection: Tensor<Scalar>
        var projectionBias: Tensor<Scalar>
        var output: Tensor<Scalar>
        var outputBias: Tensor<Scalar>
        var forwardScale: Tensor<Scalar>
        var forwardShift: Tensor<Scalar>
        var first: Tensor<Scalar>
        var firstBias: Tensor<Scalar>
        var second: Tensor<Scalar>
        var secondBias: Tensor<Scalar>

        mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
            try body("attention.scale", &attentionScale)
            try body("attention.shift", &attentionShift)
            try body("attention.projection", &projection)
            try body("attention.projection-bias", &projectionBias)
            try body("attention.output", &output)
            try body("attention.output-bias", &outputBias)
            try body("forward.scale", &forwardScale)
            try body("forward.shift", &forwardShift)
            try body("forward.first", &first)
            try body("forward.first-bias", &firstBias)
            try body("forward.second", &second)
            try body("forward.second-bias", &secondBias)
        }
    }

    let heads: Int
    /// [I, D].
    var items: Tensor<Scalar>
    /// [L, D]; the last row is the place of a sequence's last item, however long it is.
    var positions: Tensor<Scalar>
    var blocks: [Block]
    var finalScale: Tensor<Scalar>
    var finalShift: Tensor<Scalar>

    /// Weights drawn with a standard deviation of 0.02, biases 0.
    init(items: Int, _ options: SASRecOptions) {
        var stream: UInt64 = 0
        func random(_ shape: [Int]) -> Tensor<Scalar> {
            stream += 1
            return .randomNormal(shape, standardDeviation: 0.02, seed: options.seed, stream: stream)
        }
        let width = options.factors
        let one = Tensor<Scalar>(repeating: 1, shape: [width])
        heads = options.heads
        self.items = random([items, width])
        positions = random([options.length, width])
        blocks = (0..<options.blocks).map { _ in
            Block(
                attentionScale: one, attentionShift: .zeros([width]),
                projection: random([3 * width, width]), projectionBias: .zeros([3 * width]),
                output: random([width, width]), outputBias: .zeros([width]),
                forwardScale: one, forwardShift: .zeros([width]),
                first: random([width, width]), firstBias: .zeros([width]),
                second: random([width, width]), secondBias: .zeros([width]))
        }
        finalScale = one
        finalShift = .zeros([width])
    }

    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("item-rows", &items)
        try body("positions", &positions)
        for index in blocks.indices {
            try blocks[index].forEachParameter("blocks.\(index)", body)
        }
        try body("final.scale", &finalScale)
        try body("final.shift", &finalShift)
    }

    /// What the network makes of each place from the items up to it: [N, D] for N items in packed sequences, of at most L each.
    func states(
        of sequences: [ArraySlice<Int32>], dropout rate: Double = 0, _ streams: DropoutStreams? = nil
    ) -> Tensor<Scalar> {
        var streams = streams
        func drawn() -> DropoutMask { streams?.take(rate: rate) ?? .none }
        let length = positions.shape[0]
        var offsets = [0]
        var places: [Int32] = []
        for sequence in sequences {
            places += (length - sequence.count..<length).map { Int32(truncatingIfNeeded: $0) }
            offsets.append(places.count)
        }
        let epsilon = 1e-5
        var x = Tensor<Scalar>.gatheredSum([(items, sequences.flatMap { $0 }), (positions, places)]).dropped(
            drawn())
        for block in blocks {
            let attended = x.layerNorm(block.attentionScale, block.attentionShift, epsilon: epsilon)
                .linear(block.projection, bias: block.projectionBias)
                .selfAttention(heads: heads, offsets: offsets, causal: true, dropout: drawn())
                .linear(block.output, bias: block.outputBias)
            x = x + attended.dropped(drawn())
            let forward = x.layerNorm(block.forwardScale, block.forwardShift, epsilon: epsilon)
                .feedForward(block.first, block.firstBias, .relu, block.second, block.secondBias)
            x = x + forward.dropped(drawn())
        }
        return x.layerNorm(finalScale, finalShift, epsilon: epsilon)
    }

    /// The mean cross-entropy of each next item among all items.
    func loss(
        _ sequences: [ArraySlice<Int32>], dropout rate: Double = 0, _ streams: DropoutStreams? = nil
    ) -> Tensor<Scalar> {
        states(of: sequences.map { $0.dropLast() }, dropout: rate, streams)
            .vocabularyLoss(weight: items, targets: sequences.flatMap { $0.dropFirst() })
    }
}
