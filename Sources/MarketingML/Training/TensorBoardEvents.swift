import Foundation

/// An event file of TensorBoard: records of protocol buffers, each with its length and masked CRC-32C checksums.
final class TensorBoardEvents {
    private let file: FileHandle
    private var updates = 0
    private var epochs = 0

    /// Creates a new event file in `directory`, which is made if it is missing.
    ///
    /// - Throws: `.inputOutput`.
    init(directory: URL) throws {
        let process = ProcessInfo.processInfo
        let name =
            "events.out.tfevents.\(Int(Date().timeIntervalSince1970)).\(process.hostName).\(process.processIdentifier).\(UUID().uuidString.prefix(8))"
        let url = directory.appendingPathComponent(name)
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            try Data().write(to: url, options: .withoutOverwriting)
            file = try FileHandle(forWritingTo: url)
        } catch {
            throw MarketingMLError(.inputOutput, "cannot be written: \(error)", at: .init(file: url.path))
        }
        var event = ProtocolBuffer()
        event.add(1, Date().timeIntervalSince1970)
        event.add(3, "brain.Event:2")
        try write(event)
    }

    deinit { try? file.close() }

    /// Appends what is new in a history: the losses of its updates, the figures of its epochs.
    ///
    /// - Throws: `.inputOutput`.
    func append(_ history: TrainingHistory) throws {
        for index in updates..<max(updates, history.losses.count) {
            try write([("update/loss", history.losses[index])], step: index + 1)
        }
        updates = history.losses.count
        for index in epochs..<max(epochs, history.epochs.count) {
            let figures = history.epochs[index].figures.map { ("epoch/\($0.name)", $0.value) }
            try write(figures, step: index + 1)
        }
        epochs = history.epochs.count
    }

    private func write(_ scalars: [(tag: String, value: Double)], step: Int) throws {
        var summary = ProtocolBuffer()
        for (tag, number) in scalars {
            var value = ProtocolBuffer()
            value.add(1, tag)
            value.add(2, Float(number))
            summary.add(1, value)
        }
        var event = ProtocolBuffer()
        event.add(1, Date().timeIntervalSince1970)
        event.add(2, step)
        event.add(5, summary)
        try write(event)
    }

    private func write(_ event: ProtocolBuffer) throws {
        do {
            try file.write(contentsOf: Data(EventRecord.bytes(event.bytes)))
        } catch {
            throw MarketingMLError(.inputOutput, "an event could not be written: \(error)")
        }
    }
}

/// The frame of a record: length, its checksum, the data, their checksum; integers little-endian.
enum EventRecord {
    static func bytes(_ data: [UInt8]) -> [UInt8] {
        let length = withUnsafeBytes(of: UInt64(data.count).littleEndian) { Array($0) }
        return length + checksum(length) + data + checksum(data)
    }

    private static func checksum(_ data: [UInt8]) -> [UInt8] {
        let sum = crc32c(data)
        let masked = (sum >> 15 | sum << 17) &+ 0xa282_ead8
        return withUnsafeBytes(of: masked.littleEndian) { Array($0) }
    }

    /// The Castagnoli checksum (RFC 3720, appendix B.4).
    static func crc32c(_ data: [UInt8]) -> UInt32 {
        var sum = ~UInt32(0)
        for byte in data {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? (sum >> 1) ^ 0x82f6_3b78 : sum >> 1 }
        }
        return ~sum
    }
}

/// Fields in the wire format of protocol buffers.
private struct ProtocolBuffer {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ field: Int, _ value: Int) {
        addVarint(UInt64(field << 3))
        addVarint(UInt64(bitPattern: Int64(value)))
    }

    mutating func add(_ field: Int, _ value: Double) {
        addVarint(UInt64(field << 3 | 1))
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    mutating func add(_ field: Int, _ value: Float) {
        addVarint(UInt64(field << 3 | 5))
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }
    mutating func add(_ field: Int, _ message: ProtocolBuffer) { add(field, message.bytes) }

    private mutating func add(_ field: Int, _ content: [UInt8]) {
        addVarint(UInt64(field << 3 | 2))
        addVarint(UInt64(content.count))
        bytes += content
    }

    private mutating func addVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
