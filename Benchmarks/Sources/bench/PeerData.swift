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
