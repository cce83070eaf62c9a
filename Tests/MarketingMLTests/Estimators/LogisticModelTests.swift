import Foundation
import MarketingML
import TestSupport
import Testing

@Suite struct LogisticModelTests {
    private func data(_ count: Int = 40, classes: Int = 2) -> (x: Tensor<Double>, labels: [String]) {
        var random = SeededGenerator(seed: 11)
        var (values, labels): ([Double], [String]) = ([], [])
        let names = ["stay", "churn", "maybe"]
        for _ in 0..<count {
            let row = (0..<3).map { _ in Double(Float(Double(random.next(below: 2001)) / 1000 - 1)) }
            let noise = Double(random.next(below: 2001)) / 1000 - 1
            let score = row[0] - 0.5 * row[1] + noise
            labels.append(
                names[classes == 2 ? (score > 0.2 ? 1 : 0) : score > 0.5 ? 1 : score < -0.3 ? 0 : 2])
            values += row
        }
        return (Tensor(shape: [count, 3], values), labels)
    }

    private func expectCode(
        _ code: MarketingMLError.Code, _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () throws -> Void
    ) {
        do {
            try body()
            Issue.record("\(what): nothing was thrown", sourceLocation: sourceLocation)
        } catch let error as MarketingMLError {
            #expect(error.code == code, "\(what): \(error)", sourceLocation: sourceLocation)
        } catch {
            Issue.record("\(what): \(error)", sourceLocation: sourceLocation)
        }
    }

    @Test func badInput() throws {
        let (x, labels) = data()
        let recipe = LogisticRegression()
        for bad in [Double.nan, .infinity, -.infinity] {
            var broken = x
            broken[7, 1] = bad
            expectCode(.notFinite, "feature \(bad)") { _ = try recipe.fit(broken, labels) }
            let single = Tensor<Float>(shape: x.shape, broken.elements.map { Float($0) })
            expectCode(.notFinite, "feature \(bad)") { _ = try recipe.fit(single, labels) }
            var numbers = [Double](repeating: 1, count: 40)
            numbers[3] = bad
            expectCode(.notFinite, "weight \(bad)") { _ = try recipe.fit(x, labels, weights: numbers) }
            expectCode(.notFinite, "offset \(bad)") { _ = try recipe.fit(x, labels, offset: numbers) }
            let model = try recipe.fit(x, labels)
            expectCode(.notFinite, "prediction \(bad)") { _ = try model.predict(broken) }
        }
        expectCode(.emptyData, "no examples") {
            _ = try recipe.fit(Tensor<Double>.zeros([0, 3]), [String]())
        }
        expectCode(.emptyData, "no features") { _ = try recipe.fit(Tensor<Double>.zeros([40, 0]), labels) }
        expectCode(.emptyData, "one class") { _ = try recipe.fit(x, [String](repeating: "a", count: 40)) }
        expectCode(.emptyData, "one class") { _ = try recipe.fit(x, [Int](repeating: 3, count: 40)) }
        expectCode(.shapeMismatch, "labels") { _ = try recipe.fit(x, ["a", "b"]) }
        expectCode(.shapeMismatch, "weights") { _ = try recipe.fit(x, labels, weights: [1]) }
        expectCode(.shapeMismatch, "rank") { _ = try recipe.fit(Tensor<Double>.zeros([40]), labels) }
        expectCode(.invalidOption, "negative weight") {
            _ = try recipe.fit(x, labels, weights: (0..<40).map { $0 == 9 ? -1 : 1 })
        }
        expectCode(.emptyData, "weights 0") {
            _ = try recipe.fit(x, labels, weights: .init(repeating: 0, count: 40))
        }
        expectCode(.emptyData, "class of weight 0") {
            _ = try recipe.fit(x, labels, weights: labels.map { $0 == "stay" ? 0 : 1 })
        }
        for c in [0, -1, Double.nan, .infinity] {
            expectCode(.invalidOption, "C = \(c)") { _ = try LogisticRegression(.l2(c: c)).fit(x, labels) }
        }
        expectCode(.invalidOption, "ratio") {
            _ = try LogisticRegression(.elasticNet(c: 1, ratio: 1.5)).fit(x, labels)
        }
        expectCode(.invalidOption, "lambda") { _ = try LogisticRegression(.lambda(-2)).fit(x, labels) }
        expectCode(.invalidOption, "tolerance") { _ = try LogisticRegression(tolerance: 0).fit(x, labels) }
        expectCode(.invalidOption, "iterations") {
            _ = try LogisticRegression(maximumIterations: 0).fit(x, labels)
        }
        expectCode(.invalidOption, "solver") {
            _ = try LogisticRegression(.l1(c: 1), solver: .newtonCholesky).fit(x, labels)
        }
        expectCode(.invalidOption, "class weight") {
            _ = try LogisticRegression(classWeights: .values([1, 2, 3])).fit(x, labels)
        }
        let three = data(60, classes: 3)
        expectCode(.invalidOption, "Firth") { _ = try LogisticRegression(.firth).fit(three.x, three.labels) }
        expectCode(.invalidOption, "offset") {
            _ = try recipe.fit(three.x, three.labels, offset: .init(repeating: 0, count: 60))
        }
        let model = try recipe.fit(x, labels)
        expectCode(.shapeMismatch, "columns") { _ = try model.predict(Tensor<Double>.zeros([2, 4])) }
        expectCode(.emptyData, "no examples") { _ = try model.predict(Tensor<Double>.zeros([0, 3])) }
        expectCode(.invalidOption, "HC2") { _ = try LogisticRegression(.none).fit(x, labels).summary(.hc2) }
        expectCode(.invalidOption, "level") {
            _ = try LogisticRegression(.none).fit(x, labels).summary(level: 1)
        }
        expectCode(.shapeMismatch, "names") {
            _ = try LogisticRegression(.none).fit(x, labels).summary(names: ["a"])
        }
    }

