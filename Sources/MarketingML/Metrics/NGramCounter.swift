/// Numbers n-grams, so that counting them hashes two integers instead of arrays of words.
struct NGramCounter<Element: Hashable> {
    /// An n-gram is its first n - 1 elements' number and its last element's.
    private struct Key: Hashable {
        var head: Int32
        var last: Int32
    }

    private var elements: [Element: Int32] = [:]
    private var numbers: [Key: Int32] = [:]

    /// How often each n-gram of orders 1 to `order` occurs; entry n - 1 holds those of n elements.
    mutating func counts(_ sequence: [Element], order: Int) -> [[Int32: Int]] {
        var counts = [[Int32: Int]](repeating: [:], count: order)
        let ids = sequence.map { Self.number(of: $0, in: &elements) }
        for start in ids.indices {
            var number: Int32 = -1
            for length in 0..<min(order, ids.count - start) {
                number = Self.number(of: Key(head: number, last: ids[start + length]), in: &numbers)
                counts[length][number, default: 0] += 1
            }
        }
        return counts
    }

    private static func number<Item>(of item: Item, in numbers: inout [Item: Int32]) -> Int32 {
        if let number = numbers[item] { return number }
        let number = Int32(numbers.count)
        numbers[item] = number
        return number
    }
}
