internal import CZlib

/// Decompresses gzip data (RFC 1952), of one member or several.
package enum Gzip {
    /// Whether the bytes begin like a gzip file: its two magic bytes and the one method there is, deflate.
    package static func isCompressed(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [0x1F, 0x8B, 8])
    }

    /// The contents of all members, one after another. Zero bytes that pad the end are ignored, as gzip does.
    ///
    /// - Throws: `.malformedFile` if the data are damaged, cut short or followed by something else; `.tooLarge`
    ///   if the contents have more than `limit` bytes.
    package static func decompress(
        _ bytes: [UInt8], limit: Int, file: String
    ) throws(MarketingMLError) -> [UInt8] {
        let stream = try GzipStream(file: file)
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 17)
        var position = 0
        while true {
            let (consumed, produced) = try stream.inflate(bytes[position...], isLast: true, into: &chunk)
            position += consumed
            guard output.count + produced <= limit else { throw InputFile.tooLarge(file, limit: limit) }
            output += chunk[..<produced]
            if stream.isAtEnd && position == bytes.count { return output }
        }
    }
}

/// Decompresses gzip data that come piece by piece.
final class GzipStream {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let file: String
    private var offset = 0
    /// A member has ended and none has begun after it.
    private(set) var isAtEnd = false
    private var isPadding = false

    init(file: String) throws(MarketingMLError) {
        self.file = file
        stream.initialize(to: z_stream())
        // 15: the largest window; 16: expect a gzip header and check its sums.
        guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw MarketingMLError(.inputOutput, "zlib cannot be started", at: .init(file: file))
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Decompresses some of `input` into `output`; says how much of the one was used and of the other filled. `isLast` if
    /// nothing follows `input`.
    func inflate(
        _ input: ArraySlice<UInt8>, isLast: Bool, into output: inout [UInt8]
    ) throws(MarketingMLError) -> (consumed: Int, produced: Int) {
        if isAtEnd {
            guard let first = input.first else { return (0, 0) }
            if first == 0 || isPadding {
                isPadding = true
                guard input.allSatisfy({ $0 == 0 }) else {
                    throw malformed("compressed data are followed by something else")
                }
                return advance(input.count, 0)
            }
            // Of a member's three first bytes fewer may be there yet: zlib itself checks them.
            guard first == 0x1F, inflateReset(stream) == Z_OK else {
                throw malformed("compressed data are followed by something else")
            }
            isAtEnd = false
        }
        let available = min(input.count, 1 << 30)
        let room = output.count
        let status = input.withUnsafeBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                // zlib's interface lacks a const: it does not write to its input.
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = UInt32(available)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(room)
                return CZlib.inflate(stream, Z_NO_FLUSH)
            }
        }
        let consumed = available - Int(stream.pointee.avail_in)
        let produced = room - Int(stream.pointee.avail_out)
        switch status {
        case Z_OK: break
        case Z_STREAM_END: isAtEnd = true
        case Z_BUF_ERROR where consumed == input.count && !isLast: break
        case Z_BUF_ERROR where consumed == input.count: throw malformed("compressed data are cut short")
        case Z_MEM_ERROR:
            throw MarketingMLError(.inputOutput, "not enough memory to decompress", at: .init(file: file))
        default: throw malformed("compressed data are damaged")
        }
        return advance(consumed, produced)
    }

    private func advance(_ consumed: Int, _ produced: Int) -> (Int, Int) {
        offset += consumed
        return (consumed, produced)
    }

    private func malformed(_ message: String) -> MarketingMLError {
        MarketingMLError(.malformedFile, message, at: .init(file: file, offset: offset))
    }
}
