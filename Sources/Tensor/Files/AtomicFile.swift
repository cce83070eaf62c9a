#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Writes a file so that there is always a whole one: the old one until the new one is complete and on the disk.
package enum AtomicFile {
    /// Writes pieces of the new file, one after another.
    package struct Writer: ~Copyable {
        fileprivate let descriptor: Int32
        fileprivate let path: String
        /// How many bytes have been written.
        package private(set) var count = 0

        /// Appends bytes.
        package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(MarketingMLError) {
            try Descriptor.append(bytes, to: descriptor, path)
            count += bytes.count
        }

        /// Appends bytes.
        package mutating func write(_ bytes: [UInt8]) throws(MarketingMLError) {
            let failure: MarketingMLError? = bytes.withUnsafeBytes { bytes in
                do throws(MarketingMLError) {
                    try write(bytes)
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { throw failure }
        }

        /// Appends a text as UTF-8.
        package mutating func write(_ text: String) throws(MarketingMLError) {
            try write(Array(text.utf8))
        }
    }

    /// Replaces the file at `path`, or creates it, with what `body` writes. If `body` or the disk fails, the old
    /// file is untouched and nothing of the new one stays behind.
    package static func write(to path: String, _ body: (inout Writer) throws -> Void) throws {
        let target = FilePath.resolvingLink(path)
        let sibling = try TemporarySibling(of: target, directory: false)
        do {
            var writer = Writer(descriptor: sibling.descriptor, path: path)
            try body(&writer)
            try Descriptor.sync(sibling.descriptor, path)
            guard rename(sibling.path, target) == 0 else { throw FileFailure.current("written", path) }
        } catch {
            unlink(sibling.path)
            throw error
        }
        try FilePath.sync(FilePath.split(target).parent)
    }

    /// Replaces the file at `path`, or creates it, with these bytes.
    package static func write(_ bytes: [UInt8], to path: String) throws {
        try write(to: path) { try $0.write(bytes) }
    }

    /// Replaces the file at `path`, or creates it, with this text as UTF-8.
    package static func write(_ text: String, to path: String) throws {
        try write(to: path) { try $0.write(text) }
    }
}
