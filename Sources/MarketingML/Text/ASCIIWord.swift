/// The letters and digits at the front of a text: how many there are, and the first 16 of them as two integers.
struct ASCIIWord {
    var low: UInt64
    var high: UInt64 = 0
    /// The number of letters and digits; 17 if there are more than 16.
    var length: Int

    /// Reads eight bytes at a time; in lower case if `foldCase` is all ones, as they are if it is 0.
    @inline(__always)
    init(_ text: UnsafePointer<UInt8>, at position: Int, end: Int, foldCase: UInt64) {
        (low, length) = Self.read(text, at: position, end: end, foldCase: foldCase)
        guard length == 8 else { return }
        let second = Self.read(text, at: position + 8, end: end, foldCase: foldCase)
        high = second.bytes
        length += second.length
        guard length == 16, position + 16 < end else { return }
        if Self.read(text, at: position + 16, end: end, foldCase: foldCase).length > 0 { length = 17 }
    }

    @inline(__always)
    private static func read(
        _ text: UnsafePointer<UInt8>, at position: Int, end: Int, foldCase: UInt64
    ) -> (bytes: UInt64, length: Int) {
        var bytes: UInt64 = 0
        if position + 8 <= end {
            bytes = UInt64(
                littleEndian: UnsafeRawPointer(text).loadUnaligned(fromByteOffset: position, as: UInt64.self))
        } else {
            var index = end
            while index > position {
                index -= 1
                bytes = bytes << 8 | UInt64(text[index])
            }
        }
        // In each byte, the highest bit answers a question about the other seven.
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs = ones << 7
        let sevens = bytes & ~highs
        let folded = sevens | ones << 5
        let letters =
            (folded &+ ones &* (0x80 - 0x61)) & ~(folded &+ ones &* (0x80 - 0x7B)) & ~bytes & highs
        let digits = (sevens &+ ones &* (0x80 - 0x30)) & ~(sevens &+ ones &* (0x80 - 0x3A)) & ~bytes & highs
        let others = ~(letters | digits) & highs
        let lowered = bytes | letters >> 2 & foldCase
        if others == 0 { return (lowered, 8) }
        let bit = UInt64(truncatingIfNeeded: others.trailingZeroBitCount)  // 7, 15, … in the first other byte
        return (lowered & (1 << (bit &- 7) &- 1), Int(truncatingIfNeeded: bit >> 3))
    }
}
