import Foundation
import MarketingML

/// The inputs that the peers' scripts write: folders with a manifest.json and one raw little-endian file an array.
struct PeerData {
    private struct Manifest: Decodable {
        struct Array: Decodable {
            var file: String
            var dtype: String
            var shape: [Int]
        }
        var arrays: [String: Array]
    }

    static var root: URL {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["PEERS_DATA"] { return URL(fileURLWithPath: path) }
        let home = environment["PEERS_HOME"] ?? NSHomeDirectory() + "/.cache/marketingml-peers"
        return URL(fileURLWithPath: home).appendingPathComponent("data")
    }

    private let folder: URL
    private let manifest: Manifest

    init(_ name: String) throws {
        folder = Self.root.appendingPathComponent(name)
        let url = folder.appendingPathComponent("manifest.json")
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw MarketingMLError(
                .fileNotFound, "is not there; run the peers' scripts first, or set PEERS_DATA",
                at: .init(file: url.path))
        }
        manifest = try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: url))
    }

    /// The integers of an array (i32 or i64).
    func integers(_ name: String) throws -> [Int] {
        guard let array = manifest.arrays[name] else {
            throw MarketingMLError(.malformedFile, "has no array \(name)", at: .init(file: folder.path))
        }
        let data = try Data(contentsOf: folder.appendingPathComponent(array.file))
        let size = array.dtype == "i64" ? 8 : 4
        return stride(from: 0, to: data.count / size * size, by: size).map { offset in
            data.withUnsafeBytes {
                size == 8
                    ? Int(Int64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Int64.self)))
                    : Int(Int32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
            }
        }
    }

    /// A matrix of doubles, read in pieces so that no second copy is held, and converted.
    func matrix<Scalar: TensorFloatingPoint>(_ name: String, as: Scalar.Type) throws -> Tensor<Scalar> {
        guard let array = manifest.arrays[name], array.dtype == "f64" else {
            throw MarketingMLError(
                .malformedFile, "has no array \(name) of f64", at: .init(file: folder.path))
        }
        let file = try FileHandle(forReadingFrom: folder.appendingPathComponent(array.file))
        defer { try? file.close() }
        var result = Tensor<Scalar>.zeros(array.shape)
        try result.withUnsafeMutableElements { target in
            var place = 0
            while place < target.count {
                guard let piece = try file.read(upToCount: 1 << 22), !piece.isEmpty else {
                    throw MarketingMLError(.malformedFile, "ends early", at: .init(file: array.file))
                }
                piece.withUnsafeBytes { bytes in
                    for offset in stride(from: 0, to: bytes.count, by: 8) {
                        target[place] = Scalar(bytes.loadUnaligned(fromByteOffset: offset, as: Double.self))
                        place += 1
                    }
                }
            }
        }
        return result
    }

    /// The bytes of an array (u8).
    func bytes(_ name: String) throws -> [UInt8] {
        guard let array = manifest.arrays[name], array.dtype == "u8" else {
            throw MarketingMLError(.malformedFile, "has no array \(name) of u8", at: .init(file: folder.path))
        }
        return Array(try Data(contentsOf: folder.appendingPathComponent(array.file)))
    }

    /// The integers of an array of i32, as they stand in the file.
    func indices(_ name: String) throws -> [Int32] {
        guard let array = manifest.arrays[name], array.dtype == "i32" else {
            throw MarketingMLError(
                .malformedFile, "has no array \(name) of i32", at: .init(file: folder.path))
        }
        return try Data(contentsOf: folder.appendingPathComponent(array.file)).withUnsafeBytes {
            $0.bindMemory(to: Int32.self).map { Int32(littleEndian: $0) }
        }
    }

    /// The elements of an array whose type in the file is `Scalar` (f32, f64, u8), as they are.
    func elements<Scalar: BitwiseCopyable>(_ name: String, as type: Scalar.Type) throws -> [Scalar] {
        guard let array = manifest.arrays[name] else {
            throw MarketingMLError(.malformedFile, "has no array \(name)", at: .init(file: folder.path))
        }
        let data = try Data(contentsOf: folder.appendingPathComponent(array.file), options: .alwaysMapped)
        let count = data.count / MemoryLayout<Scalar>.stride
        return [Scalar](unsafeUninitializedCapacity: count) { buffer, initialized in
            _ = data.copyBytes(to: UnsafeMutableRawBufferPointer(buffer))
            initialized = count
        }
    }

    func shape(_ name: String) -> [Int] { manifest.arrays[name]?.shape ?? [] }

    /// A single-precision array in its shape, without a second copy of its bytes.
    func matrix(_ name: String) throws -> Tensor<Float> {
        guard let array = manifest.arrays[name], array.dtype == "f32" else {
            throw MarketingMLError(.malformedFile, "has no f32 array \(name)", at: .init(file: folder.path))
        }
        let file = try FileHandle(forReadingFrom: folder.appendingPathComponent(array.file))
        defer { try? file.close() }
        var tensor = Tensor<Float>.zeros(array.shape)
        try tensor.withUnsafeMutableElements { elements in
            let bytes = UnsafeMutableRawBufferPointer(elements)
            var offset = 0
            while offset < bytes.count,
                let part = try file.read(upToCount: min(1 << 22, bytes.count - offset)),
                !part.isEmpty
            {
                part.copyBytes(to: UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]))
                offset += part.count
            }
        }
        return tensor
    }

    /// Double values of a raw file; nil when it is not there.
    static func doubles(_ path: String) -> [Double]? {
        guard let data = try? Data(contentsOf: root.appendingPathComponent(path)) else { return nil }
        return data.withUnsafeBytes { bytes in
            stride(from: 0, to: data.count / 8 * 8, by: 8).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: Double.self)
            }
        }
    }

    /// The numbers of an f64 array.
    func doubles(_ name: String) throws -> [Double] {
        try raw(name).withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
    }

    /// The classes of a u8 array.
    func classes(_ name: String) throws -> [Int] { try raw(name).map { Int($0) } }

    private func raw(_ name: String) throws -> Data {
        guard let array = manifest.arrays[name] else {
            throw MarketingMLError(.malformedFile, "has no array \(name)", at: .init(file: folder.path))
        }
        return try Data(contentsOf: folder.appendingPathComponent(array.file))
    }

    /// A rectangle of token ids as packed rows.
    func rows(_ name: String) throws -> [[Int32]] {
        let ids = try integers(name).map { Int32($0) }
        let width = shape(name).last ?? 1
        return stride(from: 0, to: ids.count, by: width).map { Array(ids[$0..<$0 + width]) }
    }

    /// The 256 rows of changing length.
    static func variableRows() throws -> [[Int32]] {
        let data = try PeerData("bert_inputs")
        let ids = try data.integers("var_ids").map { Int32($0) }
        var start = 0
        return try data.integers("var_lengths").map { length in
            defer { start += length }
            return Array(ids[start..<start + length])
        }
    }

    /// Float values of a raw file, as the peers' reference results are stored; nil when it is not there.
    static func floats(_ path: String) -> [Float]? {
        guard let data = try? Data(contentsOf: root.appendingPathComponent(path)) else { return nil }
        return stride(from: 0, to: data.count / 4 * 4, by: 4).map { offset in
            data.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Float.self) }
        }
    }
}
