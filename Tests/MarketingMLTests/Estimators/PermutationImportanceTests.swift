import TestSupport
import Testing

@testable import MarketingML

@Suite struct PermutationImportanceTests {
    @Test func findsWhatMatters() throws {
        let data = Example.overlapping(300)
        let model = try CentroidClassifier().fit(data.features, data.labels)
        let importances = try model.permutationImportance(data.features, data.labels, seed: 3)
        #expect(importances.map(\.group.name).first == "feature 0")
        #expect(importances[0].importance.value > 0.1)
        let interval = try #require(importances[0].importance.interval)
        #expect(interval.lower > 0.03 && interval.lower < importances[0].importance.value)
        #expect(interval.upper > importances[0].importance.value)
        for other in importances.dropFirst() {
            #expect(abs(other.importance.value) < 0.05)
            #expect(try #require(other.importance.interval).contains(0))
        }
        // The loss of a metric that is better when small has the same sign; groups move together.
        let groups = [
            FeatureGroup(name: "noise", columns: [1, 2]), FeatureGroup(name: "all", columns: [0, 1, 2]),
        ]
        let grouped = try model.permutationImportance(
            data.features, data.labels, scoring: .accuracy, groups: groups)
        #expect(grouped.map(\.group.name) == ["all", "noise"])

        let threads = ThreadPool.threadCount
        ThreadPool.threadCount = 1
        let serial = try model.permutationImportance(data.features, data.labels, seed: 3)
        ThreadPool.threadCount = threads
        #expect(serial == importances)
    }

    /// Dense, single and sparse features are permuted alike.
    @Test func permuting() throws {
        var random = SeededGenerator(seed: 1)
        let values = (0..<60).map { _ in random.next(below: 3) == 0 ? Float(random.nextUniform()) : 0 }
        let dense = Tensor<Float>(shape: [12, 5], values)
        let order = random.permutation(12)
        let expected = (0..<12).flatMap { row in
            (0..<5).map { column in dense[[1, 3].contains(column) ? order[row] : row, column] }
        }
        let moved = Features.float(dense).permuting([3, 1], by: order)
        #expect(moved == .float(Tensor(shape: [12, 5], expected)))
        guard case .sparse(let sparse) = Features.sparse(SparseMatrix(dense)).permuting([3, 1], by: order)
        else {
            Issue.record("no longer sparse")
            return
        }
        #expect(sparse == SparseMatrix(Tensor(shape: [12, 5], expected)))
    }

    @Test func regressions() throws {
        let targets = (0..<50).map { Double($0) }
        let features = Tensor<Double>(
            shape: [50, 2], (0..<100).map { place -> Double in place % 2 == 0 ? Double(place / 2) : 1 })
        let model = try ScaledRegressor(factor: 1).fitRegressor(
            features, targets, weights: nil, progress: nil)
        let importances = try model.permutationImportance(features, targets, scoring: .rootMeanSquaredError)
        #expect(importances.map(\.group.columns) == [[0], [1]])
        #expect(importances[0].importance.value > 10 && importances[1].importance.value == 0)
    }

    @Test func errors() throws {
        let data = Example.overlapping(30)
        let model = try CentroidClassifier().fit(data.features, data.labels)
        #expect(throws: MarketingMLError.self) {
            try model.permutationImportance(data.features, data.labels, repeats: 0)
        }
        #expect(throws: MarketingMLError.self) {
            try model.permutationImportance(
                data.features, data.labels, groups: [FeatureGroup(name: "none", columns: [3])])
        }
        #expect(throws: MarketingMLError.self) {
            try model.permutationImportance(data.features, data.labels, scoring: .logLoss)
        }
    }
}