    @Test func badTargets() throws {
        let (x, _) = data()
        let ones = [Double](repeating: 1, count: 40)
        func with(_ value: Double) -> [Double] { (0..<40).map { $0 == 5 ? value : 1 } }
        for value in [0, -1] {
            expectCode(.invalidOption, "gamma") { _ = try GammaRegression().fit(x, with(Double(value))) }
        }
        expectCode(.invalidOption, "Poisson") { _ = try PoissonRegression().fit(x, with(-1)) }
        expectCode(.notFinite, "Poisson") { _ = try PoissonRegression().fit(x, with(.nan)) }
        expectCode(.emptyData, "Poisson") {
            _ = try PoissonRegression().fit(x, .init(repeating: 0, count: 40))
        }
        expectCode(.invalidOption, "Tweedie") { _ = try TweedieRegression(power: 0.5).fit(x, ones) }
        expectCode(.invalidOption, "Tweedie") { _ = try TweedieRegression(power: .nan).fit(x, ones) }
        expectCode(.shapeMismatch, "Poisson") { _ = try PoissonRegression().fit(x, [1]) }
        expectCode(.invalidOption, "Firth") { _ = try PoissonRegression(.firth).fit(x, ones) }
        expectCode(.emptyData, "ordinal") {
            _ = try OrdinalRegression().fit(x, [Int](repeating: 1, count: 40))
        }
        expectCode(.unknownLabel, "ordinal") {
            _ = try OrdinalRegression().fit(x, (0..<40).map { $0 % 3 }, order: [0, 1])
        }
        expectCode(.emptyData, "ordinal") {
            _ = try OrdinalRegression().fit(x, (0..<40).map { $0 % 3 }, order: [0, 1, 2, 3])
        }
    }

