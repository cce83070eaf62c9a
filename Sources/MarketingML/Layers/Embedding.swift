/// A vector for every token: ids [N, L] → sequences [N, L, D].
public struct Embedding: LayerRecipe {
    /// V, the number of token ids.
    public var vocabularySize: Int
    /// D, the size of a vector.
    public var dimension: Int
    /// How the vectors are drawn.
    public var initializer: Initializer
    /// Tokens of this id are padding: they are left out of the sequences that the next layers see, on whichever side
    /// they stand, so padded and packed input give the same. nil: every token counts, as in Keras without a mask.
    public var paddingIndex: Int32?
    /// Vectors that some tokens start with instead; not saved with the recipe.
    public var vectors: WordVectors.Rows?

    private enum CodingKeys: CodingKey { case vocabularySize, dimension, initializer, paddingIndex }

    /// Creates the recipe; vectors are uniform in ±0.05 as in Keras (PyTorch draws `.normal(standardDeviation: 1)`).
    public init(
        vocabularySize: Int, dimension: Int, initializer: Initializer = .uniform(limit: 0.05),
        paddingIndex: Int32? = nil
    ) {
        self.vocabularySize = vocabularySize
        self.dimension = dimension
        self.initializer = initializer
        self.paddingIndex = paddingIndex
    }

    /// Creates the recipe of an embedding that starts from vectors of others; tokens without one are drawn.
    public init(
        vocabularySize: Int, vectors: WordVectors.Rows, initializer: Initializer = .uniform(limit: 0.05),
        paddingIndex: Int32? = nil
    ) {
        self.init(
            vocabularySize: vocabularySize, dimension: vectors.vectors.columnCount, initializer: initializer,
            paddingIndex: paddingIndex)
        self.vectors = vectors
    }

    /// The layer with its table [V, D].
    public func makeLayer<Scalar: TensorFloatingPoint>(for input: LayerShape, weights: inout WeightSource)
        throws
        -> any Layer<Scalar>
    {
        guard case .tokens = input else { throw input.mismatch("token ids") }
        try requireOption(vocabularySize >= 1, "vocabularySize", "at least 1", vocabularySize)
        try requireOption(dimension >= 1, "dimension", "at least 1", dimension)
        let size = Int32(clamping: vocabularySize)
        try requireOption(
            paddingIndex.map { 0..<size ~= $0 } ?? true, "paddingIndex", "in 0 ..< \(size)", paddingIndex ?? 0
        )
        var table: Tensor<Scalar> = try weights.next(initializer, shape: [vocabularySize, dimension])
        if let vectors { try overwrite(&table, vectors) }
        return EmbeddingLayer<Scalar>(table: table, paddingIndex: paddingIndex)
    }

    private func overwrite<Scalar: TensorFloatingPoint>(
        _ table: inout Tensor<Scalar>, _ rows: WordVectors.Rows
    ) throws {
        guard rows.vectors.shape[1] == dimension else {
            throw MarketingMLError(
                .shapeMismatch,
                "initial vectors have \(rows.vectors.shape[1]) elements, expected \(dimension)",
                at: .init(name: "vectors"))
        }
        if let id = rows.ids.first(where: { !(0..<Int32(clamping: vocabularySize) ~= $0) }) {
            throw MarketingMLError(
                .invalidOption,
                "an initial vector is for the token id \(id), outside 0 ..< \(vocabularySize)",
                at: .init(name: "vectors"))
        }
        table.withUnsafeMutableElements { target in
            rows.vectors.withUnsafeElements { source in
                for (row, id) in rows.ids.enumerated() {
                    for column in 0..<dimension {
                        target[Int(id) * dimension + column] = Scalar(source[row * dimension + column])
                    }
                }
            }
        }
    }
}

/// A table of vectors, one a token id.
public struct EmbeddingLayer<Scalar: TensorFloatingPoint>: Layer {
    /// The vectors [V, D].
    public var table: Tensor<Scalar>
    /// Tokens of this id are left out; nil: none.
    public let paddingIndex: Int32?

    /// Creates the layer from its table.
    public init(table: Tensor<Scalar>, paddingIndex: Int32? = nil) {
        precondition(table.rank == 2, "an embedding needs a table [V, D], found \(table.shape)")
        self.table = table
        self.paddingIndex = paddingIndex
    }

    /// Sequences of vectors; with padding left out, their lengths are not known before.
    public func outputShape(for input: LayerShape) throws -> LayerShape {
        guard case .tokens(let length) = input else { throw input.mismatch("token ids") }
        return .sequence(length: paddingIndex == nil ? length : nil, width: table.shape[1])
    }

    /// The vectors of the tokens.
    public func callAsFunction(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<
        Scalar
    > {
        let tokens = paddingIndex.map { input.tokens.removing($0) } ?? input.tokens
        return .sequences(PackedSequences(vectors: table.lookedUp(tokens.ids), offsets: tokens.rowOffsets))
    }

    /// - Throws: `.invalidOption` naming the first id outside the vocabulary and its row.
    public func check(_ input: LayerValue<Scalar>) throws {
        let tokens = input.tokens
        let size = Int32(clamping: table.shape[0])
        guard let position = tokens.ids.firstIndex(where: { !(0..<size ~= $0) }) else { return }
        let row = (tokens.rowOffsets.firstIndex { $0 > position } ?? 1) - 1
        throw MarketingMLError(
            .invalidOption,
            "token ids must be in 0 ..< \(size), found \(tokens.ids[position]) at position \(position - tokens.rowOffsets[row]) of example \(row)",
            at: .init(row: row + 1, name: "token ids"))
    }

    /// Calls `body` with the table.
    public mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows {
        try body("weight", &table)
    }
}

extension TokenBatch {
    /// The same rows without the tokens of one id.
    func removing(_ id: Int32) -> TokenBatch {
        guard ids.contains(id) else { return self }
        return TokenBatch(rows: (0..<rowCount).map { row in self[row].filter { $0 != id } })
    }
}
