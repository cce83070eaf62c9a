import Foundation
import TestSupport
import Testing

@testable import Recommend

@Suite struct SASRecTests {
    /// See Tests/Reference/sasrec.py.
    private struct Fixture: Decodable {
        var factors: Int
        var heads: Int
        var blocks: Int
        var length: Int
        var sequences: [[Int32]]
        var parameters: [String: [Double]]
        var gradients: [String: [Double]]
        var states: [Double]
        var loss: Double
    }

    @Test func networkEqualsPyTorch() throws {
        let url = TestData.fixture("sasrec.json", Bundle.module)
        let fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
        var network = SASRecNetwork<Double>(
            items: 9,
            SASRecOptions(
                factors: fixture.factors, heads: fixture.heads, blocks: fixture.blocks,
                length: fixture.length, seed: 1))
        #expect(Set(network.parameters.map(\.name)) == Set(fixture.parameters.keys))
        network.forEachParameter { name, value in
            if let found = fixture.parameters[name], found.count == value.count {
                value = Tensor(shape: value.shape, found)
            } else {
                Issue.record("\(name): \(value.shape)")
            }
        }
        let sequences = fixture.sequences.map { $0[...] }
        let states = network.states(of: sequences.map { $0.dropLast() })
        #expect(states.shape == [fixture.states.count / fixture.factors, fixture.factors])
        expectClose(states.elements, fixture.states, absolute: 1e-10)
        let (loss, gradients) = valueAndGradient(of: network) { $0.loss(sequences) }
        #expect(abs(loss.item - fixture.loss) < 1e-10)
        for (name, expected) in fixture.gradients {
            let found = try #require(gradients[name], "\(name)")
            expectClose(found.elements, expected, absolute: 1e-9, name)
        }
    }

    /// What comes next hangs on the item before the last, which a first-order chain cannot know.
    @Test func looksFurtherBackThanOneItem() throws {
        var rows: (users: [Int], items: [String], times: [Int64]) = ([], [], [])
        for user in 0..<60 {
            let sequence = user % 2 == 0 ? ["tent", "rope", "stove"] : ["boots", "rope", "socks"]
            for (time, item) in sequence.enumerated() {
                rows.users.append(user)
                rows.items.append(item)
                rows.times.append(Int64(time))
            }
        }
        let data = try Interactions(
            users: rows.users, items: rows.items, values: rows.items.map { _ in 1 }, times: rows.times)
        let model = try SASRec<Int, String>(
            factors: 16, blocks: 1, length: 4, dropout: 0, learningRate: 0.01, epochs: 60, batchSize: 32
        ).fit(data)
        #expect(try model.next(after: ["tent", "rope"], count: 1).map(\.item) == ["stove"])
        #expect(try model.next(after: ["boots", "rope"], count: 1).map(\.item) == ["socks"])
        // What an item contributes is what the score loses without it.
        func score(_ items: [String]) throws -> Double {
            let found = try model.next(after: items, count: 9, filter: .all)
            return try #require(found.first { $0.item == "stove" }).score
        }
        let history = try model.catalogue.history([(item: "tent", value: 1), (item: "rope", value: 2)])
        let index = try #require(model.catalogue.index(ofItem: "stove"))
        let whole = try score(["tent", "rope"])
        for (item, weight) in zip(history.items, model.contributions(of: history, toItemAt: index)) {
            let other = model.catalogue.items[Int(item)] == "tent" ? "rope" : "tent"
            #expect(try abs(Double(weight) - (whole - score([other]))) < 1e-5)
        }
    }

    /// The state after somebody's own sequence is the stored one, also of one longer than what the network reads.
    @Test func foldsInByOrder() throws {
        let data = try SmallData.interactions()
        let model = try SASRec<String, Int>(factors: 8, length: 4, epochs: 2).fit(data)
        let sequences = try Sequences(data)
        for (user, items) in sequences.items.enumerated() {
            let found = try model.next(after: items.map { data.items[Int($0)] }, count: 6)
            let stored = model.recommend(for: data.users[user], count: 6)
            #expect(found.map(\.item) == stored.map(\.item))
            expectClose(found.map(\.score), stored.map(\.score), absolute: 1e-5)
        }
        #expect(try model.next(after: [], count: 3).isEmpty)
    }

    @Test func badInput() throws {
        let timeless = Interactions(users: ["a", "a"], items: [1, 2])
        #expect(throws: MarketingMLError.self) { try SASRec().fit(timeless) }
        let lonely = try Interactions(users: ["a", "b"], items: [1, 2], values: [1, 1], times: [1, 2])
        let empty = #expect(throws: MarketingMLError.self) { try SASRec().fit(lonely) }
        #expect(empty?.code == .emptyData)
        let data = try SmallData.interactions(users: 5, items: 6, perUser: 3)
        for (name, recipe) in [
            ("factors", SASRec<String, Int>(factors: 0)), ("heads", SASRec(factors: 8, heads: 3)),
            ("heads", SASRec(heads: 0)), ("blocks", SASRec(blocks: 0)), ("length", SASRec(length: 0)),
            ("dropout", SASRec(dropout: 1)), ("learningRate", SASRec(learningRate: .nan)),
            ("epochs", SASRec(epochs: 0)), ("batchSize", SASRec(batchSize: 0)),
        ] {
            let error = #expect(throws: MarketingMLError.self) { try recipe.fit(data) }
            #expect(error?.code == .invalidOption && error?.location.name == name, "\(name)")
        }
    }
}
