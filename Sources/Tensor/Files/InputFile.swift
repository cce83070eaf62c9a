#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Reads whole files, transparently decompressing gzip, with a limit on what it will hold in memory.
package enum InputFile {
    /// The most bytes that a file may have, after decompression, unless the caller says otherwise: 2 GiB.
    package static let defaultLimit = 2 << 30

    /// The bytes of the file at `path`; those of its contents if it starts like a gzip file.
    ///
    /// - Throws: `.fileNotFound`, `.inputOutput`, `.tooLarge` above `limit` bytes, `.malformedFile` if compressed
    ///   data is damaged or cut short.
    package static func read(
        _ path: String, limit: Int = defaultLimit
    ) throws(MarketingMLError) -> [UInt8] {
        let bytes = try readRaw(path, limit: limit)
        guard Gzip.isCompressed(bytes) else { return bytes }
        return try Gzip.decompress(bytes, limit: limit, file: path)
    }

    /// The bytes of the file as they stand on the disk.
    package static func readRaw(
        _ path: String, limit: Int = defaultLimit
    ) throws(MarketingMLError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure.current("opened", path) }
        defer { close(descriptor) }

        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileFailure.current("read", path) }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw MarketingMLError(.inputOutput, "is a directory, expected a file", at: .init(file: path))
        }
        let isRegular = status.st_mode & S_IFMT == S_IFREG
        let expected = isRegular ? Int(status.st_size) : 0
        guard expected <= limit else { throw tooLarge(path, limit: limit) }

        // One byte more than expected, so that the end is seen without growing.
        var bytes: [UInt8] = []
        var capacity = max(expected + 1, isRegular ? 1 : 1 << 16)
        while true {
            let room = capacity
            var count = 0
            let chunk = try [UInt8](reading: room) { (buffer) throws(MarketingMLError) in
                count = try Descriptor.fill(buffer, from: descriptor, path)
                return count
            }
            if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
            guard bytes.count <= limit else { throw tooLarge(path, limit: limit) }
            if count < room { return bytes }
            capacity = max(1 << 16, bytes.count)
        }
    }

    static func tooLarge(_ path: String, limit: Int) -> MarketingMLError {
        MarketingMLError(
            .tooLarge, "has more than \(limit) bytes, the limit for this file", at: .init(file: path))
    }
}

extension [UInt8] {
    /// An array whose elements `body` writes into uninitialized memory; it returns how many.
    fileprivate init(
        reading capacity: Int,
        _ body: (UnsafeMutableBufferPointer<UInt8>) throws(MarketingMLError) -> Int
    ) throws(MarketingMLError) {
        var failure: MarketingMLError?
        self.init(unsafeUninitializedCapacity: capacity) { buffer, count in
            do throws(MarketingMLError) { count = try body(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
