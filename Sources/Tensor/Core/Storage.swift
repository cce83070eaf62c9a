import Synchronization

/// The elements of a tensor.
///
/// Sendable because it is written only while one tensor alone refers to it (`Tensor.withUnsafeMutableElements`
/// checks that), so elements that two tasks can see never change.
final class Storage<Scalar: TensorScalar>: @unchecked Sendable {
    let count: Int
    /// The elements; nil as long as only the packed or the 8-bit form of a weight is held.
    private let plain: Atomic<UnsafeMutablePointer<Scalar>?>
    /// Written together with `plain`, under the lock of `packed`.
    private var sizeClass: Int
    /// What the elements belong to, if not to this; written as `sizeClass` is.
    private var owner: Storage?
    /// Where elements come from that are computed, or brought up to date, when they are asked for.
    let late: (any LateElements<Scalar>)?
    /// The packed form of a weight (see `PackedMatrix`), made at its first use outside of training.
    let packed: Mutex<PackedMatrix?>
    /// What was computed from a table of word vectors for layers that only predict (see `WordProjections`).
    let projections = Mutex<[any AnyObject & Sendable]>([])
    /// The 8-bit form of a weight that is held so.
    let quantized: QuantizedMatrix?

    /// Elements are not initialised.
    init(count: Int, lasting: Bool = false) {
        let block = Self.allocate(count, lasting: lasting)
        plain = Atomic(block.elements)
        sizeClass = block.sizeClass
        owner = nil
        packed = Mutex(nil)
        quantized = nil
        late = nil
        self.count = count
    }

    /// The first elements of a storage that nobody else refers to.
    init(first count: Int, of whole: Storage) {
        plain = Atomic(whole.elements)
        sizeClass = whole.sizeClass
        owner = whole
        packed = Mutex(nil)
        quantized = nil
        late = nil
        self.count = count
    }

    /// Holds a weight in its packed form; the plain one is made when it is first asked for.
    init(packed: PackedMatrix, count: Int) where Scalar: TensorFloatingPoint {
        plain = Atomic(nil)
        sizeClass = 0
        owner = nil
        self.packed = Mutex(packed)
        quantized = nil
        late = nil
        self.count = count
    }

    /// Holds a weight in its 8-bit form; the plain one, of the rounded weights, is made when it is first asked for.
    init(quantized: QuantizedMatrix, count: Int) where Scalar: TensorFloatingPoint {
        plain = Atomic(nil)
        sizeClass = 0
        owner = nil
        packed = Mutex(nil)
        self.quantized = quantized
        late = nil
        self.count = count
    }

    /// Elements that `late` gives when they are first asked for.
    init(late: any LateElements<Scalar>, count: Int) {
        plain = Atomic(nil)
        sizeClass = 0
        owner = nil
        packed = Mutex(nil)
        quantized = nil
        self.late = late
        self.count = count
    }

    deinit {
        if owner == nil, let elements = plain.load(ordering: .relaxed) {
            TensorMemory.release(UnsafeMutableRawPointer(elements), sizeClass: sizeClass)
        }
    }

    /// The address of the elements.
    var elements: UnsafeMutablePointer<Scalar> { plain.load(ordering: .acquiring) ?? unpacked() }

    /// Whether the plain form is there.
    var isPlain: Bool { plain.load(ordering: .relaxed) != nil }

    /// Whether it holds a packed or an 8-bit form.
    var isHeldForProducts: Bool { quantized != nil || packed.withLock { $0 != nil } }

    /// The address of the elements, of which the rows `rows` alone need be up to date.
    func elements(ofRows rows: [Int32]) -> UnsafeMutablePointer<Scalar> {
        plain.load(ordering: .acquiring) ?? late?.elements(ofRows: rows) ?? unpacked()
    }

    /// Whether the elements still wait in `late`.
    var isLate: Bool { late != nil && plain.load(ordering: .acquiring) == nil }

    /// From here on elements are asked of `late` again; for its sole owner.
    func postpone() {
        projections.withLock { $0 = [] }
        packed.withLock { packed in
            packed = nil
            plain.store(nil, ordering: .releasing)
        }
    }

    /// Forgets what was made from the elements; the plain form is kept, and made first if need be. An 8-bit form stays as it
    /// is.
    func releaseDerivedForms() {
        projections.withLock { $0 = [] }
        guard quantized == nil else { return }
        _ = elements
        packed.withLock { $0 = nil }
    }

    private func unpacked() -> UnsafeMutablePointer<Scalar> {
        packed.withLock { packed in
            if let elements = plain.load(ordering: .relaxed) { return elements }
            if let late {
                let whole = late.whole()
                owner = whole
                plain.store(whole.elements, ordering: .releasing)
                return whole.elements
            }
            let block = Self.allocate(count, lasting: true)
            if let quantized {
                quantized.dequantize(into: UnsafeMutableRawPointer(block.elements))
            } else if let packed {
                packed.unpackTranspose(into: UnsafeMutableRawPointer(block.elements), as: Scalar.self)
            } else {
                preconditionFailure("a storage has a plain, a packed or an 8-bit form")
            }
            sizeClass = block.sizeClass
            plain.store(block.elements, ordering: .releasing)
            return block.elements
        }
    }

    private static func allocate(
        _ count: Int, lasting: Bool
    ) -> (elements: UnsafeMutablePointer<Scalar>, sizeClass: Int) {
        let block = TensorMemory.allocate(bytes: count * MemoryLayout<Scalar>.stride, lasting: lasting)
        return (block.address.bindMemory(to: Scalar.self, capacity: count), block.sizeClass)
    }
}

/// Elements of a tensor that are computed when they are asked for.
protocol LateElements<Scalar>: Sendable {
    associatedtype Scalar: TensorScalar

    /// All elements, up to date.
    func whole() -> Storage<Scalar>
    /// Elements of which these rows are up to date; nil if they can only be had all together.
    func elements(ofRows rows: [Int32]) -> UnsafeMutablePointer<Scalar>?
}
