import Foundation
import Recommend
import TestSupport
import Testing

@Suite struct InteractionsTests {
    private let log: (users: [String], items: [Int], values: [Double], times: [Int64]) = (
        ["ann", "bob", "ann", "ann", "bob", "cid"], [10, 10, 20, 10, 30, 10], [1, 2, 3, 4, 5, 6],
        [9, 1, 2, 3, 4, 5]
    )

    private func interactions(_ duplicates: Duplicates, timed: Bool = true) throws -> Interactions<
        String, Int
    > {
        try Interactions(
            users: log.users, items: log.items, values: log.values, times: timed ? log.times : nil,
            duplicates: duplicates)
    }

    @Test func duplicates() throws {
        let summed = try interactions(.sum)
        #expect(summed.users == ["ann", "bob", "cid"] && summed.items == [10, 20, 30] && summed.count == 5)
        #expect(summed.value(user: "ann", item: 10) == 5)
        #expect(try interactions(.count).value(user: "ann", item: 10) == 2)
        #expect(try interactions(.count).value(user: "bob", item: 30) == 1)
        // The last by time is the first of the two; without times the order counts.
        #expect(try interactions(.last).value(user: "ann", item: 10) == 1)
        #expect(try interactions(.last, timed: false).value(user: "ann", item: 10) == 4)
        #expect(summed.value(user: "ann", item: 30) == nil && summed.value(user: "eve", item: 10) == nil)
        #expect(Interactions(users: ["a", "a"], items: [1, 1]).value(user: "a", item: 1) == 1)
    }

    @Test func stream() async throws {
        let events = zip(log.users, log.items).map {
            Interactions<String, Int>.Event(user: $0, item: $1, value: 2)
        }
        let stream = AsyncStream { continuation in
            for event in events { continuation.yield(event) }
            continuation.finish()
        }
        let read = try await Interactions(stream: stream)
        #expect(read.count == 5 && read.value(user: "ann", item: 10) == 4 && !read.hasTimes)
    }

