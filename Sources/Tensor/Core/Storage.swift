import Synchronization

/// The elements of a tensor.
///
/// Sendable because it is written only while one tensor alone refers to it (`Tensor.withUnsafeMutableElements`
/// checks that), so elements that two tasks can see never change.
final class Storage<Scalar: TensorScalar>: @unchecked Sendable {
    let elements: UnsafeMutablePointer<Scalar>
    let count: Int
    private let sizeClass: Int
    /// What the elements belong to, if not to this.
    private let owner: Storage?
    /// The packed form of a weight (see `PackedMatrix`), made at its first use outside of training.
    let packed = Mutex<PackedMatrix?>(nil)

    /// Elements are not initialised.
    init(count: Int, lasting: Bool = false) {
        let block = TensorMemory.allocate(bytes: count * MemoryLayout<Scalar>.stride, lasting: lasting)
        elements = block.address.bindMemory(to: Scalar.self, capacity: count)
        sizeClass = block.sizeClass
        self.count = count
        owner = nil
    }

    /// The first elements of a storage that nobody else refers to.
    init(first count: Int, of whole: Storage) {
        elements = whole.elements
        sizeClass = whole.sizeClass
        self.count = count
        owner = whole
    }

    deinit {
        if owner == nil { TensorMemory.release(UnsafeMutableRawPointer(elements), sizeClass: sizeClass) }
    }
}
