/// What flows between layers: a batch of token ids, of sequences of vectors, or of vectors.
///
/// Sequences are packed one after the other without padding; a rectangle [N, L, D] is the case of equal lengths.
public enum LayerValue<Scalar: TensorFloatingPoint>: Sendable {
    /// Token ids, a row an example.
    case tokens(TokenBatch)
    /// Vectors, a sequence an example.
    case sequences(PackedSequences<Scalar>)
    /// Vectors [N, D], one an example.
    case rows(Tensor<Scalar>)

    /// The token ids.
    ///
    /// - Precondition: it holds token ids; layers check that when they are built.
    public var tokens: TokenBatch {
        guard case .tokens(let tokens) = self else {
            preconditionFailure("expected token ids, found \(shape)")
        }
        return tokens
    }

    /// The sequences of vectors.
    ///
    /// - Precondition: it holds sequences of vectors.
    public var sequences: PackedSequences<Scalar> {
        guard case .sequences(let sequences) = self else {
            preconditionFailure("expected sequences of vectors, found \(shape)")
        }
        return sequences
    }

    /// All vectors as the rows of one matrix: [N, D], or [Σ lengths, D] for sequences.
    ///
    /// - Precondition: it does not hold token ids.
    public var vectors: Tensor<Scalar> {
        switch self {
        case .tokens: preconditionFailure("expected vectors, found \(shape)")
        case .sequences(let sequences): sequences.vectors
        case .rows(let rows): rows
        }
    }

    /// The same with other vectors: for layers that treat each vector alone.
    ///
    /// - Parameter body: [rows, D] → [rows, D'].
    public func mapVectors(_ body: (Tensor<Scalar>) throws -> Tensor<Scalar>) rethrows -> LayerValue {
        switch self {
        case .tokens: preconditionFailure("expected vectors, found \(shape)")
        case .sequences(let sequences):
            try .sequences(PackedSequences(vectors: body(sequences.vectors), offsets: sequences.offsets))
        case .rows(let rows): try .rows(body(rows))
        }
    }

    /// N, the number of examples.
    public var count: Int {
        switch self {
        case .tokens(let tokens): tokens.rowCount
        case .sequences(let sequences): sequences.count
        case .rows(let rows): rows.rowCount
        }
    }

    /// The length of each example; 1 for vectors.
    public var lengths: [Int] {
        switch self {
        case .tokens(let tokens): tokens.lengths
        case .sequences(let sequences): sequences.lengths
        case .rows(let rows): Array(repeating: 1, count: rows.rowCount)
        }
    }

    /// What its examples look like; a length is given when all have the same.
    public var shape: LayerShape {
        switch self {
        case .tokens(let tokens): .tokens(length: commonLength(tokens.rowOffsets))
        case .sequences(let sequences):
            .sequence(length: commonLength(sequences.offsets), width: sequences.width)
        case .rows(let rows): .vector(width: rows.columnCount)
        }
    }

    /// The given examples, in that order; one may be taken more than once.
    public func select(rows indices: [Int]) -> LayerValue {
        switch self {
        case .tokens(let tokens): .tokens(tokens.select(rows: indices))
        case .sequences(let sequences): .sequences(sequences.select(indices))
        case .rows(let rows): .rows(rows.rows(at: indices))
        }
    }
}

/// Sequences of vectors, packed one after the other without padding.
///
/// Sequence `i` is the rows `offsets[i] ..< offsets[i + 1]` of `vectors`.
public struct PackedSequences<Scalar: TensorFloatingPoint>: Sendable {
    /// The vectors of all sequences [Σ lengths, D].
    public let vectors: Tensor<Scalar>
    /// Where each sequence begins, and at the end the number of all vectors.
    public let offsets: [Int]

    /// Creates sequences from their vectors and offsets.
    ///
    /// - Precondition: offsets rise from 0 to the number of vectors.
    public init(vectors: Tensor<Scalar>, offsets: [Int]) {
        precondition(
            vectors.rank == 2 && offsets.first == 0 && offsets.last == vectors.shape[0]
                && zip(offsets, offsets.dropFirst()).allSatisfy { $0 <= $1 },
            "offsets must rise from 0 to the number of vectors of \(vectors.shape)")
        self.vectors = vectors
        self.offsets = offsets
    }

    /// Creates sequences of equal length from a rectangle [N, L, D].
    public init(_ rectangle: Tensor<Scalar>) {
        precondition(rectangle.rank == 3, "sequences need a shape [N, L, D], found \(rectangle.shape)")
        let (count, length, width) = (rectangle.shape[0], rectangle.shape[1], rectangle.shape[2])
        self.init(
            vectors: rectangle.reshaped(count * length, width), offsets: (0...count).map { $0 * length })
    }

    /// N, the number of sequences.
    public var count: Int { offsets.count - 1 }
    /// D, the size of a vector.
    public var width: Int { vectors.columnCount }
    /// The number of vectors of each sequence.
    public var lengths: [Int] { zip(offsets, offsets.dropFirst()).map { $1 - $0 } }

    /// The given sequences, in that order; one may be taken more than once.
    public func select(_ indices: [Int]) -> PackedSequences {
        var offsets = [0]
        var rows: [Int] = []
        for index in indices {
            rows += self.offsets[index]..<self.offsets[index + 1]
            offsets.append(rows.count)
        }
        return PackedSequences(vectors: vectors.rows(at: rows), offsets: offsets)
    }
}

/// The length of all sequences; nil when they differ or there are none.
private func commonLength(_ offsets: [Int]) -> Int? {
    guard offsets.count > 1 else { return nil }
    let length = offsets[1]
    return offsets.indices.allSatisfy { offsets[$0] == $0 * length } ? length : nil
}
