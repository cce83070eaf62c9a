import Foundation

/// Tensors to be written to a safetensors file, in the order they were added.
public struct SafeTensorsWriter: Sendable {
    private var header: [(name: String, type: String, shape: [Int], bytes: Int)] = []
    private var parts: [@Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void] = []
    private let metadata: [String: String]

    /// Creates a writer; Hugging Face's loaders want the metadata `format: pt`.
    public init(metadata: [String: String] = ["format": "pt"]) { self.metadata = metadata }

    /// Adds a tensor. Names must differ.
    public mutating func add(_ name: String, _ tensor: Tensor<Float>) { append(name, "F32", tensor) }
    /// Adds a tensor. Names must differ.
    public mutating func add(_ name: String, _ tensor: Tensor<Double>) { append(name, "F64", tensor) }
    /// Adds a tensor. Names must differ.
    public mutating func add(_ name: String, _ tensor: Tensor<Int64>) { append(name, "I64", tensor) }

    private mutating func append<Scalar>(_ name: String, _ type: String, _ tensor: Tensor<Scalar>) {
        header.append((name, type, tensor.shape, tensor.count * MemoryLayout<Scalar>.stride))
        parts.append { body in try tensor.withUnsafeElements { try body(UnsafeRawBufferPointer($0)) } }
    }

    /// Writes the file atomically.
    ///
    /// - Throws: `.inputOutput`; what stood at `url` before is then still there.
    public func write(to url: URL) throws {
        var entries: [JSONValue.Member] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map {
                JSONValue.Member($0.key, .string($0.value))
            }
            entries.append(.init("__metadata__", .object(pairs)))
        }
        var offset = 0
        for (name, type, shape, bytes) in header {
            entries.append(
                .init(
                    name,
                    [
                        "dtype": .string(type), "shape": .array(shape.map { .integer($0) }),
                        "data_offsets": [.integer(offset), .integer(offset + bytes)],
                    ]))
            offset += bytes
        }
        var json = Array(JSONValue.object(entries).serialized().utf8)
        // The data starts at a multiple of 8 bytes.
        json.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
        try AtomicFile.write(to: url.path) { file in
            try file.write(withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) })
            try file.write(json)
            for part in parts { try part { try file.write($0) } }
        }
    }
}
