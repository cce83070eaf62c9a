import Foundation
import TestSupport
import Testing

@testable import Recommend

@Suite struct BiasedMatrixFactorizationTests {
    private static let data = "ml-latest-small/train.csv.gz"

    private func movies(_ part: String) throws -> Interactions<Int, Int> {
        let url = try #require(TestData.shared("ml-latest-small/\(part).csv.gz"))
        return try Interactions(csv: url, user: "userId", item: "movieId", value: "rating", time: "timestamp")
    }

    /// The gradient of the docstring's loss by each user's factors and bias is zero after the fit.
    @Test func usersAreOptimal() throws {
        let data = try SmallData.interactions()
        let recipe = BiasedMatrixFactorization<String, Int>(
            factors: 4, regularization: 1.5, biasRegularization: 0.7, iterations: 3)
        let model = try recipe.fit(data)
        let mean = data.events.reduce(0) { $0 + $1.value } / Double(data.count)
        for (user, id) in data.users.enumerated() {
            let x = model.factors.user(user).map(Double.init)
            var gradient = (0..<4).map { 1.5 * x[$0] }
            var biasGradient = 0.7 * (x[4] - mean)
            for event in data.events where event.user == id {
                let index = try #require(model.catalogue.index(ofItem: event.item))
                let y = model.factors.paddedItems.row(index).map(Double.init)
                let error = (0..<6).reduce(-event.value) { $0 + x[$1] * y[$1] }
                for j in 0..<4 { gradient[j] += error * y[j] }
                biasGradient += error
            }
            #expect(x[5] == 1 && abs(biasGradient) < 1e-4)
            for slope in gradient { #expect(abs(slope) < 1e-4) }
        }
    }

    @Test func predicts() throws {
        let data = try SmallData.interactions()
        let model = try BiasedMatrixFactorization<String, Int>(factors: 3, regularization: 1, iterations: 8)
            .fit(data)
        let mean = data.events.reduce(0) { $0 + $1.value } / Double(data.count)
        #expect(abs(model.predict(user: "nobody", item: -1) - mean) < 1e-5)
        for (user, id) in data.users.enumerated() {
            for (item, other) in data.items.enumerated() {
                let score = Double(model.scores(ofUserAt: user)[item])
                #expect(abs(model.predict(user: id, item: other) - min(4, max(1, score))) < 1e-4)
            }
        }
        #expect(model.rootMeanSquaredError(on: try Ratings(data)) < 1)
    }

    @Test func explanationsAddUp() throws {
        let data = try SmallData.interactions()
        let model = try BiasedMatrixFactorization<String, Int>(factors: 3, regularization: 1, iterations: 8)
            .fit(data)
        let item = data.items[2]
        let index = try #require(model.catalogue.index(ofItem: item))
        let bias = Double(model.factors.paddedItems.row(index)[4])
        let mean = data.events.reduce(0) { $0 + $1.value } / Double(data.count)
        for user in data.users.prefix(5) {
            let reason = try #require(try model.explain(item, for: user))
            let sum = reason.contributions.reduce(0) { $0 + $1.weight }
            #expect(abs(sum + bias + mean - reason.score) < 1e-4)
        }
    }

    /// Trained on train alone, clipped, on all 10,051 test rows with the cold ones; the settings were chosen on dev.
    @Test(.enabled(if: TestData.shared(data) != nil)) func movieRatings() throws {
        let train = try Ratings(try movies("train"), scale: 0.5...5)
        let test = try Ratings(try movies("test"), scale: 0.5...5)
        #expect(test.interactions.count == 10_051)
        let errors = try (1...3).map { seed in
            try BiasedMatrixFactorization(factors: 100, seed: UInt64(seed)).fit(train).rootMeanSquaredError(
                on: test)
        }
        #expect(errors.reduce(0, +) / 3 <= 0.848, "\(errors)")
    }

    @Test(.enabled(if: TestData.shared(data) != nil)) func movieRatingsByGradientDescent() throws {
        let train = try Ratings(try movies("train"), scale: 0.5...5)
        let dev = try Ratings(try movies("dev"), scale: 0.5...5)
        let plain = try BiasedMatrixFactorization.gradientDescent().fit(train)
            .rootMeanSquaredError(on: dev)
        let history = try SVDPlusPlus().fit(train).rootMeanSquaredError(on: dev)
        #expect(plain < 0.88 && history < 0.87 && history < plain, "\(plain), \(history)")
    }
}
