/// A scalar of which some bytes have come in.
struct UTF8Progress: Hashable, Sendable {
    enum Step: Equatable {
        case scalar(UInt32)
        case pending
        case malformed
    }

    /// The bits so far.
    private(set) var value: UInt32 = 0
    /// How many bytes are missing; 0 between scalars.
    private(set) var missing: UInt8 = 0
    /// What the next byte may be.
    private(set) var range: ClosedRange<UInt8> = 0x80...0xBF

    /// Takes one byte in.
    mutating func feed(_ byte: UInt8) -> Step {
        guard missing > 0 else { return begin(byte) }
        guard range.contains(byte) else { return .malformed }
        value = value << 6 | UInt32(byte & 0x3F)
        missing -= 1
        range = 0x80...0xBF
        if missing > 0 { return .pending }
        defer { value = 0 }
        return .scalar(value)
    }

    private mutating func begin(_ byte: UInt8) -> Step {
        switch byte {
        case ..<0x80: return .scalar(UInt32(byte))
        case 0xC2...0xDF: (missing, value) = (1, UInt32(byte & 0x1F))
        case 0xE0...0xEF:
            (missing, value) = (2, UInt32(byte & 0x0F))
            // No longer form than needed, and no surrogates.
            range = byte == 0xE0 ? 0xA0...0xBF : byte == 0xED ? 0x80...0x9F : 0x80...0xBF
        case 0xF0...0xF4:
            (missing, value) = (3, UInt32(byte & 0x07))
            range = byte == 0xF0 ? 0x90...0xBF : byte == 0xF4 ? 0x80...0x8F : 0x80...0xBF
        default: return .malformed
        }
        return .pending
    }

    /// The scalars that may come of it, in order; nil between scalars.
    var scalars: ClosedRange<UInt32>? {
        guard missing > 0 else { return nil }
        let low = value << 6 | UInt32(range.lowerBound & 0x3F)
        let high = value << 6 | UInt32(range.upperBound & 0x3F)
        let rest = 6 * (UInt32(missing) - 1)
        return low << rest...(high << rest | ((1 << rest) - 1))
    }

    /// The bytes that are missing of a scalar.
    func rest(of scalar: Unicode.Scalar) -> ArraySlice<UInt8> {
        Array(String(scalar).utf8).suffix(Int(missing))
    }
}
