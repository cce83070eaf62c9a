/// An option that is false in files that lack it, as those written before there was the option do.
@propertyWrapper
public struct MissingIsFalse: Sendable, Codable, Equatable {
    /// The option.
    public var wrappedValue: Bool

    /// Creates an option.
    public init(wrappedValue: Bool) { self.wrappedValue = wrappedValue }

    /// Reads `true` or `false`.
    public init(from decoder: any Decoder) throws { wrappedValue = try Bool(from: decoder) }

    /// Writes `true` or `false`.
    public func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

extension KeyedDecodingContainer {
    func decode(_ type: MissingIsFalse.Type, forKey key: Key) throws -> MissingIsFalse {
        try decodeIfPresent(type, forKey: key) ?? MissingIsFalse(wrappedValue: false)
    }
}
