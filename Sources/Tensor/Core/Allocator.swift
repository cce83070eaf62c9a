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
/// Blocks are powers of two, and a request may take one of the next size as well (up to 1 MiB, of the next three):
/// batches of changing length so live on the same blocks. Small blocks are taken from the system several at a time, since which
/// of them a batch needs at once changes with its lengths. What a tensor leaves unused of a fresh block costs no memory, since its pages are never touched.
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
        var blocks = [[UInt]](repeating: [], count: 2 * classCount)
        var statistics = Statistics()
    }

    private static let state = Mutex(State())
    private static let exact = getenv("MARKETINGML_EXACT_ALLOCATION") != nil
    private static let smallestExponent = 6
    private static let largeClass = sizeClass(of: 1 << 20)
    /// Below this class a missing block is taken from the system together with spare ones.
    private static let smallClass = sizeClass(of: 1 << 16)
    private static let spareBlocks = 7
    private static let classCount = 48 - smallestExponent

    /// Class c holds blocks of 2^(c + 6) bytes; class c + classCount those of the same size for what lasts.
    private static func byteCount(ofClass index: Int) -> Int { 1 << (index % classCount + smallestExponent) }

    private static func sizeClass(of bytes: Int) -> Int {
        max(0, Int.bitWidth - max(bytes - 1, 0).leadingZeroBitCount - smallestExponent)
    }

    /// A block of at least `bytes` bytes; `release` wants the class back.
    ///
    /// What has a parameter's size and outlives the backward pass (weights, gradients, moments) lives on blocks of its
    /// own: its sizes never change, and activations, whose sizes do, must not take its place.
    static func allocate(bytes: Int, lasting: Bool = false) -> (
        address: UnsafeMutableRawPointer, sizeClass: Int
    ) {
        if exact { return (system(bytes: max(bytes, 1)), -1) }
        let wanted = sizeClass(of: bytes)
        precondition(wanted < classCount, "out of memory: \(bytes) bytes for a tensor")
        let cached: (UInt, Int)? = state.withLock { state in
            let first = lasting ? wanted + classCount : wanted
            let last = lasting ? first : min(first + (wanted < largeClass ? 3 : 1), classCount - 1)
            for index in first...last {
                if let address = state.blocks[index].popLast() {
                    state.statistics.usedBytes += byteCount(ofClass: index)
                    return (address, index)
                }
            }
            let spares = wanted < smallClass ? spareBlocks : 0
            for _ in 0..<spares {
                let spare = system(bytes: byteCount(ofClass: wanted))
                state.blocks[first].append(UInt(bitPattern: spare))
            }
            state.statistics.systemAllocations += 1 + spares
            state.statistics.reservedBytes += byteCount(ofClass: wanted) * (1 + spares)
            state.statistics.usedBytes += byteCount(ofClass: wanted)
            return nil
        }
        if let (address, index) = cached, let pointer = UnsafeMutableRawPointer(bitPattern: address) {
            return (pointer, index)
        }
        return (system(bytes: byteCount(ofClass: wanted)), lasting ? wanted + classCount : wanted)
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

    /// A block of its own from the system, on large pages if it is large; `free` gives it back.
    static func system(bytes: Int) -> UnsafeMutableRawPointer {
        var pointer: UnsafeMutableRawPointer?
        // Tables of word vectors are read in once: with large pages that takes a 512th of the page faults.
        let isHuge = bytes >= 1 << 25
        let status = posix_memalign(&pointer, isHuge ? 1 << 21 : 64, bytes)
        guard status == 0, let pointer else {
            preconditionFailure("out of memory: \(bytes) bytes for a tensor")
        }
        #if os(Linux)
            if isHuge { madvise(pointer, bytes, MADV_HUGEPAGE) }
        #endif
        return pointer
    }
}
