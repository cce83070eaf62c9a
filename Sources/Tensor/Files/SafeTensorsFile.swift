internal import CTensorKernels
import Foundation
import Synchronization

/// A safetensors file open for reading: 8 bytes of header length, a JSON header, the tensors' bytes.
///
/// The header is checked as a whole when the file is opened; tensors are read one by one, straight into their own
/// memory. F32, F64, F16, BF16, I32 and I64 are understood.
///
/// Format: <https://github.com/huggingface/safetensors>.
public struct SafeTensorsFile: Sendable {
    /// One tensor of the file.
    struct Entry: Sendable {
        let name: String
        let type: ElementType
        let shape: [Int]
        /// Bytes counted from the start of the file.
        let range: Range<Int>
    }

    enum ElementType: String, Sendable {
        case float = "F32"
        case double = "F64"
        case half = "F16"
        case bfloat = "BF16"
        case int32 = "I32"
        case int64 = "I64"

        var size: Int {
            switch self {
            case .half, .bfloat: 2
            case .float, .int32: 4
            case .double, .int64: 8
            }
        }
    }

    /// The largest header that the format allows.
    private static let largestHeader = 100_000_000

    private let file: ReadableFile
    private let entries: [String: Entry]
    /// The file's `__metadata__`.
    public let metadata: [String: String]