    @Test func badValues() {
        for bad in [Double.nan, .infinity] {
            let error = #expect(throws: MarketingMLError.self) {
                try Interactions(users: [1, 1], items: [1, 2], values: [1, bad])
            }
            #expect(error?.code == .notFinite && error?.location.row == 2)
        }
        let error = #expect(throws: MarketingMLError.self) {
            try Interactions(users: [1, 1], items: [1, 2], values: [1])
        }
        #expect(error?.code == .shapeMismatch)
    }

    @Test func minimumCounts() throws {
        // Leaving out one makes another too rare.
        let data = Interactions(users: [1, 1, 1, 2, 2, 3, 3, 4], items: [1, 2, 3, 1, 2, 1, 4, 4])
        let kept = data.filtered(minimumPerUser: 2, minimumPerItem: 2)
        #expect(kept.users == [1, 2] && kept.items == [1, 2] && kept.count == 4)
        #expect(data.filtered().count == 8 && data.filtered(minimumPerItem: 99).count == 0)
    }

    @Test func splits() throws {
        let data = try SmallData.interactions(users: 200, items: 60)
        func check(_ split: InteractionSplit) throws -> (
            train: Interactions<String, Int>, test: Interactions<String, Int>
        ) {
            let (train, test) = try data.split(split)
            #expect(train.count + test.count == data.count)
            for event in test.events {
                #expect(train.value(user: event.user, item: event.item) == nil)
                #expect(data.value(user: event.user, item: event.item) == event.value)
            }
            return (train, test)
        }
        let random = try check(.random(testFraction: 0.25, seed: 4))
        #expect(abs(Double(random.test.count) / Double(data.count) - 0.25) < 0.04)
        #expect(
            try data.split(.random(testFraction: 0.25, seed: 4)).test.events.map(\.item)
                == random.test.events.map(\.item))
        #expect(
            try data.split(.random(testFraction: 0.25, seed: 5)).test.events.map(\.item)
                != random.test.events.map(\.item))

        let last = try check(.lastPerUser(count: 2))
        for user in last.test.users {
            let late = last.test.events.filter { $0.user == user }.compactMap(\.time)
            let early = last.train.events.filter { $0.user == user }.compactMap(\.time)
            #expect(late.count == 2 && (early.max() ?? 0) <= (late.min() ?? 0))
        }
        let from = try check(.from(time: 300))
        #expect(
            from.test.events.allSatisfy { ($0.time ?? 0) >= 300 }
                && from.train.events.allSatisfy { ($0.time ?? 0) < 300 })
        let latest = try check(.latest(fraction: 0.1))
        #expect(
            (latest.train.events.compactMap(\.time).max() ?? 0)
                < (latest.test.events.compactMap(\.time).min() ?? 0))

        let held = try data.splitUsers(fraction: 0.3, foldIn: 0.5, seed: 2)
        #expect(held.train.count + held.foldIn.count + held.test.count == data.count)
        #expect(Set(held.train.users).isDisjoint(with: held.foldIn.users))
        #expect(Set(held.foldIn.users) == Set(held.test.users) && (30...90).contains(held.test.users.count))
    }

    @Test func splitsRefuse() throws {
        let data = try SmallData.interactions()
        for bad in [0.0, 1, .nan] {
            #expect(throws: MarketingMLError.self) { try data.split(.random(testFraction: bad)) }
            #expect(throws: MarketingMLError.self) { try data.splitUsers(fraction: bad) }
        }
        #expect(throws: MarketingMLError.self) { try data.split(.lastPerUser(count: 0)) }
        let untimed = Interactions(users: [1], items: [1])
        #expect(throws: MarketingMLError.self) { try untimed.split(.lastPerUser(count: 1)) }
    }

    @Test func feedback() throws {
        let data = try interactions(.sum)
        #expect(try Ratings(data).scale == 2...6)
        #expect(throws: MarketingMLError.self) { try Ratings(data, scale: 1...5) }
        let liked = try ImplicitALS(factors: 2).fit(Confidence(data, reading: .atLeast(5)))
        #expect(liked.catalogue.items == [10, 30])
        #expect(throws: MarketingMLError.self) { try Confidence(data, reading: .atLeast(99)) }
        #expect(throws: MarketingMLError.self) { try Confidence(data, reading: .logarithm(scale: 0)) }
    }

    @Test func readsFiles() throws {
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/i.csv")
            try Data("userId,movieId,rating,when\n1,5,4.0,7\n2,5,3.5,8\n1,5,2,9\n".utf8).write(to: url)
            let read = try Interactions<Int, Int>(
                csv: url, user: "userId", item: "movieId", value: "rating", time: "when")
            #expect(read.users == [1, 2] && read.items == [5] && read.hasTimes)
            #expect(read.value(user: 1, item: 5) == 2)
            let plain = try Interactions<String, Int>(csv: url, user: "userId", item: "movieId")
            #expect(plain.value(user: "1", item: 5) == 1)
            let error = #expect(throws: MarketingMLError.self) {
                try Interactions<Int, Int>(csv: url, user: "userId", item: "rating")
            }
            #expect(error?.location.row == 2 && error?.location.name == "rating")
            for (contents, code) in [
                ("u,i,r\n1,1,nan\n", MarketingMLError.Code.notFinite), ("u,i,r\n1,1,x\n", .malformedFile),
                ("u,i,r\n7,1,1\n07,2,1\n", .malformedFile), ("u,i\n1,1\n", .missingColumn),
            ] {
                try Data(contents.utf8).write(to: url)
                let error = #expect(throws: MarketingMLError.self) {
                    try Interactions<Int, Int>(csv: url, user: "u", item: "i", value: "r")
                }
                #expect(error?.code == code, "\(contents)")
            }
        }
    }

    @Test func fading() throws {
        let data = try interactions(.last)
        let faded = try data.decayed(halfLife: 2, now: 5)
        #expect(faded.value(user: "bob", item: 10) == 0.5)
        #expect(faded.value(user: "cid", item: 10) == 6 && faded.value(user: "ann", item: 10) == 1)
        #expect(try data.decayed(halfLife: 4).value(user: "bob", item: 10) == 0.5)
        #expect(throws: MarketingMLError.self) { try data.decayed(halfLife: 0) }
        #expect(throws: MarketingMLError.self) { try interactions(.last, timed: false).decayed(halfLife: 1) }
    }
}
