import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct FeatureEncoderTests {
    /// Columns of each kind, with gaps.
    private func table(_ count: Int = 300, seed: UInt64 = 1) throws -> Table {
        var random = SeededGenerator(seed: seed)
        let words = ["good", "bad", "cheap", "late", "kind", "wow", "refund"]
        var (x, y) = ([Double](), [Double]())
        var (level, city, text) = ([String?](), [String?](), [String?]())
        for _ in 0..<count {
            x.append(random.next(below: 12) == 0 ? .nan : random.nextUniform() * 9)
            y.append(Double(random.next(below: 50)))
            level.append(
                random.next(below: 15) == 0
                    ? nil : ["a", "b", "c", "rare\(random.next(below: 40))"][random.next(below: 4)])
            city.append(random.next(below: 20) == 0 ? nil : "city \(random.next(below: 25))")
            text.append(
                (0..<random.next(below: 7)).map { _ in words[random.next(below: 7)] }.joined(separator: " "))
        }
        return try Table([
            .init("x", x), .init("y", y), .init("level", level), .init("city", city), .init("text", text),
        ])
    }

    private let everything = FeatureEncoder([
        .numeric("x"), .numeric("y", standardised: false, missing: .error),
        .spline("x", knots: 4, missing: .median()),
        .spline("y", .natural), .bins("x", count: 4), .oneHot("level", unseen: .other, minimumCount: 10),
        .target("city"), .text("text", TextEncoding(range: 1...2, sublinear: true)),
        .text("text", TextEncoding(unit: .charactersInWords, range: 3...3, buckets: 32)),
        .interaction(.numeric("x"), .oneHot("level", minimumCount: 10)),
        .interaction(.oneHot("level", minimumCount: 20), .bins("y", count: 3)),
    ])

    /// Three terms are the products of two of them with the third, in every row and in the names; in a file too.
    @Test func interactionsOfInteractions() throws {
        let train = try table()
        let (x, level, bins) = (
            FeatureTerm.numeric("x"), FeatureTerm.oneHot("level", minimumCount: 10),
            FeatureTerm.bins("y", count: 3)
        )
        func encoder(_ term: FeatureTerm) throws -> FittedFeatureEncoder {
            try FeatureEncoder([term], layout: .dense).fit(train)
        }
        let three = try encoder(.interaction(.interaction(x, level), bins))
        #expect(try encoder(.interaction(x, .interaction(level, bins))).featureNames == three.featureNames)
        let (two, one) = (try encoder(.interaction(x, level)), try encoder(bins))
        func rows(_ encoder: FittedFeatureEncoder) throws -> Tensor<Float> {
            guard case .float(let rows) = try encoder.transform(train).features else {
                throw CancellationError()
            }
            return rows
        }
        let (found, a, b) = (try rows(three), try rows(two), try rows(one))
        let (m, n) = (a.shape[1], b.shape[1])
        #expect(found.shape == [train.rowCount, m * n] && three.featureNames.count == m * n)
        #expect(three.featureNames[n].name == "\(two.featureNames[1].name) × \(one.featureNames[0].name)")
        for row in 0..<train.rowCount {
            for i in 0..<m {
                for j in 0..<n { #expect(found[row, i * n + j] == a[row, i] * b[row, j]) }
            }
        }
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder).appending(path: "encoder")
            try three.save(to: url)
            #expect(try rows(FittedFeatureEncoder(url)) == found)
        }
    }

    private func labels(_ count: Int) -> [String] {
        var random = SeededGenerator(seed: 8)
        return (0..<count).map { _ in ["no", "yes"][random.next(below: 2)] }
    }

    @Test func aRowIsEncodedAloneAsAmongOthers() throws {
        for layout in [FeatureEncoder.Layout.dense, .sparse] {
            var recipe = everything
            recipe.layout = layout
            let train = try table()
            let encoder = try recipe.fit(train, labels: labels(300))
            let test = try table(40, seed: 2)
            let all = try encoder.transform(test).features
            #expect(
                all.featureCount == encoder.featureCount && encoder.featureNames.count == encoder.featureCount
            )
            for row in 0..<40 {
                #expect(try encoder.transform(test[rows: [row]]).features == all.rows([row]), "row \(row)")
            }
            let order = Array((0..<40).reversed())
            #expect(try encoder.transform(test[rows: order]).features == all.rows(order))
        }
        var (dense, sparse) = (everything, everything)
        (dense.layout, sparse.layout) = (.dense, .sparse)
        let train = try table()
        guard case .float(let a) = try dense.fit(train, labels: labels(300)).transform(train).features,
            case .sparse(let b) = try sparse.fit(train, labels: labels(300)).transform(train).features
        else {
            Issue.record("the layouts are not as asked")
            return
        }
        #expect(a == b.dense)
    }

    @Test func threadsDoNotMatter() throws {
        let (train, before) = (try table(2000), ThreadPool.threadCount)
        defer { ThreadPool.threadCount = before }
        var results: [Features] = []
        for threads in [1, 2, 3] {
            ThreadPool.threadCount = threads
            results.append(
                try everything.fitTransform(train, labels: labels(2000), seed: 3).features.features)
        }
        #expect(results[0] == results[1] && results[0] == results[2])
    }

    @Test func savedEncodersGiveTheSameBits() throws {
        let train = try table()
        let encoder = try everything.fit(train, labels: labels(300))
        let again = try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "encoder.safetensors")
            try encoder.save(to: url)
            return try FittedFeatureEncoder(url)
        }
        #expect(again == encoder)
        #expect(try again.transform(train).features == encoder.transform(train).features)
        #expect(again.featureNames == encoder.featureNames)
    }

    @Test func damagedFilesAreReported() throws {
        let small = FeatureEncoder([
            .numeric("x"), .spline("y", knots: 3), .spline("y", .natural, knots: 3), .bins("x", count: 3),
            .oneHot("level", minimumCount: 20), .target("city"), .text("text"),
        ])
        let test = try table(8, seed: 5)
        let encoder = try small.fit(try table(60), labels: labels(60))
        try withTemporaryDirectory { path in
            let url = URL(fileURLWithPath: path).appending(path: "encoder.safetensors")
            try encoder.save(to: url)
            let bytes = Array(try Data(contentsOf: url))
            var read = 0
            try forEachMutation(of: bytes, count: 3000) { bytes in
                try Data(bytes).write(to: url)
                do {
                    let encoder = try FittedFeatureEncoder(url)
                    read += 1
                    _ = try encoder.transform(test).features.featureCount
                    _ = encoder.featureNames
                } catch let error as MarketingMLError {
                    #expect(!error.message.isEmpty)
                }
            }
            #expect(read < 3000)
        }
    }

    /// Encoded with its own target a row of a level that occurs once would be its target.
    @Test func trainingRowsAreEncodedOutOfFold() throws {
        let names = (0..<200).map { "level \($0 / 2)" }
        let targets = (0..<200).map { Double($0 / 2 % 2) }
        let recipe = FeatureEncoder([.target("c", smoothing: .count(0), folds: 200)])
        let train = try Table([.init("c", names)])
        // With a fold a row, each row gets the mean of its level's other row.
        let (encoder, features) = try recipe.fitTransform(train, targets: targets, seed: 4)
        guard case .float(let values) = features.features else { return }
        #expect(values.elements.map { Double($0) } == targets)
        let single = try Table([.init("c", (0..<200).map { "\($0)" })])
        let (_, alone) = try recipe.fitTransform(single, targets: targets, seed: 4)
        guard case .float(let means) = alone.features else { return }
        let expected = targets.map { (100 - $0) / 199 }
        expectClose(means.elements.map { Double($0) }, expected, absolute: 1e-6)
        #expect(try encoder.transform(train).features.rows([0]) == .float(Tensor(shape: [1, 1], [0])))
        let five = FeatureEncoder([.target("c")])
        let a = try five.fitTransform(train, labels: targets, seed: 1).features.features
        #expect(try five.fitTransform(train, labels: targets, seed: 1).features.features == a)
        #expect(try five.fitTransform(train, labels: targets, seed: 2).features.features != a)
    }

    @Test func policies() throws {
        let train = try Table([.init("x", [1, .nan, 3]), .init("c", ["a", nil, "b"])])
        let test = try Table([.init("x", [.nan, 5]), .init("c", ["new", nil])])
        func values(_ term: FeatureTerm, dropsFirst: Bool = false) throws -> [Float] {
            let encoder = try FeatureEncoder([term], dropsFirst: dropsFirst, layout: .dense).fit(train)
            guard case .float(let matrix) = try encoder.transform(test).features else { return [] }
            return matrix.elements
        }
        #expect(try values(.numeric("x", standardised: false)) == [2, 1, 5, 0])
        #expect(try values(.numeric("x", standardised: false, missing: .constant(-1))) == [-1, 5])
        #expect(try values(.numeric("x", standardised: false, missing: .median(indicator: false))) == [2, 5])
        #expect(try values(.oneHot("c")) == [0, 0, 0, 0, 0, 1])
        #expect(try values(.oneHot("c", missing: .zeros)) == [0, 0, 0, 0])
        #expect(try values(.oneHot("c", unseen: .other)) == [0, 0, 1, 0, 0, 0, 0, 1])
        #expect(try values(.oneHot("c"), dropsFirst: true) == [0, 0, 0, 1])
        for (term, code) in [
            (FeatureTerm.numeric("x", missing: .error), MarketingMLError.Code.notFinite),
            (.oneHot("c", missing: .error), .notFinite),
            (.oneHot("c", unseen: .error), .unknownLabel), (.numeric("c"), .unsupported),
            (.oneHot("z"), .missingColumn),
            (.target("c"), .invalidOption), (.bins("x", count: 1), .invalidOption),
            (.spline("x", knots: 1), .invalidOption),
            (.oneHot("c", minimumCount: 0), .invalidOption),
            (.text("c", TextEncoding(range: 0...2)), .invalidOption),
            (.numeric("x", missing: .constant(.nan)), .notFinite),
        ] {
            let error = #expect(throws: MarketingMLError.self, "\(term)") { try values(term) }
            #expect(error?.code == code, "\(term): \(error?.description ?? "")")
        }
        #expect(throws: MarketingMLError.self) { try FeatureEncoder([]).fit(train) }
        #expect(throws: MarketingMLError.self) { try FeatureEncoder([.oneHot("c")]).fit(train[rows: []]) }
        #expect(throws: MarketingMLError.self) {
            try FeatureEncoder([.target("c")]).fit(train, targets: [1, .nan, 2])
        }
        #expect(throws: MarketingMLError.self) { try FeatureEncoder([.target("c")]).fit(train, targets: [1]) }
        #expect(throws: MarketingMLError.self) {
            try FeatureEncoder([.spline("x")]).fit(Table([.init("x", [2, 2])]))
        }
    }

    @Test(
        arguments: [
            ("bank-marketing", "y", ["row", "duration"], 62), ("telco-churn", "Churn", ["customerID"], 46),
            ("adult", "income", [], 108), ("german-credit", "bad", ["row"], 61),
            ("online-shoppers", "Revenue", ["row"], 29),
        ] as [(String, String, [String], Int)])
    func realTables(_ name: String, _ target: String, _ excluding: [String], _ count: Int) throws {
        guard let trainURL = TestData.shared("\(name)/train.csv.gz"),
            let testURL = TestData.shared("\(name)/test.csv.gz")
        else { return }
        let train = try Table(csv: trainURL)
        let (recipe, omitted) = try FeatureEncoder.automatic(train, target: target, excluding: excluding)
        #expect(Set(omitted.map(\.column)).isSuperset(of: excluding + [target]))
        let labels = try train[target].labels()
        let (encoder, features) = try recipe.fitTransform(train, labels: labels, seed: 1)
        #expect(features.features.exampleCount == train.rowCount)
        #expect(
            encoder.featureCount == count, "\(name): \(encoder.featureCount) features\n\(recipe)\n\(omitted)")
        let test = try encoder.transform(Table(csv: testURL))
        try test.features.checkFinite()
        #expect(test.features.featureCount == encoder.featureCount)
        // Row numbers and customers' names are recognised without being told.
        let alone = try FeatureEncoder.automatic(train, target: target).omitted.map(\.column)
        for column in excluding where column != "duration" { #expect(alone.contains(column), "\(column)") }
    }

    @Test func realTexts() throws {
        guard let spam = TestData.shared("sms-spam/train.tsv.gz"),
            let clothing = TestData.shared("clothing-reviews/train.tsv.gz")
        else { return }
        let messages = try Table(csv: spam)
        let (recipe, _) = try FeatureEncoder.automatic(messages, target: "label")
        let (encoder, features) = try recipe.fitTransform(messages, labels: messages["label"].labels())
        #expect(encoder.isSparse && features.features.exampleCount == 3926 && encoder.featureCount > 5000)
        let reviews = try Table(csv: clothing)
        let (mixed, omitted) = try FeatureEncoder.automatic(
            reviews, target: "recommended", excluding: ["rating"])
        #expect(
            mixed.description.contains("text: TF-IDF") && mixed.description.contains("department: one-hot"),
            "\(mixed) \(omitted)")
    }

    @Test func reportsEachTermAndCanBeStopped() async throws {
        let table = try Table([.init("x", [1, 2, 3, 5]), .init("c", ["a", "b", "a", "b"])])
        let recipe = FeatureEncoder([.numeric("x"), .oneHot("c"), .spline("x")])
        var steps: [[Int]] = []
        let encoder = try recipe.fit(table) { event in
            steps.append([event.step, event.total])
            return .continue
        }
        #expect(steps == [[0, 3], [1, 3], [2, 3]])
        #expect(try encoder == recipe.fit(table))
        #expect(throws: CancellationError.self) {
            try recipe.fitTransform(table, targets: [1, 2, 3, 4]) { $0.step == 1 ? .stop : .continue }
        }
        let cancelled = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try recipe.fit(table)
        }
        await #expect(throws: CancellationError.self) { try await cancelled.value }
    }
}
