import MarketingML
import Tensor
import Testing

@Suite struct FoldsTests {
    private func expectPartition(_ folds: Folds, _ n: Int) {
        #expect(folds.folds.flatMap(\.test).sorted() == Array(0..<n))
        for fold in folds.folds {
            #expect((fold.train + fold.test).sorted() == Array(0..<n))
            #expect(fold.train == fold.train.sorted() && fold.test == fold.test.sorted())
        }
    }

    @Test func plainFoldsDivideTheRowsEvenly() throws {
        for (n, count) in [(2, 2), (10, 3), (101, 5), (7, 7)] {
            let folds = try Folds.plain(count: n, folds: count, seed: 3)
            expectPartition(folds, n)
            let sizes = folds.folds.map(\.test.count)
            #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
        }
        let (a, b) = (
            try Folds.plain(count: 50, folds: 5, seed: 1), try Folds.plain(count: 50, folds: 5, seed: 2)
        )
        #expect(a != b)
        #expect(try Folds.plain(count: 50, folds: 5, seed: 1) == a)
    }

    @Test func stratifiedFoldsKeepTheSharesOfLabels() throws {
        var random = SeededGenerator(seed: 5)
        let labels = (0..<203).map { _ in ["a", "b", "b", "b", "c", "c"][random.next(below: 6)] }
        let folds = try Folds.stratified(labels, count: 7, seed: 1)
        expectPartition(folds, labels.count)
        for label in ["a", "b", "c"] {
            let counts = folds.folds.map { fold in fold.test.count { labels[$0] == label } }
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1, "\(label): \(counts)")
        }
        let sizes = folds.folds.map(\.test.count)
        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    }

    @Test func aLabelThatWouldBeMissingFromAFoldIsReported() {
        let error = #expect(throws: MarketingMLError.self) {
            try Folds.stratified([1, 1, 1, 1, 1, 0, 0], count: 3, seed: 1)
        }
        #expect(error?.code == .emptyData && error?.message.contains("label 0 has 2 examples") == true)
    }

    @Test func groupsAreNeverDivided() throws {
        var random = SeededGenerator(seed: 9)
        let groups = (0..<400).map { _ in random.next(below: 37) * random.next(below: 3) }
        let folds = try Folds.grouped(groups, count: 4, seed: 2)
        expectPartition(folds, groups.count)
        for fold in folds.folds {
            #expect(Set(fold.train.map { groups[$0] }).isDisjoint(with: fold.test.map { groups[$0] }))
        }
        // The group 0 has about a third of the rows; the other three folds share the rest evenly.
        let sizes = folds.folds.map(\.test.count).sorted()
        #expect(sizes[2] - sizes[0] <= 12, "\(sizes)")
    }

    @Test func timeOnlyLooksBack() throws {
        var random = SeededGenerator(seed: 4)
        let times = (0..<230).map { _ in Double(random.next(below: 60)) }
        let folds = try Folds.byTime(times, count: 5)
        #expect(folds.count == 5)
        for fold in folds.folds {
            let latest = fold.train.map { times[$0] }.max() ?? .infinity
            #expect(latest < fold.test.map { times[$0] }.min() ?? -.infinity)
        }
        #expect(
            zip(folds.folds, folds.folds.dropFirst()).allSatisfy { ($0.train + $0.test).sorted() == $1.train }
        )
        #expect(try Folds.byTime([3, 1, 2], count: 2).folds.map(\.test) == [[2], [0]])
    }

    @Test func impossibleFoldsAreReported() {
        #expect(throws: MarketingMLError.self) { try Folds.plain(count: 10, folds: 1, seed: 1) }
        #expect(throws: MarketingMLError.self) { try Folds.plain(count: 3, folds: 4, seed: 1) }
        #expect(throws: MarketingMLError.self) { try Folds.grouped([1, 1, 1], count: 2, seed: 1) }
        #expect(throws: MarketingMLError.self) { try Folds.byTime([1, 1, 1, 2], count: 2) }
        #expect(throws: MarketingMLError.self) { try Folds.byTime([1, .nan, 1, 2], count: 2) }
        #expect(throws: MarketingMLError.self) { try Folds.byTime([1, 2], count: 0) }
    }

    @Test func splits() throws {
        var random = SeededGenerator(seed: 6)
        let n = 331
        let groups = (0..<n).map { _ in random.next(below: 60) }
        let times = (0..<n).map { _ in Double(random.next(below: 90)) }
        let labels = groups.map { $0 % 7 == 0 }
        let plain = try Split.plain(count: n, validation: 0.1, test: 0.25, seed: 1)
        let stratified = try Split.stratified(labels, validation: 0.1, test: 0.25, seed: 1)
        let grouped = try Split.grouped(groups, validation: 0.1, test: 0.25, seed: 1)
        let byTime = try Split.byTime(times, validation: 0.1, test: 0.25)
        for (split, slack) in [(plain, 0), (stratified, 0), (grouped, 6), (byTime, 8)] {
            #expect((split.train + split.validation + split.test).sorted() == Array(0..<n))
            #expect(abs(split.test.count - 83) <= slack && abs(split.validation.count - 33) <= slack)
        }
        let share = Double(labels.count { $0 }) / Double(n)
        #expect(abs(Double(stratified.test.count { labels[$0] }) - share * 83) <= 1)
        let inTest = Set(grouped.test.map { groups[$0] })
        #expect(inTest.isDisjoint(with: (grouped.train + grouped.validation).map { groups[$0] }))
        func ends(_ rows: [Int]) -> (Double, Double) {
            (rows.map { times[$0] }.min() ?? 0, rows.map { times[$0] }.max() ?? 0)
        }
        #expect(ends(byTime.train).1 < ends(byTime.validation).0)
        #expect(ends(byTime.validation).1 < ends(byTime.test).0)
        #expect(throws: MarketingMLError.self) {
            try Split.plain(count: 9, validation: 0.5, test: 0.5, seed: 1)
        }
        #expect(throws: MarketingMLError.self) { try Split.grouped([1, 1, 1], test: 0.5, seed: 1) }
        #expect(throws: MarketingMLError.self) { try Split.byTime([1, 1, 1], test: 0.5) }
    }
}
