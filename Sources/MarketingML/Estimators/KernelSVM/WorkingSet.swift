/// Chooses the variables that a solver works on next: some it already had, and the largest violators.
///
/// With vₖ = −sₖ ∂f/∂αₖ, a pair (i, j) violates the optimality conditions by vᵢ − vⱼ when i can move up along its sign and j down.
struct WorkingSet {
    /// The variables, in the order of their examples.
    private(set) var variables: [Int] = []
    /// The largest violation over all pairs.
    private(set) var violation = 0.0
    /// For each group of variables that exchange weight with each other: the largest v that can move up, the smallest
    /// that can move down (infinite if there is none), and the sum and number of those free to do both.
    private(set) var levels: [Level] = []

    struct Level {
        var up = -Double.infinity
        var down = Double.infinity
        var freeSum = 0.0
        var freeCount = 0

        /// v at the optimum: the mean of the free variables, else the middle of what the bounds allow.
        var value: Double {
            if freeCount > 0 { return freeSum / Double(freeCount) }
            if up.isFinite, down.isFinite { return (up + down) / 2 }
            return up.isFinite ? up : down.isFinite ? down : 0
        }
    }

    private let size: Int
    private var age: [Int]
    private var isChosen: [Bool]
    private var round = 0

    init(size: Int, variableCount: Int) {
        self.size = min(size, variableCount)
        age = [Int](repeating: 0, count: variableCount)
        isChosen = [Bool](repeating: false, count: variableCount)
    }

    /// Judges all variables by their `values` (v) and chooses anew.
    mutating func select(_ problem: DualProblem, alpha: [Double], values: [Double], tolerance: Double) {
        let groupCount = problem.keepsSumOfEachSign ? 2 : 1
        levels = [Level](repeating: Level(), count: groupCount)
        // For each group those that can move up, by falling v, and those that can move down, by rising v.
        var queues = [Largest](repeating: Largest(capacity: size), count: 2 * groupCount)
        for k in 0..<values.count {
            let (canGrow, canShrink) = (alpha[k] < problem.bounds[k], alpha[k] > 0)
            let isPositive = problem.signs[k] > 0
            let group = groupCount == 2 && !isPositive ? 1 : 0
            let v = values[k]
            if isPositive ? canGrow : canShrink {
                levels[group].up = max(levels[group].up, v)
                queues[2 * group].offer(v, k)
            }
            if isPositive ? canShrink : canGrow {
                levels[group].down = min(levels[group].down, v)
                queues[2 * group + 1].offer(-v, k)
            }
            if canGrow && canShrink {
                levels[group].freeSum += v
                levels[group].freeCount += 1
            }
        }
        violation = levels.reduce(0) { max($0, $1.up - $1.down) }
        choose(
            problem, alpha,
            levels.indices.flatMap { group in
                let level = levels[group]
                return [
                    queues[2 * group].sorted { $0 > level.down + tolerance },
                    queues[2 * group + 1].sorted { -$0 < level.up - tolerance },
                ]
            })
    }

    /// Half of the room for the free variables that came last, the rest for violators from each list in turn.
    private mutating func choose(_ problem: DualProblem, _ alpha: [Double], _ lists: [[Int]]) {
        round += 1
        let free = variables.filter { alpha[$0] > 0 && alpha[$0] < problem.bounds[$0] }
        for variable in variables { isChosen[variable] = false }
        // Sorting by a pair, since the order of equal elements is not the same everywhere.
        variables = Array(free.sorted { (-age[$0], $0) < (-age[$1], $1) }.prefix(size / 2))
        for variable in variables { isChosen[variable] = true }
        var next = [Int](repeating: 0, count: lists.count)
        var went = true
        while went {
            went = false
            for (list, candidates) in lists.enumerated() where variables.count < size {
                while next[list] < candidates.count, isChosen[candidates[next[list]]] { next[list] += 1 }
                guard next[list] < candidates.count else { continue }
                let variable = candidates[next[list]]
                isChosen[variable] = true
                age[variable] = round
                variables.append(variable)
                went = true
            }
        }
        variables.sort { (problem.examples[$0], $0) < (problem.examples[$1], $1) }
    }
}

/// The elements with the largest keys among all that were offered; of equal keys the one offered first.
struct Largest {
    private let capacity: Int
    // A heap with the smallest kept key at the top.
    private var keys: [Double] = []
    private var places: [Int] = []

    init(capacity: Int) { self.capacity = capacity }

    mutating func offer(_ key: Double, _ place: Int) {
        if keys.count < capacity {
            keys.append(key)
            places.append(place)
            var child = keys.count - 1
            while child > 0, precedes(child, (child - 1) / 2) {
                swap(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        } else if let smallest = keys.first, key > smallest {
            keys[0] = key
            places[0] = place
            sink()
        }
    }

    /// The places whose key satisfies a condition, by falling key.
    func sorted(where condition: (Double) -> Bool) -> [Int] {
        keys.indices.filter { condition(keys[$0]) }.sorted { precedes($1, $0) }.map { places[$0] }
    }

    /// Whether element `a` leaves the heap before element `b`.
    private func precedes(_ a: Int, _ b: Int) -> Bool {
        keys[a] == keys[b] ? places[a] > places[b] : keys[a] < keys[b]
    }

    private mutating func swap(_ a: Int, _ b: Int) {
        keys.swapAt(a, b)
        places.swapAt(a, b)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var first = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < keys.count && precedes(child, first) {
                first = child
            }
            if first == parent { return }
            swap(parent, first)
            parent = first
        }
    }
}
