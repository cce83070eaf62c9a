internal import CZlib

/// Decompresses gzip data (RFC 1952), of one member or several.
package enum Gzip {
    /// Whether the bytes begin like a gzip file: its two magic bytes and the one method there is, deflate.
    package static func isCompressed(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 3 && isMember(bytes, at: 0)
    }

    private static func isMember(_ bytes: [UInt8], at index: Int) -> Bool {
        index + 2 < bytes.count && bytes[index] == 0x1F && bytes[index + 1] == 0x8B && bytes[index + 2] == 8
    }

    /// The contents of all members, one after another. Zero bytes that pad the end are ignored, as gzip does.
    ///
    /// - Throws: `.malformedFile` if the data are damaged, cut short or followed by something else; `.tooLarge`
    ///   if the contents have more than `limit` bytes.
    package static func decompress(
        _ bytes: [UInt8], limit: Int, file: String
    ) throws(MarketingMLError) -> [UInt8] {
        var stream = z_stream()
        // 15: the largest window; 16: expect a gzip header and check its sums.
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw MarketingMLError(.inputOutput, "zlib cannot be started", at: .init(file: file))
        }
        defer { inflateEnd(&stream) }

        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 17)
        var position = 0
        while true {
            let (status, consumed, produced) = inflate(&stream, bytes, from: position, into: &chunk)
            position += consumed
            guard output.count + produced <= limit else { throw InputFile.tooLarge(file, limit: limit) }
            output += chunk[..<produced]

            switch status {
            case Z_OK:
                continue
            case Z_STREAM_END:
                if bytes[position...].allSatisfy({ $0 == 0 }) { return output }
                guard isMember(bytes, at: position), inflateReset(&stream) == Z_OK else {
                    throw malformed("compressed data are followed by something else", file, position)
                }
            case Z_BUF_ERROR where position == bytes.count:
                throw malformed("compressed data are cut short", file, position)
            case Z_MEM_ERROR:
                throw MarketingMLError(.inputOutput, "not enough memory to decompress", at: .init(file: file))
            default:
                throw malformed("compressed data are damaged", file, position)
            }
        }
    }

    /// One call of zlib: from `bytes[position...]` into `chunk`.
    private static func inflate(
        _ stream: inout z_stream, _ bytes: [UInt8], from position: Int, into chunk: inout [UInt8]
    ) -> (status: Int32, consumed: Int, produced: Int) {
        bytes.withUnsafeBufferPointer { input in
            chunk.withUnsafeMutableBufferPointer { output in
                let available = min(input.count - position, 1 << 30)
                // zlib's interface lacks a const: it does not write to its input.
                stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress.map { $0 + position })
                stream.avail_in = UInt32(available)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                let status = CZlib.inflate(&stream, Z_NO_FLUSH)
                return (status, available - Int(stream.avail_in), output.count - Int(stream.avail_out))
            }
        }
    }

    private static func malformed(_ message: String, _ file: String, _ offset: Int) -> MarketingMLError {
        MarketingMLError(.malformedFile, message, at: .init(file: file, offset: offset))
    }
}