    @Test func reasonsForNoTable() throws {
        let (x, labels) = data()
        func reason(_ x: Tensor<Double>, _ labels: [String], _ penalty: Penalty = .none) throws
            -> InferenceUnavailable?
        {
            let model = try LogisticRegression(penalty).fit(x, labels)
            if let reason = model.inferenceUnavailable { #expect(throws: reason) { try model.summary() } }
            return model.inferenceUnavailable
        }
        #expect(try reason(x, labels) == nil)
        #expect(try reason(x, labels, .l2(c: 1)) == .penalized)
        // One feature separates the classes, or all but a tie.
        let separated = (0..<40).map { x[$0, 1] > 0.1 ? "churn" : "stay" }
        #expect(try reason(x, separated) == .separation(feature: 1))
        let both = (0..<40).map { x[$0, 0] + x[$0, 1] > 0.1 ? "churn" : "stay" }
        #expect(try reason(x, both) == .separation(feature: nil))
        var quasi = x
        for row in 0..<40 { quasi[row, 2] = labels[row] == "churn" && row % 3 == 0 ? 1 : 0 }
        #expect(try reason(quasi, labels) == .separation(feature: 2))
        var three: [String] = []
        for row in 0..<40 { three.append(x[row, 0] > 0.5 ? "a" : row % 2 == 0 ? "b" : "c") }
        #expect(try reason(x, three) == .separation(feature: 0))
        // Firth's estimate is finite all the same.
        let firth = try LogisticRegression(.firth).fit(x, separated)
        #expect(firth.report.isConverged && firth.inferenceUnavailable == nil)
        var repeated = x
        for row in 0..<40 { repeated[row, 2] = 2 * x[row, 0] - x[row, 1] }
        let dependent = try #require(try reason(repeated, labels))
        guard case .rankDeficient = dependent else {
            Issue.record("\(dependent)")
            return
        }
        var constant = x
        for row in 0..<40 { constant[row, 1] = 7.3 }
        #expect(try reason(constant, labels) == .rankDeficient(feature: 1))
        let stopped = try LogisticRegression(.none, maximumIterations: 1).fit(x, labels)
        #expect(stopped.report.stopReason == .iterationLimit && stopped.inferenceUnavailable == .notConverged)
    }

    @Test func stopping() throws {
        let (x, labels) = data()
        var events: [ProgressEvent] = []
        let stopped = try LogisticRegression(.l2(c: 1)).fit(x, labels) { event in
            events.append(event)
            return events.count < 3 ? .continue : .stop
        }
        #expect(stopped.report.stopReason == .stopped && stopped.report.iterations == 2)
        #expect(events.map(\.step) == [0, 1, 2])
        let losses = events.compactMap(\.loss)
        #expect(zip(losses, losses.dropFirst()).allSatisfy { $0 > $1 })
        for solver in [LinearModelSolver.lbfgs, .coordinateDescent] {
            let early = try LogisticRegression(.l2(c: 1), solver: solver, maximumIterations: 1).fit(x, labels)
            #expect(early.report.stopReason == .iterationLimit)
            let stopped = try LogisticRegression(.l2(c: 1), solver: solver).fit(x, labels) { _ in .stop }
            #expect(stopped.report.stopReason == .stopped && stopped.report.iterations == 0)
        }
    }

    @Test func warmStart() throws {
        for classes in [2, 3] {
            let (x, labels) = data(80, classes: classes)
            for penalty in [Penalty.l2(c: 1), .none, .l1(c: 1)] {
                let cold = try LogisticRegression(penalty).fit(x, labels)
                let warm = try LogisticRegression(penalty).fit(x, labels, startingFrom: cold)
                #expect(warm.report.iterations <= 1, "\(penalty): \(warm.report)")
                for (a, b) in zip(warm.coefficients, cold.coefficients) { expectClose(a, b, absolute: 1e-6) }
            }
            let other = try LogisticRegression(.l2(c: 0.1)).fit(x, labels)
            let warm = try LogisticRegression(.l2(c: 1)).fit(x, labels, startingFrom: other)
            let cold = try LogisticRegression(.l2(c: 1)).fit(x, labels)
            for (a, b) in zip(warm.coefficients, cold.coefficients) { expectClose(a, b, absolute: 1e-6) }
        }
    }

    @Test func predictions() throws {
        for classes in [2, 3] {
            let (x, labels) = data(60, classes: classes)
            let model = try LogisticRegression(.none).fit(x, labels)
            let p = try model.probabilities(of: x)
            let decisions = try model.decisionValues(of: x)
            let predicted = try model.predict(x)
            #expect(model.classes.labels == (classes == 2 ? ["churn", "stay"] : ["churn", "maybe", "stay"]))
            for row in 0..<60 {
                let own = (0..<classes).map { p[row, $0] }
                let sum = own.reduce(0, +)
                #expect(abs(sum - 1) < 1e-14)
                let best = own.indices.max { own[$0] < own[$1] } ?? 0
                #expect(predicted[row] == model.classes[best])
                // One alone gives the same bits as all together.
                #expect(try model.probabilities(of: x.rows([row])).elements == own)
            }
            #expect(decisions.shape == (classes == 2 ? [60] : [60, 3]))
            let loss = labels.indices.reduce(0.0) {
                $0 - 2 * log(p[$1, model.classes.index(of: labels[$1]) ?? 0])
            }
            #expect(abs(loss - model.deviance) < 1e-9 * loss)
        }
    }

    /// The order of rows matters to rounding only, weights of 2 are rows twice, of 0 rows left out.
    @Test func rowsAndWeights() throws {
        let (x, labels) = data(50)
        let model = try LogisticRegression(.l2(c: 1)).fit(x, labels)
        let order = (0..<50).map { ($0 * 17 + 3) % 50 }
        let moved = try LogisticRegression(.l2(c: 1)).fit(x.rows(order), order.map { labels[$0] })
        expectClose(moved.coefficients[0], model.coefficients[0], absolute: 1e-10)
        let counts = (0..<50).map { $0 % 3 }
        let repeated = (0..<50).flatMap { [Int](repeating: $0, count: counts[$0]) }
        for penalty in [Penalty.l2(c: 1), .none, .l1(c: 1), .firth] {
            let weighted = try LogisticRegression(penalty).fit(x, labels, weights: counts.map { Double($0) })
            let plain = try LogisticRegression(penalty).fit(x.rows(repeated), repeated.map { labels[$0] })
            expectClose(weighted.coefficients[0], plain.coefficients[0], absolute: 1e-6, "\(penalty)")
        }
        let before = ThreadPool.threadCount
        defer { ThreadPool.threadCount = before }
        let large = Tensor<Float>.randomNormal([6000, 5], seed: 3)
        let targets = (0..<6000).map { large[$0, 0] + large[$0, 1] * large[$0, 2] > 0 ? 1 : 0 }
        ThreadPool.threadCount = 1
        let one = try LogisticRegression().fit(large, targets)
        ThreadPool.threadCount = 2
        #expect(try LogisticRegression().fit(large, targets) == one)
    }

    private func saved<Model: SavableModel & Equatable>(_ model: Model, mutations: Int = 250) throws {
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/model.safetensors")
            try model.save(to: url)
            #expect(try Model(url) == model)
            let bytes = Array(try Data(contentsOf: url))
            let damaged = URL(fileURLWithPath: folder + "/damaged.safetensors")
            try forEachMutation(of: bytes, count: mutations) { bytes in
                try Data(bytes).write(to: damaged)
                do {
                    _ = try Model(damaged)
                } catch is MarketingMLError {}
            }
        }
    }

