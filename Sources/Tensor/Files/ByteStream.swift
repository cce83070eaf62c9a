#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// The bytes of a file from first to last, decompressed if it is gzip, without holding the file.
package final class ByteStream {
    /// The file's name, for errors.
    package let file: String
    private let limit: Int
    private var source: Source
    private var delivered = 0

    private enum Source {
        case memory([UInt8])
        case plain(Int32, size: Int)
        case gzip(Int32, Inflater)
    }

    /// What decompresses, and what it has read and made but not delivered.
    private struct Inflater {
        let stream: GzipStream
        var input: [UInt8]
        var inputStart = 0
        var output = [UInt8](repeating: 0, count: 1 << 17)
        var ready = 0..<0
        var fileEnded = false
    }

    /// Opens a file; one that is not a regular file (a pipe) is read into memory.
    ///
    /// - Parameter limit: The most bytes there may be, after decompression.
    /// - Throws: `.fileNotFound`, `.inputOutput`, and what `InputFile.read` throws for a pipe.
    package init(path: String, limit: Int) throws(MarketingMLError) {
        file = path
        self.limit = limit
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure.current("opened", path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            source = .memory(try InputFile.read(path, limit: limit))
            return
        }
        source = .plain(descriptor, size: Int(status.st_size))
        try start()
    }

    /// Bytes that are in memory already; `file` is the name for errors.
    package init(_ bytes: [UInt8], file: String) {
        self.file = file
        limit = .max
        source = .memory(bytes)
    }

    deinit {
        switch source {
        case .memory: break
        case .plain(let descriptor, _), .gzip(let descriptor, _): close(descriptor)
        }
    }

    /// About how many bytes there are; less for a compressed file.
    package var expectedCount: Int {
        switch source {
        case .memory(let bytes): bytes.count
        case .plain(_, let size): size
        case .gzip: 0
        }
    }

    /// Looks at a file's first bytes.
    private func start() throws(MarketingMLError) {
        guard case .plain(let descriptor, let size) = source else { return }
        let head = try chunk(descriptor, 3)
        try seek(descriptor)
        if Gzip.isCompressed(head) {
            source = .gzip(descriptor, Inflater(stream: try GzipStream(file: file), input: []))
        } else if size > limit {
            throw InputFile.tooLarge(file, limit: limit)
        }
    }

    /// Goes back to the first byte.
    package func rewind() throws(MarketingMLError) {
        delivered = 0
        switch source {
        case .memory: break
        case .plain(let descriptor, _): try seek(descriptor)
        case .gzip(let descriptor, _):
            try seek(descriptor)
            source = .gzip(descriptor, Inflater(stream: try GzipStream(file: file), input: []))
        }
    }

    /// Fills the buffer, or as much of it as there are bytes left; returns how many.
    ///
    /// - Throws: `.inputOutput`; `.malformedFile` for damaged gzip data; `.tooLarge` above the limit.
    package func read(into buffer: UnsafeMutableBufferPointer<UInt8>) throws(MarketingMLError) -> Int {
        let count: Int
        switch source {
        case .memory(let bytes):
            count = min(buffer.count, bytes.count - delivered)
            _ = buffer.update(fromContentsOf: bytes[delivered..<delivered + count])
        case .plain(let descriptor, _):
            count = try Descriptor.fill(buffer, from: descriptor, file)
        case .gzip(let descriptor, var inflater):
            source = .memory([])  // so that the inflater is not shared while it changes
            defer { source = .gzip(descriptor, inflater) }
            count = try inflate(&inflater, descriptor, into: buffer)
        }
        delivered += count
        guard delivered <= limit else { throw InputFile.tooLarge(file, limit: limit) }
        return count
    }

    private func inflate(
        _ inflater: inout Inflater, _ descriptor: Int32, into buffer: UnsafeMutableBufferPointer<UInt8>
    ) throws(MarketingMLError) -> Int {
        var count = 0
        while count < buffer.count {
            if inflater.ready.isEmpty {
                if inflater.inputStart == inflater.input.count, !inflater.fileEnded {
                    inflater.input = try chunk(descriptor, 1 << 16)
                    inflater.inputStart = 0
                    inflater.fileEnded = inflater.input.isEmpty
                }
                if inflater.fileEnded, inflater.stream.isAtEnd { break }
                let (consumed, produced) = try inflater.stream.inflate(
                    inflater.input[inflater.inputStart...], isLast: inflater.fileEnded, into: &inflater.output
                )
                inflater.inputStart += consumed
                inflater.ready = 0..<produced
                continue
            }
            let part = inflater.ready.prefix(buffer.count - count)
            _ = buffer[count...].update(fromContentsOf: inflater.output[part])
            inflater.ready = part.upperBound..<inflater.ready.upperBound
            count += part.count
        }
        return count
    }

    private func chunk(_ descriptor: Int32, _ size: Int) throws(MarketingMLError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        var failure: MarketingMLError?
        let count = bytes.withUnsafeMutableBufferPointer { buffer in
            do throws(MarketingMLError) { return try Descriptor.fill(buffer, from: descriptor, file) } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        bytes.removeLast(size - count)
        return bytes
    }

    private func seek(_ descriptor: Int32) throws(MarketingMLError) {
        guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw FileFailure.current("read", file) }
    }
}
