import Tensor

extension Interactions {
    /// Takes interactions one by one and puts them in the order of a sparse matrix.
    struct Builder {
        private let duplicates: Duplicates
        private var users: IDIndex<User>
        private var items: IDIndex<Item>
        private var triples = Triples()

        /// Users and items that are known already keep their numbers.
        init(
            duplicates: Duplicates, users: IDIndex<User> = IDIndex(), items: IDIndex<Item> = IDIndex()
        ) {
            self.duplicates = duplicates
            self.users = users
            self.items = items
        }

        mutating func reserve(_ count: Int) { triples.reserve(count) }

        mutating func append(_ user: User, _ item: Item, value: Double, time: Int64?) {
            triples.append(users.insert(user), items.insert(item), Float(value), time)
        }

        var interactions: Interactions {
            let (matrix, times) = triples.matrix(
                users: users.ids.count, items: items.ids.count, duplicates: duplicates)
            return Interactions(users: users, items: items, matrix: matrix, times: times)
        }
    }

    /// The interactions of which `isKept` says yes, by their places in the matrix; users and items without any are dropped.
    func filtered(_ isKept: (_ row: Int, _ place: Int) -> Bool) -> Interactions {
        var builder = Builder(duplicates: .last)
        for row in users.indices {
            for place in matrix.range(row) where isKept(row, place) {
                builder.append(
                    users[row], items[Int(matrix.columnIndices[place])], value: Double(matrix.values[place]),
                    time: elementTimes?[place])
            }
        }
        return builder.interactions
    }

    /// Leaves out users and items with few interactions, again and again until all that are left have enough.
    ///
    /// - Parameters:
    ///   - perUser: The fewest items of a user.
    ///   - perItem: The fewest users of an item.
    public func filtered(minimumPerUser perUser: Int = 1, minimumPerItem perItem: Int = 1) -> Interactions {
        var current = self
        while true {
            let itemCounts = current.matrix.columnCounts
            let isComplete =
                itemCounts.allSatisfy { $0 >= perItem }
                && current.users.indices.allSatisfy { current.matrix.range($0).count >= perUser }
            if isComplete { return current }
            let matrix = current.matrix
            current = current.filtered { row, place in
                matrix.range(row).count >= perUser && itemCounts[Int(matrix.columnIndices[place])] >= perItem
            }
        }
    }
}

extension SparseMatrix {
    /// How many elements each column has.
    var columnCounts: [Int] {
        var counts = [Int](repeating: 0, count: columnCount)
        for column in columnIndices { counts[Int(column)] += 1 }
        return counts
    }
}

/// Interactions by numbers, in the order in which they came.
private struct Triples {
    private var rows: [Int32] = []
    private var columns: [Int32] = []
    private var values: [Float] = []
    private var times: [Int64] = []
    private var hasTimes = true

    mutating func reserve(_ count: Int) {
        rows.reserveCapacity(count)
        columns.reserveCapacity(count)
        values.reserveCapacity(count)
    }

    mutating func append(_ row: Int32, _ column: Int32, _ value: Float, _ time: Int64?) {
        rows.append(row)
        columns.append(column)
        values.append(value)
        if let time, hasTimes {
            times.append(time)
        } else {
            hasTimes = false
            times = []
        }
    }

    /// Sorts by rows (counting), then each row by columns; equal pairs become one.
    func matrix(
        users: Int, items: Int, duplicates: Duplicates
    ) -> (SparseMatrix<Float>, times: [Int64]?) {
        let isTimed = hasTimes && !rows.isEmpty
        var starts = [Int](repeating: 0, count: users + 1)
        for row in rows { starts[Int(row) + 1] += 1 }
        for row in 0..<users { starts[row + 1] += starts[row] }
        var next = starts
        var order = [Int32](repeating: 0, count: rows.count)
        for (index, row) in rows.enumerated() {
            order[next[Int(row)]] = Int32(truncatingIfNeeded: index)
            next[Int(row)] += 1
        }
        var offsets = [0]
        offsets.reserveCapacity(users + 1)
        var outColumns: [Int32] = []
        var outValues: [Float] = []
        var outTimes: [Int64] = []
        outColumns.reserveCapacity(rows.count)
        outValues.reserveCapacity(rows.count)
        for row in 0..<users {
            // By column, then time, then order of arrival.
            let sorted = order[starts[row]..<starts[row + 1]].sorted { a, b in
                let (left, right) = (columns[Int(a)], columns[Int(b)])
                if left != right { return left < right }
                if isTimed, times[Int(a)] != times[Int(b)] { return times[Int(a)] < times[Int(b)] }
                return a < b
            }
            let start = outColumns.count
            for index in sorted.lazy.map(Int.init) {
                if outColumns.count > start, outColumns[outColumns.count - 1] == columns[index] {
                    switch duplicates {
                    case .sum: outValues[outValues.count - 1] += values[index]
                    case .count: outValues[outValues.count - 1] += 1
                    case .last: outValues[outValues.count - 1] = values[index]
                    }
                    if isTimed { outTimes[outTimes.count - 1] = times[index] }
                } else {
                    outColumns.append(columns[index])
                    outValues.append(duplicates == .count ? 1 : values[index])
                    if isTimed { outTimes.append(times[index]) }
                }
            }
            offsets.append(outColumns.count)
        }
        return (
            SparseMatrix(
                trusted: users, items, rowOffsets: offsets, columnIndices: outColumns, values: outValues),
            isTimed ? outTimes : nil
        )
    }
}
