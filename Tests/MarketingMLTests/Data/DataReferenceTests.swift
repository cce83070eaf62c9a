import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Against pandas, scikit-learn and patsy; `Tests/Reference/data.py` makes the file.
@Suite struct DataReferenceTests {
    private struct Golden: Decodable {
        struct CSV: Decodable {
            struct Column: Decodable {
                var name: String
                var numbers: [Double?]?
                var texts: [String?]?
            }
            var name: String
            var bytes: Data
            var missing: [String]
            var columns: [Column]
        }
        struct Scaler: Decodable {
            var x: [Double?]
            var values: [Double]
        }
        struct OneHot: Decodable {
            var train: [String]
            var test: [String]
            var categories: [String]
            var values: [[Double]]
            var rare: [[Double]]
        }
        struct Target: Decodable {
            enum Value: Decodable {
                case number(Double)
                case text(String)
                init(from decoder: any Decoder) throws {
                    let container = try decoder.singleValueContainer()
                    if let number = try? container.decode(Double.self) {
                        self = .number(number)
                    } else {
                        self = .text(try container.decode(String.self))
                    }
                }
            }
            var kind: String
            var smoothing: Double?
            var levels: [String]
            var y: [Value]
            var test: [String]
            var values: [[Double]]
        }
        struct Spline: Decodable {
            var basis: String
            var degree: Int
            var knots: Int
            var placement: String
            var x: [Double]
            var at: [Double]
            var values: [[Double]]
        }
        struct Bins: Decodable {
            var count: Int
            var x: [Double]
            var at: [Double]
            var values: [[Double]]
        }
        struct Text: Decodable {
            var name: String
            var texts: [String]
            var test: [String]
            var terms: [String]
            var values: [[String: Double]]
        }
        var csv: [CSV]
        var scaler: Scaler
        var oneHot: OneHot
        var target: [Target]
        var splines: [Spline]
        var bins: [Bins]
        var text: [Text]
    }