    /// Opens a file and checks its header.
    ///
    /// - Throws: `.fileNotFound`; `.malformedFile` for a header that is not JSON, lies about lengths, or gives tensors
    ///   overlapping, missing or superfluous bytes; `.unsupported` for another element type.
    public init(_ url: URL) throws {
        let file = try ReadableFile(path: url.path)
        func malformed(_ message: String, _ name: String? = nil) -> MarketingMLError {
            MarketingMLError(.malformedFile, message, at: .init(file: file.path, name: name))
        }
        guard file.size >= 8 else { throw malformed("expected at least 8 bytes, found \(file.size)") }
        let length = try file.bytes(at: 0, count: 8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(min(Self.largestHeader, file.size - 8)) else {
            throw malformed("the header's length is given as \(length) bytes, the file has \(file.size)")
        }
        let dataStart = 8 + Int(length)
        var header = JSONReader(try file.bytes(at: 8, count: Int(length)), file: file.path)
        var entries: [String: Entry] = [:]
        var metadata: [String: String] = [:]
        try header.readObject { name, reader in
            let value = try JSONValue(from: &reader)
            if name == "__metadata__" {
                guard let members = value.object else { throw malformed("is not an object", name) }
                for member in members {
                    guard let text = member.value.string else {
                        throw malformed("\(member.key) is not a string", name)
                    }
                    metadata[member.key] = text
                }
                return
            }
            let entry = try Self.entry(name, value, dataStart: dataStart, file: file)
            guard entries.updateValue(entry, forKey: name) == nil else {
                throw malformed("stands twice", name)
            }
        }
        try header.finish()
        var end = dataStart
        for entry in entries.values.sorted(by: {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }) {
            guard entry.range.lowerBound == end else {
                let what =
                    entry.range.lowerBound < end ? "overlaps the tensor before it" : "leaves a gap before it"
                throw malformed(
                    "\(what): it starts at byte \(entry.range.lowerBound), expected \(end)", entry.name)
            }
            end = entry.range.upperBound
        }
        guard end == file.size else {
            throw malformed("the tensors end at byte \(end), the file at \(file.size)")
        }
        self.file = file
        self.entries = entries
        self.metadata = metadata
    }

    private static func entry(_ name: String, _ value: JSONValue, dataStart: Int, file: ReadableFile) throws
        -> Entry
    {
        func malformed(_ message: String, _ code: MarketingMLError.Code = .malformedFile) -> MarketingMLError
        {
            MarketingMLError(code, message, at: .init(file: file.path, name: name))
        }
        guard let typeName = value["dtype"]?.string else { throw malformed("has no dtype") }
        guard let type = ElementType(rawValue: typeName) else {
            throw malformed(
                "has the element type \(typeName); F32, F64, F16, BF16, I32 and I64 are supported",
                .unsupported)
        }
        func integers(_ key: String) throws -> [Int] {
            guard let items = value[key]?.array else { throw malformed("has no \(key)") }
            return try items.map { item in
                guard let integer = item.integer, integer >= 0 else {
                    throw malformed("\(key) holds \(item), expected whole numbers from 0 on")
                }
                return integer
            }
        }
        let shape = try integers("shape")
        var bytes = type.size
        for extent in shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw malformed("the shape \(shape) is too large") }
            bytes = product
        }
        let offsets = try integers("data_offsets")
        guard offsets.count == 2, offsets[0] <= offsets[1], offsets[1] <= file.size - dataStart else {
            throw malformed(
                "the data_offsets \(offsets) do not lie in the \(file.size - dataStart) bytes of data")
        }
        guard offsets[1] - offsets[0] == bytes else {
            throw malformed(
                "the shape \(shape) of \(typeName) needs \(bytes) bytes, the data_offsets give \(offsets[1] - offsets[0])"
            )
        }
        return Entry(
            name: name, type: type, shape: shape, range: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    /// The tensors' names, sorted.
    public var names: [String] { entries.keys.sorted() }

    /// Whether the file has a tensor of that name.
    public func contains(_ name: String) -> Bool { entries[name] != nil }

    /// The shape of a tensor; nil when the file has none of that name.
    public func shape(of name: String) -> [Int]? { entries[name]?.shape }

    /// Reads one tensor as `Scalar`, converting its floating type where it differs.
    ///
    /// - Parameters:
    ///   - name: The tensor's name.
    ///   - shape: The shape that it must have; nil takes any.
    /// - Throws: `.missingTensor`, `.shapeMismatch`, `.unsupported` for integers, `.inputOutput`.
    public func tensor<Scalar: TensorFloatingPoint>(
        _ name: String, as type: Scalar.Type = Scalar.self, shape: [Int]? = nil
    ) throws -> Tensor<Scalar> {
        guard let entry = entries[name] else {
            throw MarketingMLError(
                .missingTensor, "is not in the file", at: .init(file: file.path, name: name))
        }
        if let shape, shape != entry.shape {
            throw MarketingMLError(
                .shapeMismatch, "expected the shape \(shape), found \(entry.shape)",
                at: .init(file: file.path, name: name))
        }
        switch (entry.type, MemoryLayout<Scalar>.size) {
        case (.float, 4), (.double, 8):
            return try read(entry)
        case (.float, _):
            let source: Tensor<Float> = try read(entry)
            return converted(source, shape: entry.shape) { Scalar($0) }
        case (.double, _):
            let source: Tensor<Double> = try read(entry)
            return converted(source, shape: entry.shape) { Scalar($0) }
        case (.half, _), (.bfloat, _):
            let bits: Tensor<UInt16> = try read(entry)
            let floats = Tensor<Float>(uninitialized: entry.shape)
            if entry.type == .half {
                mml_half_to_float(bits.count, bits.pointer, floats.pointer)
            } else {
                mml_bfloat16_to_float(bits.count, bits.pointer, floats.pointer)
            }
            return (floats as? Tensor<Scalar>) ?? converted(floats, shape: entry.shape) { Scalar($0) }
        case (.int32, _), (.int64, _):
            throw MarketingMLError(
                .unsupported, "holds integers (\(entry.type.rawValue)), expected floating-point numbers",
                at: .init(file: file.path, name: name))
        }
    }

    /// Reads one tensor of integers (I32 or I64).
    ///
    /// - Throws: `.missingTensor`, `.unsupported` for another element type, `.inputOutput`.
    public func integers(_ name: String) throws -> Tensor<Int64> {
        guard let entry = entries[name] else {
            throw MarketingMLError(
                .missingTensor, "is not in the file", at: .init(file: file.path, name: name))
        }
        switch entry.type {
        case .int64: return try read(entry)
        case .int32:
            let source: Tensor<Int32> = try read(entry)
            return Tensor(shape: entry.shape, source.elements.map(Int64.init))
        default:
            throw MarketingMLError(
                .unsupported, "holds \(entry.type.rawValue), expected I32 or I64",
                at: .init(file: file.path, name: name))
        }
    }

    private func read<Scalar: TensorScalar>(_ entry: Entry) throws -> Tensor<Scalar> {
        let result = Tensor<Scalar>(uninitialized: entry.shape)
        let failure = Mutex<(any Error)?>(nil)
        let bytes = UnsafeMutableRawPointer(result.pointer)
        // Reading is copying out of the page cache and worth two threads.
        parallelRanges(entry.range.count, grain: 1 << 22) { range in
            do {
                try file.read(
                    into: UnsafeMutableRawBufferPointer(start: bytes + range.lowerBound, count: range.count),
                    at: entry.range.lowerBound + range.lowerBound)
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return result
    }

    private func converted<Source, Scalar>(
        _ source: Tensor<Source>, shape: [Int], _ convert: (Source) -> Scalar
    ) -> Tensor<Scalar> {
        Tensor(shape: shape, source.elements.map(convert))
    }
}

extension UInt16: TensorScalar {}
