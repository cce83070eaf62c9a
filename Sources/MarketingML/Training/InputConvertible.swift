/// Something that can be a model's input: rows of token ids, rows of numbers, tensors.
public protocol InputConvertible {
    /// The input as layers read it.
    ///
    /// - Throws: `.shapeMismatch` for rows of different lengths where there must be one, or a shape that is no list of
    ///   examples; `.notFinite` for NaN or infinity; `.tooLarge` for a token id beyond 32 bits.
    func layerInput() throws -> LayerValue<Float>
}

/// An element of a row of input.
public protocol InputElement {
    /// The input of rows of such elements.
    static func layerInput(_ rows: [[Self]]) throws -> LayerValue<Float>
}

/// A row of input.
public protocol InputRow {
    /// The input of such rows.
    static func layerInput(_ rows: [Self]) throws -> LayerValue<Float>
}

extension Array: InputRow where Element: InputElement {
    /// The input of such rows.
    public static func layerInput(_ rows: [[Element]]) throws -> LayerValue<Float> {
        try Element.layerInput(rows)
    }
}

extension Array: InputConvertible where Element: InputRow {
    /// Its rows as input.
    public func layerInput() throws -> LayerValue<Float> { try Element.layerInput(self) }
}

extension Int32: InputElement {
    /// Token ids; rows may differ in length.
    public static func layerInput(_ rows: [[Int32]]) -> LayerValue<Float> { .tokens(TokenBatch(rows: rows)) }
}

extension Int: InputElement {
    /// Token ids; rows may differ in length.
    public static func layerInput(_ rows: [[Int]]) throws -> LayerValue<Float> {
        .tokens(
            TokenBatch(
                rows: try rows.enumerated().map { index, row in
                    try row.narrowed("a token id", at: .init(row: index + 1, name: "input"))
                }))
    }
}

extension Float: InputElement {
    /// Vectors of one length.
    public static func layerInput(_ rows: [[Float]]) throws -> LayerValue<Float> {
        let width = rows.first?.count ?? 0
        if let index = rows.firstIndex(where: { $0.count != width }) {
            throw MarketingMLError(
                .shapeMismatch, "expected rows of \(width) numbers as the first, found \(rows[index].count)",
                at: .init(row: index + 1, name: "input"))
        }
        return try Tensor(shape: [rows.count, width], Array(rows.joined())).layerInput()
    }
}

extension Double: InputElement {
    /// Vectors of one length.
    public static func layerInput(_ rows: [[Double]]) throws -> LayerValue<Float> {
        try Float.layerInput(rows.map { $0.map { Float($0) } })
    }
}

extension TokenBatch: InputConvertible {
    /// Token ids.
    public func layerInput() -> LayerValue<Float> { .tokens(self) }
}

extension LayerValue: InputConvertible where Scalar == Float {
    /// Itself.
    public func layerInput() -> LayerValue<Float> { self }
}

extension PackedSequences: InputConvertible where Scalar == Float {
    /// Sequences of vectors, all finite.
    public func layerInput() throws -> LayerValue<Float> {
        guard vectors.allFinite else {
            throw MarketingMLError(.notFinite, "holds NaN or infinity", at: .init(name: "input"))
        }
        return .sequences(self)
    }
}

extension Tensor: InputConvertible where Scalar: InputTensorElement {
    /// Vectors [N, D] or sequences of them [N, L, D]; token ids [N, L].
    public func layerInput() throws -> LayerValue<Float> { try Scalar.layerInput(self) }
}

/// An element type of input tensors: `Float` for vectors, `Int32` for token ids.
public protocol InputTensorElement: TensorScalar {
    /// The input that a tensor of such elements is.
    static func layerInput(_ tensor: Tensor<Self>) throws -> LayerValue<Float>
}

extension Float: InputTensorElement {
    /// Vectors [N, D] or sequences of them [N, L, D], all finite.
    public static func layerInput(_ tensor: Tensor<Float>) throws -> LayerValue<Float> {
        guard tensor.allFinite else {
            throw MarketingMLError(.notFinite, "holds NaN or infinity", at: .init(name: "input"))
        }
        switch tensor.rank {
        case 2: return .rows(tensor)
        case 3: return .sequences(PackedSequences(tensor))
        default:
            throw MarketingMLError(
                .shapeMismatch, "expected the shape [N, D] or [N, L, D], found \(tensor.shape)",
                at: .init(name: "input"))
        }
    }
}

extension Int32: InputTensorElement {
    /// Token ids [N, L].
    public static func layerInput(_ tensor: Tensor<Int32>) throws -> LayerValue<Float> {
        guard tensor.rank == 2 else {
            throw MarketingMLError(
                .shapeMismatch, "expected token ids [N, L], found the shape \(tensor.shape)",
                at: .init(name: "input"))
        }
        let length = tensor.shape[1]
        let ids = tensor.elements
        return .tokens(
            TokenBatch(rows: (0..<tensor.shape[0]).map { Array(ids[$0 * length..<($0 + 1) * length]) }))
    }
}
