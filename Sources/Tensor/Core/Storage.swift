import Synchronization

/// The elements of a tensor.
///
/// Sendable because it is written only while one tensor alone refers to it (`Tensor.withUnsafeMutableElements`
/// checks that), so elements that two tasks can see never change.
final class Storage<Scalar: TensorScalar>: @unchecked Sendable {
    let elements: UnsafeMutablePointer<Scalar>
    let count: Int
    private let sizeClass: Int
    /// The packed form of a weight (see `PackedMatrix`), made at its first use outside of training.
    let packed = Mutex<PackedMatrix?>(nil)

    /// Elements are not initialised.
    init(count: Int, lasting: Bool = false) {
        let block = TensorMemory.allocate(bytes: count * MemoryLayout<Scalar>.stride, lasting: lasting)
        elements = block.address.bindMemory(to: Scalar.self, capacity: count)
        sizeClass = block.sizeClass
        self.count = count
    }

    deinit { TensorMemory.release(UnsafeMutableRawPointer(elements), sizeClass: sizeClass) }
}
