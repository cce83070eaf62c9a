import Synchronization
import TestSupport
import Testing

@testable import MarketingML

@Suite struct SelectionTests {
    /// The same figures as fitting each fold by hand, and each example predicted by the model that has not seen it.
    @Test func crossValidationByHand() throws {
        let data = Example.overlapping(150)
        let folds = try Folds.stratified(data.labels, count: 5, seed: 2)
        let judged = try crossValidate(
            CentroidClassifier(), data.features, data.labels, folds: folds, scoring: [.rocAUC, .accuracy])
        var areas: [Double] = []
        var decisions = [Double](repeating: .nan, count: 150)
        for fold in folds.folds {
            let model = try CentroidClassifier().fit(
                data.features.rows(fold.train), fold.train.map { data.labels[$0] })
            let values = try model.decisionValues(of: data.features.rows(fold.test)).elements
            let positives = fold.test.map { data.labels[$0] == "yes" }
            let area = try ROC.area(scores: values, isPositive: positives)
            areas.append(try #require(area))
            for (row, value) in zip(fold.test, values) { decisions[row] = value }
        }
        #expect(judged.scores[0].values == areas)
        #expect(judged[.rocAUC] == judged.scores[0] && judged[.f1] == nil)
        #expect(judged.rows == Array(0..<150))
        #expect(judged.outOfFold.decisionValues == decisions)
        #expect(judged.outOfFold.truth == data.labels.map { $0 == "yes" ? 1 : 0 })
        #expect(judged.isComplete)
        let mean = areas.reduce(0, +) / 5
        let variance = areas.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4
        expectClose([judged.scores[0].mean], [mean], relative: 1e-15)
        expectClose([judged.scores[0].standardError], [(variance / 5).squareRoot()], relative: 1e-14)
    }

    @Test func foldsByTimeLeaveTheFirstBlockOut() throws {
        let data = Example.overlapping(120)
        let folds = try Folds.byTime((0..<120).map { Double($0) }, count: 3)
        let judged = try crossValidate(CentroidClassifier(), data.features, data.labels, folds: folds)
        #expect(judged.rows == Array(30..<120))
        #expect(judged.outOfFold.count == 90)
    }

    @Test func gridChoosesTheFeatureThatSays() throws {
        let data = Example.overlapping(300)
        let candidates: [any Classifier] = [
            CentroidClassifier(feature: 1), CentroidClassifier(feature: 0), CentroidClassifier(feature: 2),
        ]
        let search = GridSearch(over: candidates, folds: 5, scoring: .rocAUC, seed: 1)
        let best = try search.fit(data.features, data.labels)
        #expect(best.results.chosenIndex == 1)
        #expect(best.recipe.name == "centroids of feature 0")
        #expect(best.results.candidates.map(\.scores.values.count) == [5, 5, 5])
        #expect(best.classes.labels == ["no", "yes"] && best.featureCount == 3)
        // Refitted on all.
        let direct = try CentroidClassifier(feature: 0).fit(data.features, data.labels)
        #expect(
            try best.decisionValues(of: data.features) == direct.decisionValues(of: data.features))
        #expect(try best.predict(data.features) == direct.predict(data.features))
        #expect(best.results.description.contains("* centroids of feature 0"))

        let threads = ThreadPool.threadCount
        ThreadPool.threadCount = 1
        let serial = try search.fit(data.features, data.labels)
        ThreadPool.threadCount = threads
        #expect(serial.results == best.results)

        // The sparse and the single-precision form of the same features.
        let single = data.features.elements.map { Float($0) }
        let floats = Tensor<Float>(shape: [300, 3], single)
        let sparse = try search.fit(SparseMatrix(floats), data.labels)
        #expect(sparse.results == (try search.fit(floats, data.labels)).results)

        // The search is a recipe: nested cross-validation.
        let nested = try crossValidate(
            search, data.features, data.labels, folds: .stratified(data.labels, count: 3, seed: 4))
        #expect(nested.scores[0].mean > 0.7)
    }

    @Test func losses() throws {
        let targets = (0..<40).map { 2 * Double($0) }
        let features = Tensor<Double>(shape: [40, 1], (0..<40).map { Double($0) })
        let candidates: [any Regressor] = [1.0, 1.9, 2, 2.5].map { ScaledRegressor(factor: $0) }
        for scoring in [Scoring.rSquared, .rootMeanSquaredError, .meanAbsoluteError] {
            let best = try GridSearch(over: candidates, folds: 4, scoring: scoring).fit(features, targets)
            #expect(best.results.chosenIndex == 2)
            #expect(try best.predict(features) == targets)
        }
        let judged = try crossValidate(
            ScaledRegressor(factor: 1.9), features, targets, folds: .plain(count: 40, folds: 4, seed: 1))
        expectClose(judged.outOfFold.predictions, targets.map { 0.95 * $0 }, relative: 1e-15)
    }

    @Test func oneStandardError() {
        func candidate(_ name: String, _ values: [Double]) -> SelectionResults.Candidate {
            .init(name: name, scores: FoldScores(scoring: .rocAUC, values: values))
        }
        let candidates = [
            candidate("far", [0.5, 0.5, 0.5]), candidate("near", [0.78, 0.8, 0.82]),
            candidate("best", [0.75, 0.81, 0.9]),
        ]
        let best = SelectionResults(candidates, rule: .best, isComplete: true)
        #expect(best.bestIndex == 2 && best.chosenIndex == 2)
        let simple = SelectionResults(candidates, rule: .oneStandardError, isComplete: true)
        #expect(simple.bestIndex == 2 && simple.chosenIndex == 1)
    }

