internal import CTensorKernels

/// What stands for a missing value: nothing, or one of some words, spaces around it left out.
struct MissingMarkers: Sendable {
    private let words: [[UInt8]]

    init(_ words: Set<String>) { self.words = words.sorted().map { Array($0.utf8) } }

    func contains(_ field: UnsafeBufferPointer<UInt8>) -> Bool {
        let field = Self.trim(field)
        return field.isEmpty || words.contains { $0.elementsEqual(field) }
    }

    static func trim(_ field: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var (start, end) = (0, field.count)
        while start < end, isSpace(field[start]) { start += 1 }
        while end > start, isSpace(field[end - 1]) { end -= 1 }
        return UnsafeBufferPointer(rebasing: field[start..<end])
    }
}

/// Parses fields as numbers: by the kernel, and what that leaves by the standard library.
struct NumberParser: Sendable {
    let missing: MissingMarkers
    let decimalSign: UInt8
    /// Whether a whole number that a Double does not hold is no number: too long, it is a name (of a customer, an order), and
    /// rounded, two of them could become one.
    let refusesLongNames: Bool

    /// Parses `count` fields from the place `first` on, `step` apart, to places `outputStep` apart. Returns the first that is
    /// neither a finite number nor missing; nil if there is none.
    func parse<Scalar: TensorFloatingPoint & LosslessStringConvertible>(
        _ block: DelimitedBlock, first: Int, count: Int, step: Int, into output: UnsafeMutablePointer<Scalar>,
        outputStep: Int = 1
    ) -> Int? {
        var done = 0
        while true {
            done += mml_parse_numbers(
                Scalar.kernelType, count - done, block.bytes, block.fields + first + done * step, step,
                Int32(decimalSign), output + done * outputStep, outputStep)
            guard done < count else { return nil }
            let bytes = block.bytes(of: block.fields[first + done * step])
            guard let value: Scalar = value(bytes) else { return done }
            output[done * outputStep] = value
            done += 1
        }
    }

    /// A single number, nil if it is not finite; sixteen bytes behind it must be readable.
    func parse<Scalar: TensorFloatingPoint & LosslessStringConvertible>(
        _ bytes: UnsafePointer<UInt8>, count: Int
    ) -> Scalar? {
        guard count > 0 else { return nil }
        var field = mml_field(start: 0, length: UInt32(truncatingIfNeeded: count))
        var result = Scalar.nan
        if mml_parse_numbers(Scalar.kernelType, 1, bytes, &field, 1, Int32(decimalSign), &result, 1) == 1 {
            return result
        }
        let value: Scalar? = value(UnsafeBufferPointer(start: bytes, count: count))
        return value.flatMap { $0.isNaN ? nil : $0 }
    }

    /// A field that the kernel did not parse.
    private func value<Scalar: TensorFloatingPoint & LosslessStringConvertible>(
        _ bytes: UnsafeBufferPointer<UInt8>
    ) -> Scalar? {
        if missing.contains(bytes) { return .nan }
        let field = MissingMarkers.trim(bytes)
        var text: [UInt8] = []
        var isWhole = true
        for byte in field {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"):
                text.append(byte)
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                text.append(byte)
                isWhole = false
            case decimalSign:
                text.append(UInt8(ascii: "."))
                isWhole = false
            default: return nil
            }
        }
        let string = String(decoding: text, as: UTF8.self)
        guard let value = Scalar(string), value.isFinite else { return nil }
        if refusesLongNames, isWhole, Int(string).map({ Int(exactly: value) != $0 }) ?? true { return nil }
        return value
    }
}
