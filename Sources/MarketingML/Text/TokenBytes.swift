/// The bytes of text that each token stands for, by id.
struct TokenBytes: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    /// The number of tokens.
    var count: Int { ends.count }

    /// Appends the token of the next id.
    mutating func append(_ token: some Sequence<UInt8>) {
        bytes += token
        ends.append(bytes.count)
    }

    /// The number of bytes of a token; 0 for ids that do not exist.
    @inline(__always)
    func length(_ id: Int32) -> Int {
        guard let index = Int(exactly: id), ends.indices.contains(index) else { return 0 }
        return ends[index] - (index == 0 ? 0 : ends[index - 1])
    }

    /// The bytes of a token; none for ids that do not exist.
    subscript(id: Int32) -> ArraySlice<UInt8> {
        guard let index = Int(exactly: id), ends.indices.contains(index) else { return [] }
        return bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }
}