    @Test func files() throws {
        let (x, labels) = data(60), three = data(60, classes: 3)
        try saved(try LogisticRegression(.none).fit(x, labels))
        try saved(try LogisticRegression(.l2(c: 1)).fit(three.x, three.labels), mutations: 100)
        try saved(try LogisticRegression(.none).fit(three.x, three.labels), mutations: 100)
        let counts = (0..<60).map { Double($0 % 4) }
        try saved(try PoissonRegression().fit(x, counts))
        try saved(try TweedieRegression(power: 1.5, .l2(c: 2)).fit(x, counts), mutations: 100)
        try saved(try OrdinalRegression().fit(x, counts.map { Int($0) }))
        let model = try LogisticRegression().fit(x, labels)
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/m")
            try model.save(to: url)
            expectCode(.unknownLabel, "another label type") { _ = try LogisticModel<Int>(url) }
            expectCode(.unsupported, "another kind") { _ = try GeneralizedLinearModel(url) }
            expectCode(.fileNotFound, "no file") {
                _ = try LogisticModel<String>(URL(fileURLWithPath: folder + "/none"))
            }
        }
    }

    @Test func recipesAsValues() throws {
        let (x, labels) = data()
        let recipes: [any Classifier] = [
            LogisticRegression(), LogisticRegression(.l1(c: 2)), OrdinalRegression(),
        ]
        for recipe in recipes {
            let model = try recipe.fitClassifier(x, labels, weights: nil, progress: nil)
            #expect(try model.predict(x).count == 40)
        }
        let regressors: [any Regressor] = [
            PoissonRegression(), GammaRegression(.l2(c: 1)), TweedieRegression(power: 1.3),
        ]
        for recipe in regressors {
            let model = try recipe.fitRegressor(
                x, (0..<40).map { 1 + Double($0 % 5) }, weights: nil, progress: nil)
            #expect(try model.predict(x).allSatisfy { $0 > 0 })
        }
        #expect(
            recipes.map(\.name) == [
                "logistic regression (L2, C = 1.0)", "logistic regression (L1, C = 2.0)",
                "ordinal regression (no penalty)",
            ])
    }
}
