/// An array of numbers with a shape: a contiguous, row-major value with copy-on-write.
///
/// `Tensor<Float>` and `Tensor<Double>` can be differentiated (see ``valueAndGradient(of:_:)``); integer tensors
/// hold ids and labels. A tensor is immutable once shared, hence `Sendable`.
public struct Tensor<Scalar: TensorScalar>: Sendable {
    /// The extent of every dimension; empty for a scalar.
    public private(set) var shape: [Int]
    var storage: Storage<Scalar>
    /// Its place in a gradient computation, if it takes part in one.
    var node: GraphNode<Scalar>?

    /// Number of elements.
    public var count: Int { storage.count }
    /// Number of dimensions.
    public var rank: Int { shape.count }

    init(shape: [Int], storage: Storage<Scalar>, node: GraphNode<Scalar>? = nil) {
        self.shape = shape
        self.storage = storage
        self.node = node
    }

    /// Elements are not initialised: for operations that write every one.
    init(uninitialized shape: [Int], lasting: Bool = false) {
        precondition(shape.allSatisfy { $0 >= 0 }, "a shape cannot have negative extents: \(shape)")
        self.init(shape: shape, storage: Storage(count: shape.reduce(1, *), lasting: lasting))
    }

    /// Creates a tensor of `shape` from its elements in row-major order; their number must be the shape's product.
    public init(shape: [Int], _ elements: some Collection<Scalar>) {
        self.init(uninitialized: shape)
        precondition(elements.count == count, "\(elements.count) elements for the shape \(shape)")
        let (_, end) = UnsafeMutableBufferPointer(start: storage.elements, count: count).initialize(
            from: elements)
        assert(end == count)
    }

    /// Creates a vector.
    public init(_ elements: [Scalar]) { self.init(shape: [elements.count], elements) }

    /// Creates a scalar (shape `[]`).
    public init(_ value: Scalar) { self.init(shape: [], CollectionOfOne(value)) }

    /// Creates a tensor whose elements all are `value`.
    public init(repeating value: Scalar, shape: [Int]) {
        self.init(uninitialized: shape)
        storage.elements.fill(with: value, count: count)
    }

    /// A tensor of zeros.
    public static func zeros(_ shape: [Int]) -> Tensor {
        let result = Tensor(uninitialized: shape)
        result.pointer.clear(count: result.count)
        return result
    }

    /// Zeros that live as long as a model: see `TensorMemory.allocate`.
    static func lastingZeros(_ shape: [Int]) -> Tensor {
        let result = Tensor(uninitialized: shape, lasting: true)
        result.pointer.clear(count: result.count)
        return result
    }

    /// The elements in row-major order, copied.
    public var elements: [Scalar] { withUnsafeElements { Array($0) } }

    /// The element of a tensor that has exactly one.
    public var item: Scalar {
        precondition(count == 1, "item needs one element, the shape is \(shape)")
        return storage.elements[0]
    }

    /// The element at an index a dimension.
    public subscript(_ indices: Int...) -> Scalar {
        get { storage.elements[offset(of: indices)] }
        set {
            let offset = offset(of: indices)
            withUnsafeMutableElements { $0[offset] = newValue }
        }
    }

    private func offset(of indices: [Int]) -> Int {
        precondition(indices.count == rank, "\(indices.count) indices for the shape \(shape)")
        var offset = 0
        for (index, extent) in zip(indices, shape) {
            precondition(0 <= index && index < extent, "index \(indices) outside the shape \(shape)")
            offset = offset * extent + index
        }
        return offset
    }

    /// Calls `body` with the elements; the pointer is valid during the call only.
    public func withUnsafeElements<Result, Failure: Error>(
        _ body: (UnsafeBufferPointer<Scalar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // `storage` lives at least as long as self, which the caller holds.
        try body(UnsafeBufferPointer(start: storage.elements, count: storage.count))
    }

    /// Calls `body` with the elements for writing, after copying them when they are shared. The result no longer
    /// takes part in a gradient computation.
    public mutating func withUnsafeMutableElements<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<Scalar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        makeUnique()
        return try body(UnsafeMutableBufferPointer(start: storage.elements, count: storage.count))
    }

    mutating func makeUnique(lasting: Bool = false) {
        node = nil
        // A weight held in 8 bits gets plain numbers of its own: products would go on with the old ones.
        if storage.quantized == nil, isKnownUniquelyReferenced(&storage) {
            storage.releaseDerivedForms()
        } else {
            let copy = Storage<Scalar>(count: count, lasting: lasting)
            copy.elements.initialize(from: storage.elements, count: count)
            storage = copy
        }
    }

    /// The same elements outside of any gradient computation.
    public var detached: Tensor { Tensor(shape: shape, storage: storage) }

    /// The same elements under another shape of the same count, without recording.
    func viewed(as shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == count, "\(self.shape) cannot be reshaped to \(shape)")
        return Tensor(shape: shape, storage: storage)
    }

    /// For kernels: the address of the elements. The caller keeps the tensor alive while it uses it.
    var pointer: UnsafeMutablePointer<Scalar> { storage.elements }
}

extension Tensor: Equatable {
    /// Same shape and equal elements.
    public static func == (a: Tensor, b: Tensor) -> Bool {
        guard a.shape == b.shape else { return false }
        return a.withUnsafeElements { a in b.withUnsafeElements { b in a.elementsEqual(b) } }
    }
}

extension Tensor: CustomStringConvertible {
    /// The shape and the first elements.
    public var description: String {
        let shown = withUnsafeElements { $0.prefix(8).map { "\($0)" }.joined(separator: ", ") }
        return "Tensor\(shape)(\(shown)\(count > 8 ? ", …" : ""))"
    }
}

extension Tensor {
    /// Rows of a tensor seen as a matrix: the product of all extents but the last.
    package var rowCount: Int { shape.dropLast().reduce(1, *) }
    /// The last extent; 1 for a scalar.
    package var columnCount: Int { shape.last ?? 1 }
}
