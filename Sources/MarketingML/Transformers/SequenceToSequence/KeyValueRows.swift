/// The keys and values of rows that grow by a token at a time: [rows · capacity, 2 D], row r from r · capacity on.
struct KeyValueRows: Sendable {
    private(set) var elements: Tensor<Float>
    private let width: Int
    private var rows: Int
    private var capacity: Int

    /// Room for rows of D = `width` keys and values; `longest` tokens to begin with.
    init(rows: Int, width: Int, longest: Int) {
        self.rows = rows
        self.width = width
        capacity = longest + 16
        elements = .zeros([rows * capacity, 2 * width])
    }

    /// Where the tokens of each row stand.
    func ranges(lengths: [Int]) -> [Range<Int>] {
        lengths.indices.map { $0 * capacity..<$0 * capacity + lengths[$0] }
    }

    /// Adds keys and values of new tokens: the last two thirds of [M, 3 D], of row r its part `parts[r]`.
    ///
    /// - Parameter lengths: Tokens of each row, the new ones included.
    mutating func append(_ queryKeyValue: Tensor<Float>, rows parts: [Range<Int>], lengths: [Int]) {
        if let longest = lengths.max(), longest > capacity { grow(to: 2 * longest, lengths: lengths) }
        let (width, capacity) = (2 * width, capacity)
        queryKeyValue.withUnsafeElements { source in
            elements.withUnsafeMutableElements { target in
                for (row, part) in parts.enumerated() {
                    let first = row * capacity + lengths[row] - part.count
                    for (offset, token) in part.enumerated() {
                        let from = token * (width / 2 * 3) + width / 2
                        let to = (first + offset) * width
                        _ = target[to..<to + width].update(fromContentsOf: source[from..<from + width])
                    }
                }
            }
        }
    }

    /// Rows in a new order, of which so many tokens count.
    mutating func select(rows order: [Int], lengths: [Int]) {
        copy(order, lengths: lengths, capacity: capacity)
    }

    private mutating func grow(to capacity: Int, lengths: [Int]) {
        copy(Array(0..<rows), lengths: lengths.map { min($0, self.capacity) }, capacity: capacity)
    }

    private mutating func copy(_ order: [Int], lengths: [Int], capacity new: Int) {
        var copy = Tensor<Float>.zeros([order.count * new, 2 * width])
        let (width, old) = (2 * width, capacity)
        elements.withUnsafeElements { source in
            copy.withUnsafeMutableElements { target in
                for (row, from) in order.enumerated() {
                    let count = lengths[row] * width
                    let (start, end) = (from * old * width, row * new * width)
                    _ = target[end..<end + count].update(fromContentsOf: source[start..<start + count])
                }
            }
        }
        elements = copy
        rows = order.count
        capacity = new
    }
}
