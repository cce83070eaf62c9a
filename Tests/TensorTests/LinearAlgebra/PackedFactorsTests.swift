import Testing

@testable import Tensor

/// The best rows found by their norms against all scores sorted: exactly the same lists.
@Suite struct PackedFactorsTests {
    private static let width = 16

    /// Rows of very different length, some twice, some zero.
    private static func factors(_ rows: Int, isFlat: Bool = false) -> Tensor<Float> {
        var random = SeededGenerator(seed: 9)
        var values: [Float] = []
        for row in 0..<rows {
            if row % 11 == 10 {
                values += values.suffix(width)
                continue
            }
            let length = isFlat ? 1 : row % 17 == 3 ? 0 : 2 / Float(1 + random.next(below: 60))
            values += (0..<width).map { _ in length * (Float(random.next(below: 2001)) / 1000 - 1) }
        }
        return Tensor(shape: [rows, width], values)
    }

    private func expected(_ scores: [Float], count: Int) -> [(Int32, Float)] {
        let order = scores.indices.filter { scores[$0] > -.infinity }.sorted {
            (-scores[$0], $0) < (-scores[$1], $1)
        }
        return order.prefix(count).map { (Int32($0), scores[$0]) }
    }

    private func check(
        _ factors: Tensor<Float>, _ queries: Tensor<Float>, _ range: Range<Int>, offsets: [Float]?,
        excluded: SparseMatrix<Float>?, count: Int, _ what: String
    ) {
        let packed = PackedFactors(factors)
        let found = packed.top(of: queries, range, offsets: offsets, excluded: excluded, count: count)
        #expect(found.offsets.count == range.count + 1)
        for (place, query) in range.enumerated() {
            let row = queries.rows(at: [query]).elements
            var scores = packed.scores(row)
            if let offsets { for index in scores.indices { scores[index] += offsets[index] } }
            if let excluded {
                for element in excluded.rowOffsets[query]..<excluded.rowOffsets[query + 1] {
                    scores[Int(excluded.columnIndices[element])] = -.infinity
                }
            }
            let list = found.range(place)
            let best = expected(scores, count: count)
            #expect(Array(found.indices[list]) == best.map(\.0), "\(what), query \(query)")
            #expect(Array(found.scores[list]) == best.map(\.1), "\(what), query \(query)")
        }
    }

    @Test(arguments: [1, 7, 384, 385, 3000, 9001], [1, 10, 400]) func sameAsSorting(rows: Int, count: Int)
        throws
    {
        let factors = Self.factors(rows)
        let queries = Self.factors(500, isFlat: true)
        let seen = SparseMatrix<Float>(
            Tensor(
                shape: [500, rows],
                (0..<500 * rows).map { ($0 / rows * 7 + $0 % rows * 3) % 5 == 0 ? 1 : 0 }))
        let offsets = (0..<rows).map { $0 % 13 == 4 ? -Float.infinity : Float($0 % 5) / 10 }
        for range in [0..<1, 17..<20, 0..<97, 0..<500] {
            let few = range.count > 100 ? rows > 3000 : rows > 9000 && range.count > 3
            if few { continue }
            check(factors, queries, range, offsets: nil, excluded: nil, count: count, "plain")
            check(factors, queries, range, offsets: nil, excluded: seen, count: count, "seen")
            check(factors, queries, range, offsets: offsets, excluded: seen, count: count, "offsets")
        }
    }

    /// Rows of one length: none can be left out, and a single query's are dealt to several tasks.
    @Test func nothingToLeaveOut() {
        let factors = Self.factors(12_000, isFlat: true), queries = Self.factors(20, isFlat: true)
        check(factors, queries, 3..<5, offsets: nil, excluded: nil, count: 25, "flat")
    }

    @Test func specialNumbers() {
        var factors = Self.factors(800)
        factors.withUnsafeMutableElements {
            $0[5 * Self.width] = .nan
            $0[700 * Self.width] = .infinity
            $0[701 * Self.width] = -.infinity
        }
        let queries = Self.factors(4, isFlat: true)
        let packed = PackedFactors(factors)
        let found = packed.top(of: queries, 0..<4, offsets: nil, excluded: nil, count: 30)
        for query in 0..<4 {
            let scores = packed.scores(queries.rows(at: [query]).elements)
            #expect(scores[5].isNaN)
            let best = expected(scores.map { $0.isNaN ? -.infinity : $0 }, count: 30)
            #expect(Array(found.indices[found.range(query)]) == best.map(\.0))
        }
        #expect(packed.top(of: queries, 0..<0, offsets: nil, excluded: nil, count: 3).offsets == [0])
        #expect(packed.top(of: queries, 0..<1, offsets: nil, excluded: nil, count: 0).indices.isEmpty)
    }
}