    @Test func randomSearchDrawsFromItsSeed() throws {
        let data = Example.overlapping(120)
        func search(_ seed: UInt64) -> RandomSearch<any Classifier> {
            RandomSearch(draws: 6, folds: 3, seed: seed) { CentroidClassifier(feature: $0.next(below: 3)) }
        }
        let first = try search(5).fit(data.features, data.labels)
        #expect(first.results == (try search(5).fit(data.features, data.labels)).results)
        #expect(first.results.candidates.count == 6)
        #expect(search(5).drawn.candidates.map(\.name) != search(6).drawn.candidates.map(\.name))
        var random = SeededGenerator(seed: 1)
        let numbers = (0..<1000).map { _ in random.nextLogUniform(in: 0.01...100) }
        #expect(numbers.allSatisfy { 0.01...100 ~= $0 })
        #expect(450...550 ~= numbers.count { $0 < 1 })
    }

    @Test func weightsReachFitAndJudgement() throws {
        let data = Example.overlapping(90)
        // Examples of weight 0 might as well not be there.
        let weights = (0..<90).map { $0 % 5 == 0 ? 0.0 : 1 }
        let kept = (0..<90).filter { weights[$0] > 0 }
        let all = try Folds.stratified(data.labels, count: 3, seed: 1)
        let place = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
        let some = Folds(
            all.folds.map {
                Fold(train: $0.train.compactMap { place[$0] }, test: $0.test.compactMap { place[$0] })
            })
        let weighted = try crossValidate(
            CentroidClassifier(), data.features, data.labels, folds: all, scoring: [.rocAUC, .accuracy],
            weights: weights)
        let without = try crossValidate(
            CentroidClassifier(), data.features.rows(kept), kept.map { data.labels[$0] }, folds: some,
            scoring: [.rocAUC, .accuracy])
        for (a, b) in zip(weighted.scores, without.scores) {
            expectClose(a.values, b.values, relative: 1e-12)
        }
    }

    @Test func progressAndStopping() throws {
        let data = Example.overlapping(90)
        let candidates: [any Classifier] = [CentroidClassifier(feature: 0), CentroidClassifier(feature: 1)]
        var events: [ProgressEvent] = []
        let whole = try GridSearch(over: candidates, folds: 5).fit(data.features, data.labels) {
            events.append($0)
            return .continue
        }
        #expect(events.map(\.step) == Array(1...10) && events.allSatisfy { $0.total == 10 })
        #expect(whole.results.isComplete)
        // Stopped after five fits: at least one whole fold, not all.
        let part = try GridSearch(over: candidates, folds: 5).fit(data.features, data.labels) {
            $0.step >= 5 ? .stop : .continue
        }
        #expect(!part.results.isComplete)
        #expect(1...2 ~= part.results.candidates[0].scores.values.count)
        #expect(throws: CancellationError.self) {
            try GridSearch(over: candidates, folds: 5).fit(data.features, data.labels) { _ in .stop }
        }
    }

    @Test func cancellation() async throws {
        let data = Example.overlapping(60)
        let fits = Mutex(0)
        let running = Mutex<Task<Int, any Error>?>(nil)
        // The tenth fit cancels the task that it belongs to.
        let candidates: [any Classifier] = (0..<200).map { _ in
            CentroidClassifier(onFit: {
                let count = fits.withLock { fits in
                    fits += 1
                    return fits
                }
                if count == 10 { running.withLock { $0?.cancel() } }
            })
        }
        let task = Task {
            while running.withLock({ $0 == nil }) { await Task.yield() }
            return try GridSearch(over: candidates, folds: 5).fit(data.features, data.labels).results
                .chosenIndex
        }
        running.withLock { $0 = task }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(fits.withLock { $0 } < 1000)
    }

    @Test func errors() throws {
        let data = Example.overlapping(60)
        let none: [any Classifier] = []
        let one: [any Classifier] = [CentroidClassifier()]
        expectFailure(.invalidOption) { _ = try GridSearch(over: none).fit(data.features, data.labels) }
        expectFailure(.shapeMismatch) { _ = try GridSearch(over: one).fit(data.features, ["a"]) }
        expectFailure(.invalidOption) {
            _ = try GridSearch(over: one, scoring: .rSquared).fit(data.features, data.labels)
        }
        // Centroids have no probabilities.
        expectFailure(.invalidOption) {
            _ = try GridSearch(over: one, scoring: .logLoss).fit(data.features, data.labels)
        }
        expectFailure(.emptyData) { _ = try GridSearch(over: one, folds: 70).fit(data.features, data.labels) }
        expectFailure(.invalidOption) {
            _ = try GridSearch(over: one).fit(
                data.features, data.labels, weights: [-1] + [Double](repeating: 1, count: 59))
        }
        // A class that a training part lacks.
        let sorted = Folds([Fold(train: Array(0..<30), test: Array(30..<60))])
        let labels = (0..<60).map { $0 < 45 ? "a" : "b" }
        expectFailure(.emptyData) {
            _ = try crossValidate(CentroidClassifier(), data.features, labels, folds: sorted)
        }
        struct Broken: Error {}
        let broken = CentroidClassifier(onFit: { throw Broken() })
        #expect(throws: Broken.self) {
            try GridSearch(over: [CentroidClassifier(), broken]).fit(data.features, data.labels)
        }
    }
}