    private func golden() throws -> Golden {
        try JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: TestData.fixture("data.json", .module)))
    }

    @Test func tablesAsPandas() throws {
        for example in try golden().csv {
            let table = try withTemporaryDirectory { path in
                let url = URL(fileURLWithPath: path).appending(path: "a.csv")
                try example.bytes.write(to: url)
                return try Table(csv: url, missing: Set(example.missing))
            }
            #expect(table.names == example.columns.map(\.name), "\(example.name)")
            for (column, expected) in zip(table.columns, example.columns) {
                if let texts = expected.texts {
                    #expect(column.texts() == texts, "\(example.name), \(expected.name)")
                } else {
                    let numbers = try column.numbers().map { $0.isNaN ? nil : $0 }
                    #expect(numbers == expected.numbers, "\(example.name), \(expected.name)")
                }
            }
        }
    }

    /// The dense features of single precision, as rows.
    private func rows(_ encoded: EncodedFeatures) -> [[Double]] {
        let matrix =
            switch encoded.features {
            case .float(let matrix): matrix
            case .sparse(let matrix): matrix.dense
            case .double(let matrix): Tensor<Float>(shape: matrix.shape, matrix.elements.map { Float($0) })
            }
        let width = matrix.shape[1]
        return matrix.elements.indices.filter { $0 % width == 0 }.map { start in
            matrix.elements[start..<start + width].map { Double($0) }
        }
    }

    private func close(
        _ actual: [[Double]], _ expected: [[Double]], _ what: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(actual.map(\.count) == expected.map(\.count), "\(what)", sourceLocation: sourceLocation)
        expectClose(
            actual.flatMap { $0 }, expected.flatMap { $0 }, absolute: 1e-7, relative: 1e-6, what,
            sourceLocation: sourceLocation)
    }

    @Test func standardisedNumbers() throws {
        let example = try golden().scaler
        let table = try Table([.init("x", example.x.map { $0 ?? .nan })])
        let encoder = try FeatureEncoder([.numeric("x")]).fit(table)
        let expected = zip(example.values, example.x).map { [$0, $1 == nil ? 1 : 0] }
        close(rows(try encoder.transform(table)), expected, "scaler")
        #expect(encoder.featureNames.map(\.name) == ["x", "x missing"])
    }

    @Test func levels() throws {
        let example = try golden().oneHot
        let train = try Table([.init("c", example.train)])
        let test = try Table([.init("c", example.test)])
        let plain = try FeatureEncoder([.oneHot("c")]).fit(train)
        #expect(plain.featureNames.map(\.level) == example.categories)
        close(rows(try plain.transform(test)), example.values, "one-hot")
        let rare = try FeatureEncoder([.oneHot("c", unseen: .other, minimumCount: 4)]).fit(train)
        close(rows(try rare.transform(test)), example.rare, "rare levels")
    }

    @Test func targetMeans() throws {
        for example in try golden().target {
            let what = "\(example.kind), \(example.smoothing ?? -1)"
            let train = try Table([.init("c", example.levels)])
            let recipe = FeatureEncoder([
                .target("c", smoothing: example.smoothing.map { .count($0) } ?? .automatic)
            ])
            let numbers = example.y.compactMap { if case .number(let value) = $0 { value } else { nil } }
            let texts = example.y.compactMap { if case .text(let value) = $0 { value } else { nil } }
            let encoder =
                switch example.kind {
                case "continuous": try recipe.fit(train, targets: numbers)
                case "binary": try recipe.fit(train, labels: numbers.map { Int($0) })
                default: try recipe.fit(train, labels: texts)
                }
            close(
                rows(try encoder.transform(Table([.init("c", example.test)]))), example.values, what)
        }
    }

    @Test func splines() throws {
        for example in try golden().splines {
            let train = try Table([.init("x", example.x)])
            let encoder = try FeatureEncoder([
                .spline(
                    "x", example.basis == "natural" ? .natural : .bSpline(degree: example.degree),
                    knots: example.knots, placement: example.placement == "uniform" ? .uniform : .quantiles)
            ]).fit(train)
            close(
                rows(try encoder.transform(Table([.init("x", example.at)]))), example.values,
                "\(example.basis) \(example.degree) \(example.knots) \(example.placement)")
        }
    }

    @Test func quantileBins() throws {
        for example in try golden().bins {
            let encoder = try FeatureEncoder([.bins("x", count: example.count)]).fit(
                Table([.init("x", example.x)]))
            close(
                rows(try encoder.transform(Table([.init("x", example.at)]))), example.values,
                "\(example.count) bins")
        }
    }

    @Test func terms() throws {
        let options: [String: TextEncoding] = [
            "defaults": TextEncoding(), "bigrams, sublinear": TextEncoding(range: 1...2, sublinear: true),
            "char": TextEncoding(unit: .characters, range: 1...3),
            "char_wb": TextEncoding(unit: .charactersInWords, range: 2...5),
            "frequencies": TextEncoding(minimumTexts: 2, maximumShare: 0.5),
            "limit": TextEncoding(range: 1...2, maximumTerms: 7),
            "case, no norm": TextEncoding(lowercased: false, normalised: false),
            "counts": TextEncoding(inverseFrequencies: false, normalised: false),
            "hashing": TextEncoding(range: 1...2, buckets: 64),
        ]
        for example in try golden().text {
            let encoding = try #require(options[example.name])
            let train = try Table([.init("t", example.texts)])
            let encoder = try FeatureEncoder([.text("t", encoding)], layout: .sparse).fit(train)
            if encoding.buckets == nil {
                #expect(encoder.featureNames.map(\.level) == example.terms, "\(example.name)")
            }
            let table = try Table([.init("t", example.texts + example.test)])
            guard case .sparse(let matrix) = try encoder.transform(table).features else {
                Issue.record("expected sparse features")
                continue
            }
            for (row, expected) in example.values.enumerated() {
                let places = matrix.rowOffsets[row]..<matrix.rowOffsets[row + 1]
                let sorted = expected.sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }
                #expect(
                    places.map { "\(matrix.columnIndices[$0])" } == sorted.map(\.key),
                    "\(example.name), text \(row)")
                expectClose(
                    places.map { Double(matrix.values[$0]) }, sorted.map(\.value), relative: 1e-6,
                    "\(example.name), text \(row)")
            }
        }
    }
}
