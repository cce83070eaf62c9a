import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct SafeTensorsTests {
    private let url = FileManager.default.temporaryDirectory.appendingPathComponent(
        "safetensors-\(UUID()).safetensors")

    private func file(_ header: String, data: Int = 0) throws -> URL {
        var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        bytes += header.utf8
        bytes += [UInt8](repeating: 1, count: data)
        try Data(bytes).write(to: url)
        return url
    }

    @Test func roundTrip() throws {
        defer { try? FileManager.default.removeItem(at: url) }
        let float = Tensor<Float>(shape: [2, 3], [1, -2, 3.5, .infinity, .leastNonzeroMagnitude, 0])
        let double = Tensor<Double>(shape: [], [Double.pi])
        let integers = Tensor<Int64>(shape: [3], [1, -1, .max])
        var writer = SafeTensorsWriter(metadata: ["format": "pt", "note": "ü\"\\"])
        writer.add("b", float)
        writer.add("a", double)
        writer.add("none", Tensor<Float>.zeros([0, 7]))
        writer.add("ids", integers)
        try writer.write(to: url)
        let read = try SafeTensorsFile(url)
        #expect(read.names == ["a", "b", "ids", "none"])
        #expect(read.metadata["note"] == "ü\"\\")
        #expect(try read.tensor("b", as: Float.self) == float)
        #expect(try read.tensor("a", as: Double.self) == double)
        #expect(try read.tensor("a", as: Float.self).item == Float(Double.pi))
        #expect(try read.tensor("none", as: Float.self).shape == [0, 7])
        #expect(try read.integers("ids") == integers)
        #expect(try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int ?? 0 > 0)
    }

    @Test func halfPrecision() throws {
        defer { try? FileManager.default.removeItem(at: url) }
        // 1, -2, the smallest subnormal, infinity, NaN, 65504 as F16; then 1, -2, 3.140625 as BF16.
        let half: [UInt16] = [0x3C00, 0xC000, 0x0001, 0x7C00, 0x7E00, 0x7BFF]
        let brain: [UInt16] = [0x3F80, 0xC000, 0x4049]
        let header =
            #"{"h":{"dtype":"F16","shape":[6],"data_offsets":[0,12]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[12,18]}}"#
        var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + header.utf8
        for value in half + brain { bytes += [UInt8(value & 255), UInt8(value >> 8)] }
        try Data(bytes).write(to: url)
        let file = try SafeTensorsFile(url)
        expectClose(
            try file.tensor("h", as: Float.self).elements,
            [1, -2, 5.960464477539063e-08, .infinity, .nan, 65504])
        expectClose(try file.tensor("b", as: Double.self).elements, [1, -2, 3.140625])
    }

    struct Broken: Sendable, CustomStringConvertible {
        let description: String
        let header: String
        var data = 0
        var code = MarketingMLError.Code.malformedFile
    }

    static let broken = [
        Broken(description: "not JSON", header: "hello"),
        Broken(description: "not an object", header: "[1]"),
        Broken(description: "no dtype", header: #"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, data: 4),
        Broken(
            description: "unknown dtype", header: #"{"a":{"dtype":"F8","shape":[4],"data_offsets":[0,4]}}"#,
            data: 4, code: .unsupported),
        Broken(
            description: "dtype is a number", header: #"{"a":{"dtype":1,"shape":[1],"data_offsets":[0,4]}}"#,
            data: 4),
        Broken(description: "no shape", header: #"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, data: 4),
        Broken(
            description: "negative extent",
            header: #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, data: 4),
        Broken(
            description: "fractional extent",
            header: #"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,6]}}"#, data: 6),
        Broken(
            description: "huge extent",
            header: #"{"a":{"dtype":"F32","shape":[1e300],"data_offsets":[0,4]}}"#, data: 4),
        Broken(
            description: "product overflow",
            header: #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#, data: 4),
        Broken(
            description: "offsets beyond the file",
            header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, data: 4),
        Broken(
            description: "offsets swapped",
            header: #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, data: 4),
        Broken(
            description: "three offsets",
            header: #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#, data: 8),
        Broken(
            description: "shape and offsets differ",
            header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, data: 4),
        Broken(
            description: "overlap",
            header:
                #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            data: 8),
        Broken(
            description: "gap",
            header:
                #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#,
            data: 12),
        Broken(
            description: "bytes left over",
            header: #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 8),
        Broken(
            description: "the same name twice",
            header:
                #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            data: 8),
        Broken(description: "metadata is not text", header: #"{"__metadata__":{"a":1}}"#),
    ]

    @Test(arguments: broken)
    func brokenFiles(_ broken: Broken) throws {
        defer { try? FileManager.default.removeItem(at: url) }
        let url = try file(broken.header, data: broken.data)
        let error = #expect(throws: MarketingMLError.self) { try SafeTensorsFile(url) }
        #expect(error?.code == broken.code, "\(String(describing: error))")
        #expect(error?.location.file == url.path)
    }

    @Test func shortFilesAndLengths() throws {
        defer { try? FileManager.default.removeItem(at: url) }
        for bytes in [[], [1], [UInt8](repeating: 255, count: 8), [9, 0, 0, 0, 0, 0, 0, 0, 123]] as [[UInt8]]
        {
            try Data(bytes).write(to: url)
            #expect(
                #expect(throws: MarketingMLError.self) { try SafeTensorsFile(url) }?.code == .malformedFile)
        }
        #expect(
            #expect(throws: MarketingMLError.self) {
                try SafeTensorsFile(URL(fileURLWithPath: "/nonexistent"))
            }?.code
                == .fileNotFound)
    }

    @Test func wrongNamesShapesAndTypes() throws {
        defer { try? FileManager.default.removeItem(at: url) }
        var writer = SafeTensorsWriter()
        writer.add("a", Tensor<Float>.zeros([2, 3]))
        writer.add("n", Tensor<Int64>(shape: [1], [7]))
        try writer.write(to: url)
        let file = try SafeTensorsFile(url)
        #expect(
            #expect(throws: MarketingMLError.self) { try file.tensor("b", as: Float.self) }?.code
                == .missingTensor)
        #expect(
            #expect(throws: MarketingMLError.self) { try file.tensor("a", as: Float.self, shape: [3, 2]) }?
                .code
                == .shapeMismatch)
        #expect(
            #expect(throws: MarketingMLError.self) { try file.tensor("n", as: Float.self) }?.code
                == .unsupported)
        #expect(#expect(throws: MarketingMLError.self) { try file.integers("a") }?.code == .unsupported)
    }

    /// Ten thousand damaged copies: a typed error or a tensor of the right shape, never a crash.
    @Test func mutations() throws {
        defer { try? FileManager.default.removeItem(at: url) }
        var writer = SafeTensorsWriter()
        writer.add("weights", Tensor<Float>(shape: [3, 5], (0..<15).map { Float($0) }))
        writer.add("ids", Tensor<Int64>(shape: [2], [1, 2]))
        writer.add("scale", Tensor<Double>(shape: [], [2]))
        try writer.write(to: url)
        let original = [UInt8](try Data(contentsOf: url))
        var generator = SeededGenerator(seed: 7)
        for round in 0..<10_000 {
            var bytes = original
            if round % 4 == 0 {
                bytes.removeLast(Int(generator.next() % UInt64(bytes.count + 1)))
            }
            for _ in 0..<(round % 3 + (round % 4 == 0 ? 0 : 1)) where !bytes.isEmpty {
                // Mostly in the header, where the meaning is.
                let limit = round % 2 == 0 ? bytes.count : min(bytes.count, 200)
                bytes[Int(generator.next() % UInt64(limit))] = UInt8(truncatingIfNeeded: generator.next())
            }
            // A new file each time: rewriting one in place waits for the disk.
            try? FileManager.default.removeItem(at: url)
            try Data(bytes).write(to: url)
            do {
                let file = try SafeTensorsFile(url)
                for name in file.names {
                    do {
                        let tensor = try file.tensor(name, as: Float.self)
                        #expect(tensor.shape == file.shape(of: name))
                    } catch let error as MarketingMLError {
                        #expect(error.location.name == name)
                    }
                }
            } catch let error as MarketingMLError {
                #expect(error.location.file == url.path)
            }
        }
    }
}
