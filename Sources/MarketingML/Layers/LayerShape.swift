/// What one example looks like between two layers, without the batch: known before any data is seen.
public enum LayerShape: Sendable, Hashable, Codable {
    /// A sequence of token ids; `length` is nil when lengths differ.
    case tokens(length: Int? = nil)
    /// A sequence of vectors; `length` is nil when lengths differ.
    case sequence(length: Int? = nil, width: Int)
    /// One vector.
    case vector(width: Int)

    /// D, the size of a vector; nil for token ids.
    public var width: Int? {
        switch self {
        case .tokens: nil
        case .sequence(_, let width), .vector(let width): width
        }
    }

    /// The width of sequences of vectors.
    ///
    /// - Throws: `.shapeMismatch` for anything else: for layers that read sequences.
    public func sequenceWidth() throws -> Int {
        guard case .sequence(_, let width) = self else { throw mismatch("sequences of vectors [N, L, D]") }
        return width
    }

    /// The width of vectors, in sequences or alone.
    ///
    /// - Throws: `.shapeMismatch` for token ids: for layers that read vectors one by one.
    public func vectorWidth() throws -> Int {
        guard let width else { throw mismatch("vectors, not token ids: an Embedding goes first") }
        return width
    }

    /// The same with vectors of another width.
    ///
    /// - Throws: `.shapeMismatch` for token ids.
    public func withWidth(_ width: Int) throws -> LayerShape {
        switch self {
        case .tokens: throw mismatch("vectors, not token ids: an Embedding goes first")
        case .sequence(let length, _): .sequence(length: length, width: width)
        case .vector: .vector(width: width)
        }
    }

    /// The error of a layer that expected something else.
    public func mismatch(_ expected: String) -> MarketingMLError {
        MarketingMLError(.shapeMismatch, "expected \(expected), found \(self)")
    }
}

extension LayerShape: CustomStringConvertible {
    /// With N for the batch and L for a length that varies: `[N, L]`, `tokens`; `[N, 80, 128]`; `[N, 1]`.
    public var description: String {
        func text(_ length: Int?) -> String { length.map { "\($0)" } ?? "L" }
        return switch self {
        case .tokens(let length): "[N, \(text(length))] token ids"
        case .sequence(let length, let width): "[N, \(text(length)), \(width)]"
        case .vector(let width): "[N, \(width)]"
        }
    }
}
