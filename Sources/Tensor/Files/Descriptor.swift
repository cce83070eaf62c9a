#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Reading and writing an open file as a whole, whatever part of it one system call manages.
enum Descriptor {
    /// Reads until the buffer is full or the file ends; returns how many bytes.
    static func fill(
        _ buffer: UnsafeMutableBufferPointer<UInt8>, from descriptor: Int32, _ path: String
    ) throws(MarketingMLError) -> Int {
        var count = 0
        while count < buffer.count, let base = buffer.baseAddress {
            let got = read(descriptor, base + count, min(buffer.count - count, 1 << 30))
            if got == 0 { break }
            if got < 0 {
                if errno == EINTR { continue }
                throw FileFailure.current("read", path)
            }
            count += got
        }
        return count
    }

    /// Writes all bytes.
    static func append(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ path: String
    ) throws(MarketingMLError) {
        var count = 0
        while count < bytes.count, let base = bytes.baseAddress {
            let written = write(descriptor, base + count, min(bytes.count - count, 1 << 30))
            if written < 0 {
                if errno == EINTR { continue }
                throw FileFailure.current("written", path)
            }
            count += written
        }
    }

    /// Waits until what was written is on the disk.
    static func sync(_ descriptor: Int32, _ path: String) throws(MarketingMLError) {
        // Some file systems cannot sync a directory and say EINVAL: there is nothing to wait for.
        while fsync(descriptor) != 0 {
            if errno == EINTR { continue }
            if errno == EINVAL || errno == ENOTSUP { return }
            throw FileFailure.current("synced", path)
        }
    }
}
