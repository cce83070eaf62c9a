import Foundation
import TestSupport
import Testing

@testable import Recommend

@Suite struct ImplicitALSTests {
    /// Solves a dense system in Double by Gauss' elimination.
    private func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
        var (a, b) = (matrix, right)
        for i in b.indices {
            for q in i + 1..<b.count {
                let factor = a[q][i] / a[i][i]
                for j in i..<b.count { a[q][j] -= factor * a[i][j] }
                b[q] -= factor * b[i]
            }
        }
        for i in b.indices.reversed() {
            for j in i + 1..<b.count { b[i] -= a[i][j] * b[j] }
            b[i] /= a[i][i]
        }
        return b
    }

    /// Users' rows given the items', from every pair one by one, as the docstring's formula says.
    private func denseUsers(
        _ matrix: SparseMatrix<Float>, _ y: [[Double]], _ options: ALSOptions
    ) -> [[Double]] {
        let size = options.factors
        return (0..<matrix.rowCount).map { user in
            var confidence: [Int: Double] = [:]
            for place in matrix.range(user) {
                confidence[Int(matrix.columnIndices[place])] = Double(matrix.values[place])
            }
            let weight = options.unobservedWeight
            let penalty =
                options.regularization
                * pow(Double(confidence.count) + weight * Double(y.count), options.regularizationExponent)
            var a = [[Double]](repeating: [Double](repeating: 0, count: size), count: size)
            var b = [Double](repeating: 0, count: size)
            for i in 0..<size { a[i][i] = penalty }
            for item in y.indices {
                let pull = options.alpha * (confidence[item] ?? 0)
                let isExcluded = options.excludesSeen && confidence[item] != nil
                let total = pull + (isExcluded ? 0 : weight)
                for i in 0..<size {
                    b[i] += pull * y[item][i]
                    for j in 0..<size { a[i][j] += total * y[item][i] * y[item][j] }
                }
            }
            return solve(a, b)
        }
    }

    private func options(_ recipe: ImplicitALS<String, Int>) -> ALSOptions { ALSOptions(recipe) }

    @Test(arguments: [
        ImplicitALS<String, Int>(factors: 7, regularization: 0.3, alpha: 3, unobservedWeight: 0.2),
        ImplicitALS(
            factors: 18, regularization: 0.01, regularizationExponent: 1, alpha: 1, unobservedWeight: 0.1),
        .huKorenVolinsky(factors: 5, regularization: 0.1, alpha: 2),
    ])
    func halfSweepEqualsDenseSolution(_ recipe: ImplicitALS<String, Int>) throws {
        let data = try SmallData.interactions()
        let options = ALSOptions(recipe)
        let trainer = ALSTrainer(data.matrix, options)
        let items = FactorMatrix.random(
            rows: data.items.count, factors: options.factors, standardDeviation: 0.5, seed: 3, stream: 0)
        let y = data.items.indices.map { items.row($0)[..<options.factors].map(Double.init) }
        let expected = denseUsers(data.matrix, y, options)
        for solver in [ALSSolver.cholesky, .conjugateGradient(steps: 200), .blocks(size: 64)] {
            var users = Tensor<Float>.zeros([data.users.count, items.shape[1]])
            try trainer.halfSweep(trainer.users, &users, fixed: items, solver.factorSolver, "user")
            for user in data.users.indices {
                let row = users.row(user)
                expectRelativeNorm(
                    row[..<options.factors].map(Double.init), expected[user], 1e-4, "\(solver)")
                #expect(row[options.factors...].allSatisfy { $0 == 0 })
            }
        }
    }

    @Test func lossIsTheFormula() throws {
        let data = try SmallData.interactions(users: 9, items: 7, perUser: 3)
        for recipe in [
            ImplicitALS<String, Int>(
                factors: 4, regularizationExponent: 0.5, alpha: 2, unobservedWeight: 0.3),
            .huKorenVolinsky(factors: 4, regularization: 0.2, alpha: 3),
        ] {
            let options = ALSOptions(recipe)
            let trainer = ALSTrainer(data.matrix, options)
            let (x, y, losses) = try trainer.run(
                solver: .cholesky, iterations: 2, tracksLoss: false, seed: 1, progress: nil)
            var expected = 0.0
            for (user, id) in data.users.enumerated() {
                for (item, other) in data.items.enumerated() {
                    let p = zip(x.row(user), y.row(item)).reduce(0) { $0 + Double($1.0) * Double($1.1) }
                    let seen = data.value(user: id, item: other)
                    if let seen { expected += options.alpha * seen * (1 - p) * (1 - p) }
                    if seen == nil || !options.excludesSeen { expected += options.unobservedWeight * p * p }
                }
            }
            for (rows, problem) in [(x, trainer.users), (y, trainer.items)] {
                for row in 0..<rows.shape[0] {
                    expected +=
                        Double(problem.penalties[row]) * rows.row(row).map { Double($0 * $0) }.reduce(0, +)
                }
            }
            #expect(abs(try #require(losses.last) - expected) < 1e-5 * expected)
        }
    }

    @Test(arguments: [ALSSolver.cholesky, .conjugateGradient(), .blocks(size: 16)])
    func lossFallsWithEveryHalfSweep(_ solver: ALSSolver) throws {
        let data = try SmallData.interactions(users: 80, items: 60)
        let options = ALSOptions(ImplicitALS<String, Int>(factors: 40, regularization: 0.1, alpha: 5))
        let trainer = ALSTrainer(data.matrix, options)
        var items = FactorMatrix.random(
            rows: data.items.count, factors: 40, standardDeviation: 0.1, seed: 1, stream: 1)
        var users = Tensor<Float>.zeros([data.users.count, items.shape[1]])
        var last = trainer.loss(users, items)
        for _ in 0..<10 {
            try trainer.halfSweep(trainer.users, &users, fixed: items, solver.factorSolver, "user")
            let between = trainer.loss(users, items)
            #expect(between <= last * (1 + 1e-6))
            try trainer.halfSweep(trainer.items, &items, fixed: users, solver.factorSolver, "item")
            last = trainer.loss(users, items)
            #expect(last <= between * (1 + 1e-6))
        }
    }

    @Test func solversReachTheSameLoss() throws {
        let data = try SmallData.interactions(users: 100, items: 50)
        let losses = try [ALSSolver.cholesky, .conjugateGradient(steps: 5), .blocks(size: 16)].map { solver in
            let recipe = ImplicitALS<String, Int>(
                factors: 32, regularization: 1, alpha: 5, iterations: 200, solver: solver)
            return try #require(try recipe.fit(data).losses.last)
        }
        for loss in losses { #expect(abs(loss - losses[0]) < 2e-3 * losses[0], "\(losses)") }
    }

    /// Each user lacks one item of his colour: it must come before all of the other colour. (With a third factor a hole can be
    /// learnt as such.)
    @Test(arguments: [ALSSolver.cholesky, .conjugateGradient(), .blocks(size: 16)])
    func checkerboard(_ solver: ALSSolver) throws {
        let data = SmallData.checkerboard(size: 50)
        for recipe in [
            ImplicitALS<Int, Int>(factors: 2, regularization: 0.1, alpha: 10, solver: solver),
            .huKorenVolinsky(factors: 2, alpha: 5, solver: solver),
        ] {
            let model = try recipe.fit(data)
            for user in 0..<50 {
                let best = model.recommend(for: user, count: 1)
                #expect(best.map(\.item) == [user])
                #expect(abs(best[0].score - 1) < 0.15)
            }
        }
    }

    @Test func foldInIsTheStoredFactor() throws {
        let data = try SmallData.interactions()
        let model = try ImplicitALS(factors: 20, regularization: 0.1).fit(data)
        for user in data.users.indices {
            let row = try #require(try model.userRow(ofHistory: model.catalogue.history(ofUserAt: user)))
            expectClose(row, model.factors.user(user), absolute: 1e-5)
        }
    }

    @Test func explanationsAddUp() throws {
        let data = try SmallData.interactions()
        for recipe in [
            ImplicitALS<String, Int>(factors: 12, regularization: 0.1, alpha: 4),
            .huKorenVolinsky(factors: 6),
        ] {
            let model = try recipe.fit(data)
            for user in data.users.prefix(5) {
                for item in data.items.prefix(5) {
                    let reason = try #require(try model.explain(item, for: user))
                    let sum = reason.contributions.reduce(0) { $0 + $1.weight }
                    #expect(abs(sum - reason.score) < 1e-4)
                }
            }
        }
    }

    @Test func optionsAreChecked() throws {
        let data = try SmallData.interactions()
        for (name, recipe) in [
            ("factors", ImplicitALS<String, Int>(factors: 0)), ("factors", ImplicitALS(factors: 5000)),
            ("regularization", ImplicitALS(regularization: 0)), ("alpha", ImplicitALS(alpha: .nan)),
            ("unobservedWeight", ImplicitALS(unobservedWeight: -1)),
            ("iterations", ImplicitALS(iterations: 0)),
            ("steps", ImplicitALS(solver: .conjugateGradient(steps: 0))),
            ("size", ImplicitALS(solver: .blocks(size: 0))),
            ("regularizationExponent", ImplicitALS(regularizationExponent: .infinity)),
        ] {
            let error = #expect(throws: MarketingMLError.self) { try recipe.fit(data) }
            #expect(error?.code == .invalidOption && error?.location.name == name)
        }
        // A seen pair may not weigh less than an unseen one by more than the rest can carry.
        let error = #expect(throws: MarketingMLError.self) {
            let weak = try Interactions(
                users: (0..<50).map { "\($0 % 5)" }, items: (0..<50).map { $0 / 5 },
                values: [Double](repeating: 1e-9, count: 50))
            return try ImplicitALS<String, Int>.huKorenVolinsky(factors: 2, regularization: 1e-12).fit(weak)
        }
        #expect(error?.code == .invalidOption)
    }

    @Test func stopsAndTracks() throws {
        let data = try SmallData.interactions()
        var recipe = ImplicitALS<String, Int>(factors: 4, iterations: 20)
        recipe.tracksLoss = true
        var steps: [Int] = []
        let model = try recipe.fit(data) { event in
            steps.append(event.step)
            #expect(event.loss != nil && event.total == 20)
            return event.step == 3 ? .stop : .continue
        }
        #expect(steps == [1, 2, 3] && model.losses.count == 4)
        #expect(zip(model.losses, model.losses.dropFirst()).allSatisfy { $0 >= $1 })
    }

    @Test func updates() throws {
        let data = try SmallData.interactions(users: 100, items: 40, perUser: 10)
        let model = try ImplicitALS(factors: 8, regularization: 0.5, alpha: 3).fit(data)
        // A new user, a new item that three users of one taste took, and more of what a user had.
        let friends = ["user 1", "user 4", "user 7"]
        let known = try #require(data.events.first { $0.user == "user 2" })
        let new = try Interactions(
            users: friends + ["new", "new", "user 2"], items: [9, 9, 9, data.items[0], 9, known.item],
            values: [3, 3, 3, 2, 1, 5])
        let updated = try model.updated(with: Confidence(new))
        #expect(
            updated.catalogue.users == data.users + ["new"] && updated.catalogue.items == data.items + [9])
        let row = try #require(updated.catalogue.index(ofUser: "user 2"))
        let column = try #require(updated.catalogue.index(ofItem: known.item))
        let history = updated.catalogue.history(ofUserAt: row)
        let place = try #require(history.items.firstIndex(of: Int32(column)))
        #expect(history.values[place] == Float(known.value + 5))
        for user in friends + ["new", "user 2"] {
            let index = try #require(updated.catalogue.index(ofUser: user))
            let folded = try #require(
                try updated.userRow(ofHistory: updated.catalogue.history(ofUserAt: index)))
            expectClose(folded, updated.factors.user(index), absolute: 1e-5)
        }
        // Others keep their factors, and those of the same taste are recommended the new item.
        #expect(updated.factors.user(10) == model.factors.user(10))
        let scores = data.users.indices.map { Double(updated.scores(ofUserAt: $0)[data.items.count]) }
        let taste = stride(from: 10, to: 100, by: 3).map { scores[$0] },
            other = stride(from: 11, to: 100, by: 3).map { scores[$0] }
        #expect(taste.reduce(0, +) > 2 * max(0, other.reduce(0, +)))
    }
}
