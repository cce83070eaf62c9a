import Tensor
import Testing

@testable import MarketingML

@Suite struct StratifiedGroupTests {
    /// The numbers of Tests/Reference/stratified_groups.py.
    private func sequence(_ seed: Int, _ count: Int, below bound: Int) -> [Int] {
        var state = seed
        return (0..<count).map { _ in
            state = (state * 1_103_515_245 + 12345) % (1 << 31)
            return (state >> 16) % bound
        }
    }

    @Test(arguments: [
        (1, 60, 2, 17, 3, "212101012111112100220020220002020002021221110121201011112201"),
        (
            2, 83, 3, 30, 5,
            "01121030240013040323000202411241213213114421414200144200313133023230344003104442321"
        ),
        (3, 40, 2, 12, 4, "0132013122003331221101221013310320100302"),
    ])
    func asScikitLearn(
        _ seed: Int, _ rows: Int, _ classes: Int, _ groups: Int, _ folds: Int, _ expected: String
    ) {
        let group = sequence(seed, rows, below: groups)
        let label = zip(sequence(seed + 100, rows, below: 7), group).map { ($0 + $1) % 5 % classes }
        let members = rowsByValue(group).sorted { $0.value < $1.value }.map(\.rows)
        let found = Folds.assignment(of: members, classes: label, classCount: classes, count: folds)
        #expect(found.map(String.init).joined() == expected)
    }

    @Test func groupsStayTogetherAndSharesAlike() throws {
        let groups = sequence(7, 2000, below: 180)
        let labels = zip(sequence(8, 2000, below: 10), groups).map { $0 < 2 || $1 % 9 == 0 ? "yes" : "no" }
        let folds = try Folds.stratified(labels, groups: groups, count: 5, seed: 3)
        #expect(folds.folds.flatMap(\.test).sorted() == Array(0..<2000))
        let share = Double(labels.count { $0 == "yes" }) / 2000
        for fold in folds.folds {
            #expect(Set(fold.train.map { groups[$0] }).isDisjoint(with: fold.test.map { groups[$0] }))
            #expect(fold.train == (0..<2000).filter { !Set(fold.test).contains($0) })
            let found = Double(fold.test.count { labels[$0] == "yes" }) / Double(fold.test.count)
            #expect(abs(found - share) < 0.03)
        }
        #expect(try Folds.stratified(labels, groups: groups, count: 5, seed: 3) == folds)
        #expect(try Folds.stratified(labels, groups: groups, count: 5, seed: 4) != folds)
    }

    @Test func impossibleFoldsAreReported() {
        func code(_ labels: [Int], _ groups: [Int], _ count: Int) -> MarketingMLError.Code? {
            #expect(throws: MarketingMLError.self) {
                try Folds.stratified(labels, groups: groups, count: count, seed: 1)
            }?.code
        }
        #expect(code([0, 1], [0, 1], 1) == .invalidOption)
        #expect(code([0, 1, 1], [0, 1], 2) == .shapeMismatch)
        #expect(code([0, 1, 0], [0, 0, 0], 2) == .emptyData)
        #expect(code([0, 1, 1, 0], [0, 0, 0, 1], 2) == .emptyData)
    }
}
