import Foundation
import Recommend
import TestSupport
import Testing

@Suite struct PopularityTests {
    private let interactions = Interactions(
        users: ["ann", "ann", "bob", "bob", "cid", "cid", "cid", "ann"],
        items: [10, 20, 20, 30, 20, 30, 40, 10])

    @Test func ranksByUsers() throws {
        let model = try Popularity().fit(interactions)
        #expect(model.items == [20, 30, 10, 40])
        #expect(model.counts == [3, 2, 1, 1])
        #expect(model.recommend(for: "ann", count: 10).map(\.item) == [30, 40])
        #expect(model.recommend(for: "ann", count: 1).map(\.item) == [30])
        #expect(model.recommend(for: "ann", count: 2, includingSeen: true).map(\.item) == [20, 30])
        #expect(model.recommend(for: "a stranger", count: 2).map(\.score) == [3, 2])
        #expect(model.recommend(for: "ann", count: 0).isEmpty)
        #expect(model.recommend(for: "ann", count: -1).isEmpty)
    }

    @Test func interactionsAreCounted() {
        #expect(interactions.count == 7)
        #expect(interactions.users == ["ann", "bob", "cid"])
    }

    @Test func savesAndLoads() throws {
        let model = try Popularity().fit(interactions)
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/popularity.json")
            try model.save(to: url)
            let again = try Popularity<String, Int>.Model(url)
            #expect(again.items == model.items && again.counts == model.counts && again.users == model.users)
            for user in model.users + ["a stranger"] {
                #expect(
                    again.recommend(for: user, count: 9).map(\.item)
                        == model.recommend(for: user, count: 9).map(\.item))
            }
        }
    }

    @Test(arguments: [
        ("not JSON", "popular", MarketingMLError.Code.malformedFile),
        ("another file", "{\"a\":1}", .malformedFile),
        ("another format", stored(format: "als"), .malformedFile),
        ("newer", stored(version: 2), .unsupported),
        ("index out of range", stored(taken: "[[0,2]]"), .malformedFile),
        ("negative index", stored(taken: "[[-1]]"), .malformedFile),
        ("not ascending", stored(taken: "[[1,0]]"), .malformedFile),
        ("too few lists", stored(taken: "[]"), .malformedFile),
        ("too few counts", stored(counts: "[1]"), .malformedFile),
        ("negative count", stored(counts: "[1,-1]"), .malformedFile),
        ("item twice", stored(items: "[5,5]"), .malformedFile),
        ("ids of another type", stored(items: "[\"x\",\"y\"]"), .malformedFile),
    ])
    func brokenFiles(_ what: String, _ contents: String, _ code: MarketingMLError.Code) throws {
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/m.json")
            try Data(contents.utf8).write(to: url)
            let error = #expect(throws: MarketingMLError.self, "\(what)") {
                try Popularity<String, Int>.Model(url)
            }
            #expect(error?.code == code, "\(what)")
        }
    }

    private static func stored(
        format: String = "marketingml-popularity", version: Int = 1, items: String = "[5,6]",
        counts: String = "[1,1]", taken: String = "[[0,1]]"
    ) -> String {
        """
        {"format":"\(format)","version":\(version),"users":["u"],"items":\(items),"counts":\(counts),"taken":\(taken)}
        """
    }

    @Test func mutationsNeverCrash() throws {
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/m.json")
            let bytes = Array(Self.stored(items: "[5,60]", taken: "[[0,1]]").utf8)
            try forEachMutation(of: bytes, count: 2000) { bytes in
                try Data(bytes).write(to: url)
                do {
                    let model = try Popularity<String, Int>.Model(url)
                    #expect(model.recommend(for: "u", count: 5, includingSeen: true).count <= 5)
                } catch let error as MarketingMLError {
                    #expect([MarketingMLError.Code.malformedFile, .unsupported].contains(error.code))
                }
            }
        }
    }

    @Test func intactFileLoads() throws {
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/m.json")
            try Data(Self.stored().utf8).write(to: url)
            #expect(try Popularity<String, Int>.Model(url).items == [5, 6])
        }
    }

    @Test func readsFiles() throws {
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/i.csv")
            try Data("userId,movieId,rating\n1,5,4.0\n2,5,3.5\n".utf8).write(to: url)
            let read = try Interactions<Int, Int>(csv: url, user: "userId", item: "movieId")
            #expect(read.users == [1, 2] && read.items == [5])
            let error = #expect(throws: MarketingMLError.self) {
                try Interactions<Int, Int>(csv: url, user: "userId", item: "rating")
            }
            #expect(error?.location.row == 2)
            #expect(error?.location.name == "rating")
        }
    }

    @Test func stopsAndRefuses() {
        #expect(throws: CancellationError.self) { try Popularity().fit(interactions) { _ in .stop } }
        #expect(throws: MarketingMLError.self) {
            try Popularity().fit(Interactions(users: [Int](), items: [Int]()))
        }
    }

    @Test(.enabled(if: TestData.shared("ml-latest-small/train.csv.gz") != nil))
    func movies() throws {
        let url = try #require(TestData.shared("ml-latest-small/train.csv.gz"))
        let ratings = try Interactions<Int, Int>(csv: url, user: "userId", item: "movieId")
        #expect(ratings.users.count == 610)
        #expect(ratings.count == 80_682)
        let model = try Popularity().fit(ratings)
        let user = ratings.users[0]
        let seen = Set(model.recommend(for: user, count: .max, includingSeen: true).map(\.item))
            .subtracting(model.recommend(for: user, count: .max).map(\.item))
        #expect(!seen.isEmpty && seen.count < 3000)
    }
}
