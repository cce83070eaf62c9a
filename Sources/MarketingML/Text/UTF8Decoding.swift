/// Decodes the scalar that begins at `position`; `position < end`.
///
/// Bytes that are not UTF-8 give U+FFFD once for each maximal ill-formed part, as Unicode recommends and every
/// replacing decoder does.
@inline(__always)
func decodeScalar(
    _ bytes: UnsafePointer<UInt8>, at position: Int, end: Int
) -> (scalar: UInt32, length: Int) {
    let lead = bytes[position]
    if lead < 0x80 { return (UInt32(lead), 1) }
    return decodeMultibyteScalar(bytes, at: position, end: end)
}

private func decodeMultibyteScalar(
    _ bytes: UnsafePointer<UInt8>, at position: Int, end: Int
) -> (scalar: UInt32, length: Int) {
    let lead = bytes[position]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)  // no longer form than needed
    case 0xED: (length, second) = (3, 0x80...0x9F)  // no surrogates
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)  // nothing above U+10FFFF
    case 0xF1...0xF3: length = 4
    default: return (0xFFFD, 1)
    }
    var scalar = UInt32(lead) & (0x7F >> UInt32(length))
    for index in 1..<length {
        guard position + index < end else { return (0xFFFD, index) }
        let byte = bytes[position + index]
        guard index == 1 ? second ~= byte : byte & 0xC0 == 0x80 else { return (0xFFFD, index) }
        scalar = scalar << 6 | UInt32(byte & 0x3F)
    }
    return (scalar, length)
}

extension [UInt8] {
    /// Appends a scalar's UTF-8 and returns its length.
    mutating func append(scalar: UInt32) -> Int {
        switch scalar {
        case ..<0x80:
            append(UInt8(truncatingIfNeeded: scalar))
            return 1
        case ..<0x800:
            append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
            append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
            return 2
        case ..<0x10000:
            append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
            append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
            append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
            return 3
        default:
            append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
            append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F))
            append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
            append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
            return 4
        }
    }
}
