#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Rows of the square kernel matrix over N points: those used last are kept, as many as fit.
///
/// Memory is taken from the system as rows come, and given back with the cache.
package final class KernelRowCache<Scalar: TensorFloatingPoint> {
    private let matrix: KernelMatrix<Scalar>
    /// Rows that may be held.
    package let capacity: Int
    /// Rows that were computed so far.
    package private(set) var computedRows = 0

    private let rowElements: Int
    private let rowsPerSlab: Int
    private var slabs: [UnsafeMutableRawPointer] = []
    /// Slot of a point's row, and point of a slot's; -1 for none.
    private var slot: [Int]
    private var point: [Int] = []
    // Slots from the one used last to the one used first, in a ring through an entry of its own at the end (index 0).
    private var newer: [Int] = [0]
    private var older: [Int] = [0]

    /// - Parameter bytes: What the rows may take together; at least `minimumRows` are held whatever they take.
    package init(_ matrix: KernelMatrix<Scalar>, bytes: Int, minimumRows: Int) {
        self.matrix = matrix
        let count = matrix.points.count
        rowElements = (count + 15) / 16 * 16
        let rowBytes = rowElements * MemoryLayout<Scalar>.stride
        capacity = max(minimumRows, min(count, bytes / max(1, rowBytes)))
        // Above 32 MiB glibc takes each slab from the system and gives it back when it is freed, whatever came before.
        rowsPerSlab = max(1, min(capacity, (64 << 20) / max(1, rowBytes)))
        slot = [Int](repeating: -1, count: count)
    }

    deinit { for slab in slabs { free(slab) } }

    /// The rows of these points, computed in one block where they are missing; at most `capacity` different ones. Valid until
    /// the next call.
    package func rows(_ points: [Int]) -> [UnsafePointer<Scalar>] {
        precondition(points.count <= capacity, "\(points.count) rows of a cache for \(capacity)")
        // What is wanted now goes to the front first, so that it is not what makes room.
        for wanted in points where slot[wanted] >= 0 { touch(slot[wanted]) }
        var missing: [Int] = []
        for wanted in points where slot[wanted] < 0 {
            let free = freeSlot()
            slot[wanted] = free
            point[free] = wanted
            touch(free)
            missing.append(wanted)
        }
        matrix.rows(missing, of: matrix.points, into: missing.map { address(slot[$0]) })
        computedRows += missing.count
        return points.map { UnsafePointer(address(slot[$0])) }
    }

    private func address(_ slot: Int) -> UnsafeMutablePointer<Scalar> {
        slabs[slot / rowsPerSlab].assumingMemoryBound(to: Scalar.self) + slot % rowsPerSlab * rowElements
    }

    /// A slot that holds nothing: a new one, else that of the row whose last use is longest ago.
    private func freeSlot() -> Int {
        if point.count < capacity {
            if point.count % rowsPerSlab == 0 {
                let rows = min(rowsPerSlab, capacity - point.count)
                slabs.append(TensorMemory.system(bytes: rows * rowElements * MemoryLayout<Scalar>.stride))
            }
            point.append(-1)
            // In the ring at the end.
            let entry = point.count
            newer.append(newer[0])
            older.append(0)
            older[newer[0]] = entry
            newer[0] = entry
            return point.count - 1
        }
        let last = newer[0] - 1
        slot[point[last]] = -1
        return last
    }

    /// Moves a slot to the front.
    private func touch(_ slot: Int) {
        let entry = slot + 1
        older[newer[entry]] = older[entry]
        newer[older[entry]] = newer[entry]
        older[entry] = older[0]
        newer[entry] = 0
        newer[older[0]] = entry
        older[0] = entry
    }
}
