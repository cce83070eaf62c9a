#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file open for reading at any place; closed when the last reference goes.
///
/// Nothing is mapped: a mapped file that is cut short later would kill the process.
package final class ReadableFile: Sendable {
    package let path: String
    package let size: Int
    private let descriptor: Int32

    /// - Throws: `.fileNotFound` with the system's reason.
    package init(path: String) throws {
        self.path = path
        let opened = open(path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else {
            throw MarketingMLError(
                .fileNotFound, "cannot be opened: \(String(cString: strerror(errno)))", at: .init(file: path))
        }
        var status = stat()
        guard fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(opened)
            throw MarketingMLError(.fileNotFound, "is not a regular file", at: .init(file: path))
        }
        size = Int(status.st_size)
        descriptor = opened
    }

    deinit { close(descriptor) }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// - Throws: `.inputOutput` when the file has become shorter or cannot be read.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < buffer.count {
            let got = pread(
                descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(offset + done))
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else {
                let reason = got == 0 ? "ends early" : String(cString: strerror(errno))
                throw MarketingMLError(
                    .inputOutput, "cannot read \(buffer.count) bytes: \(reason)",
                    at: .init(file: path, offset: offset + done))
            }
            done += got
        }
    }

    /// `count` bytes from `offset` on.
    package func bytes(at offset: Int, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            initialized = count
        }
    }
}
