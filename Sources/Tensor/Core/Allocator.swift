#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif
import Synchronization

/// Hands out 64-byte-aligned blocks and keeps those that come back, so that a training step allocates nothing
/// new after the first.
///
/// Blocks have sizes in steps of an eighth of a power of two. A request takes the smallest cached block that is
/// large enough: batches of changing length so live on the blocks of the longest.
/// `MARKETINGML_EXACT_ALLOCATION=1` turns the cache off and allocates exact sizes, for address sanitizers.
public enum TensorMemory {
    /// Counters since the start of the process.
    public struct Statistics: Sendable {
        /// Blocks taken from the system.
        public var systemAllocations = 0
        /// Bytes taken from the system and not given back.
        public var reservedBytes = 0
        /// Bytes in use by tensors.
        public var usedBytes = 0
    }

    /// What the allocator has done so far.
    public static var statistics: Statistics { state.withLock { $0.statistics } }

    /// Gives all cached blocks back to the system.
    public static func trim() {
        state.withLock { state in
            for index in state.blocks.indices {
                for address in state.blocks[index] {
                    free(UnsafeMutableRawPointer(bitPattern: address))
                    state.statistics.reservedBytes -= byteCount(ofClass: index)
                }
                state.blocks[index] = []
            }
        }
    }

    private struct State {
        // Addresses, since pointers are not Sendable.
        var blocks = [[UInt]](repeating: [], count: classCount)
        var statistics = Statistics()
    }

    private static let state = Mutex(State())
    private static let exact = getenv("MARKETINGML_EXACT_ALLOCATION") != nil
    private static let classCount = 8 * 42
    // Small requests have fixed shapes (biases, norms): letting them take large blocks would waste those.
    private static let sharedClass = sizeClass(of: 4096)

    /// Class 8 e + m holds blocks of (8 + m) 2^(e + 3) bytes.
    private static func byteCount(ofClass index: Int) -> Int { (8 + index % 8) << (index / 8 + 3) }

    private static func sizeClass(of bytes: Int) -> Int {
        guard bytes > 64 else { return 0 }
        let exponent = Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount
        let mantissa = (bytes - 1) >> (exponent - 3)
        return (exponent - 6) * 8 + mantissa - 8 + 1
    }

    /// A block of at least `bytes` bytes; `release` wants the class back.
    static func allocate(bytes: Int) -> (address: UnsafeMutableRawPointer, sizeClass: Int) {
        if exact { return (system(bytes: max(bytes, 1)), -1) }
        let wanted = sizeClass(of: bytes)
        let cached: (UInt, Int)? = state.withLock { state in
            let last = wanted < sharedClass ? wanted : classCount - 1
            for index in wanted...last {
                if let address = state.blocks[index].popLast() {
                    state.statistics.usedBytes += byteCount(ofClass: index)
                    return (address, index)
                }
            }
            state.statistics.systemAllocations += 1
            state.statistics.reservedBytes += byteCount(ofClass: wanted)
            state.statistics.usedBytes += byteCount(ofClass: wanted)
            return nil
        }
        if let (address, index) = cached, let pointer = UnsafeMutableRawPointer(bitPattern: address) {
            return (pointer, index)
        }
        return (system(bytes: byteCount(ofClass: wanted)), wanted)
    }

    static func release(_ address: UnsafeMutableRawPointer, sizeClass: Int) {
        if sizeClass < 0 {
            free(address)
            return
        }
        let bits = UInt(bitPattern: address)
        state.withLock { state in
            state.blocks[sizeClass].append(bits)
            state.statistics.usedBytes -= byteCount(ofClass: sizeClass)
        }
    }

    private static func system(bytes: Int) -> UnsafeMutableRawPointer {
        var pointer: UnsafeMutableRawPointer?
        let status = posix_memalign(&pointer, 64, bytes)
        guard status == 0, let pointer else { preconditionFailure("out of memory: \(bytes) bytes for a tensor") }
        return pointer
    }
}
