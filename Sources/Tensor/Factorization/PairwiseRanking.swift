internal import CTensorKernels
import Foundation

/// Gradient steps of Bayesian personalised ranking on all cores, the same bits for every number of threads.
///
/// Before each epoch users and items are dealt at random to as many groups; a block is what users of one group took of items of
/// another. Blocks that share neither users nor items run at the same time: in step s those of user group a and item group a + s.
/// The other item of a pair is drawn from the block's own group, so no two blocks touch the same row. Since groups are dealt anew
/// each epoch, an item is drawn as often as if it were drawn from all.
///
/// The blocks are those of Gemulla et al.: Large-Scale Matrix Factorization with Distributed Stochastic Gradient Descent,
/// KDD 2011, doi:10.1145/2020408.2020426.
package struct PairwiseRanking {
    /// How the other item of a pair is drawn.
    package enum Negatives: Sendable, Equatable {
        /// Each item equally likely.
        case uniform
        /// In proportion to a power of the number of its users.
        case popularity(exponent: Double)
    }

    /// What each user took.
    package let taken: SparseMatrix<Float>
    package let learningRate: Double
    package let regularization: Double
    package let negatives: Negatives
    package let seed: UInt64
    /// [users, width], the padding zero.
    package private(set) var users: Tensor<Float>
    /// [items, width].
    package private(set) var items: Tensor<Float>
    /// [items]
    package private(set) var biases: Tensor<Float>
    private let groups: Int
    private let counts: [Int]

    /// Candidates a group, when they are drawn by popularity.
    private static let drawnCandidates = 1 << 14

    package init(
        _ taken: SparseMatrix<Float>, factors: Int, learningRate: Double, regularization: Double,
        negatives: Negatives, seed: UInt64
    ) {
        self.taken = taken
        self.learningRate = learningRate
        self.regularization = regularization
        self.negatives = negatives
        self.seed = seed
        let deviation = 0.1 / Double(factors).squareRoot()
        users = FactorMatrix.random(
            rows: taken.rowCount, factors: factors, standardDeviation: deviation, seed: seed, stream: 1)
        items = FactorMatrix.random(
            rows: taken.columnCount, factors: factors, standardDeviation: deviation, seed: seed, stream: 2)
        biases = .zeros([taken.columnCount])
        groups = min(16, max(1, min(taken.rowCount, taken.columnCount) / 256))
        var counts = [Int](repeating: 0, count: taken.columnCount)
        for column in taken.columnIndices { counts[Int(column)] += 1 }
        self.counts = counts
    }

    /// A step for each interaction.
    ///
    /// - Returns: The share of pairs that were in the right order before their step.
    package mutating func epoch(_ number: Int) -> Double {
        var random = SeededGenerator(seed: seed, stream: UInt64(number) &+ 1 << 20)
        let userOrder = random.permutation(self.taken.rowCount).map { Int32($0) }
        var itemGroups = [UInt8](repeating: 0, count: self.taken.columnCount)
        for (place, item) in random.permutation(itemGroups.count).enumerated() {
            itemGroups[item] = UInt8(place % self.groups)
        }
        let (groups, taken) = (self.groups, self.taken)
        let candidates = (0..<groups).map { self.candidates(group: $0, itemGroups, &random) }
        let seeds = (0..<groups * groups).map { _ in random.next() }
        let blocks = parallelMap(groups) { Self.blocks(userOrder, group: $0, groups, taken, itemGroups) }

        let (learningRate, regularization, width) = (self.learningRate, self.regularization, users.shape[1])
        var right = 0
        users.withUnsafeMutableElements { users in
            items.withUnsafeMutableElements { items in
                biases.withUnsafeMutableElements { biases in
                    taken.rowOffsets.withUnsafeBufferPointer { offsets in
                        taken.columnIndices.withUnsafeBufferPointer { indices in
                            let rows = (users.baseAddress, items.baseAddress, biases.baseAddress)
                            for step in 0..<groups {
                                right += parallelMap(groups) { group in
                                    let other = (group + step) % groups
                                    let pairs = blocks[group][other]
                                    return candidates[other].withUnsafeBufferPointer { candidates in
                                        var problem = mml_bpr(
                                            width: width, learning_rate: learningRate,
                                            regularization: regularization, offsets: offsets.baseAddress,
                                            indices: indices.baseAddress, candidates: candidates.baseAddress,
                                            candidate_count: candidates.count,
                                            seed: seeds[group * groups + other],
                                            users: rows.0, items: rows.1, biases: rows.2)
                                        return mml_bpr_pass(MML_F32, &problem, pairs.count / 2, pairs)
                                    }
                                }.reduce(0, +)
                            }
                        }
                    }
                }
            }
        }
        return Double(right) / Double(max(1, taken.storedCount))
    }

    /// What the users of a group took, by groups of items: pairs of a user and an item, users in the epoch's order.
    private static func blocks(
        _ userOrder: [Int32], group: Int, _ groups: Int, _ taken: SparseMatrix<Float>, _ itemGroups: [UInt8]
    ) -> [[Int32]] {
        var blocks = [[Int32]](repeating: [], count: groups)
        let members = stride(from: group, to: userOrder.count, by: groups).map { Int(userOrder[$0]) }
        let total = members.reduce(0) { $0 + taken.rowOffsets[$1 + 1] - taken.rowOffsets[$1] }
        for block in blocks.indices { blocks[block].reserveCapacity(2 * total / groups * 5 / 4) }
        for user in members {
            for place in taken.rowOffsets[user]..<taken.rowOffsets[user + 1] {
                let item = taken.columnIndices[place]
                let block = Int(itemGroups[Int(item)])
                blocks[block].append(Int32(truncatingIfNeeded: user))
                blocks[block].append(item)
            }
        }
        return blocks
    }

    /// What the other items of a group's pairs are drawn from.
    package func candidates(group: Int, _ itemGroups: [UInt8], _ random: inout SeededGenerator) -> [Int32] {
        let members = itemGroups.indices.filter { Int(itemGroups[$0]) == group }.map { Int32($0) }
        guard case .popularity(let exponent) = negatives else { return members }
        var sums: [Double] = []
        var total = 0.0
        for item in members {
            total += pow(Double(counts[Int(item)]), exponent)
            sums.append(total)
        }
        return (0..<Self.drawnCandidates).map { _ in
            let target = random.nextUniform() * total
            var (low, high) = (0, members.count - 1)
            while low < high {
                let middle = (low + high) / 2
                if sums[middle] <= target { low = middle + 1 } else { high = middle }
            }
            return members[low]
        }
    }
}
