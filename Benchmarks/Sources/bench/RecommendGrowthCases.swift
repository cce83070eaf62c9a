import Foundation
import MarketingML
import Recommend

/// An iteration of ALS, and the memory it takes, as the data grow: `als_growth/500k`, `5m`, `50m`. A hundred interactions a user, a
/// fifth as many items as users; few items are taken by many.
struct RecommendGrowthCase: BenchmarkCase {
    let users: Int
    let name: String

    static let all = [
        RecommendGrowthCase(users: 5_000, name: "als_growth/500k"),
        RecommendGrowthCase(users: 50_000, name: "als_growth/5m"),
        RecommendGrowthCase(users: 500_000, name: "als_growth/50m"),
    ]

    func measure(repeats: Int) throws -> Measurement {
        let clock = ContinuousClock()
        let data = try generated()
        var last = clock.now
        var runs: [Double] = []
        let recipe = ImplicitALS<Int, Int>.huKorenVolinsky(
            factors: 64, regularization: 0.05, iterations: max(3, repeats))
        _ = try recipe.fit(data) { _ in
            runs.append((clock.now - last) / .seconds(1))
            last = clock.now
            return .continue
        }
        // The first one holds what is done once.
        return Measurement(
            runs: Array(runs.dropFirst()), throughput: { ["ratings_per_s": Double(data.count) / $0] },
            quality: ["interactions": Double(data.count)])
    }

    /// User after user straight into the rows of the sparse matrix: nothing else is held.
    private func generated() throws -> Interactions<Int, Int> {
        let items = users / 5
        var random = SeededGenerator(seed: 1)
        var offsets = [0]
        var columns: [Int32] = []
        columns.reserveCapacity(users * 100)
        offsets.reserveCapacity(users + 1)
        for _ in 0..<users {
            var taken: Set<Int32> = []
            while taken.count < min(100, items / 2) {
                // Density falls with the square root of the item's number.
                let draw = random.nextUniform()
                taken.insert(Int32(Double(items) * draw * draw))
            }
            columns += taken.sorted()
            offsets.append(columns.count)
        }
        return Interactions(
            matrix: try SparseMatrix(
                rowCount: users, columnCount: items, rowOffsets: offsets, columnIndices: columns,
                values: [Float](repeating: 1, count: columns.count)))
    }
}
