import Foundation
import MarketingML
import TestSupport
import Testing

@Suite struct StreamingLogisticTests {
    private typealias Model = StreamingLogisticRegression<String>

    private func rows(_ count: Int, seed: UInt64 = 5) -> (rows: [[String: Double]], labels: [String]) {
        var random = SeededGenerator(seed: seed)
        var (rows, labels): ([[String: Double]], [String]) = ([], [])
        for _ in 0..<count {
            let (site, hour) = (random.next(below: 20), random.next(below: 24))
            rows.append([
                "site=\(site)": 1, "hour=\(hour)": 1, "price": Double(random.next(below: 100)) / 100,
            ])
            labels.append(random.next(below: 20) < site ? "click" : "skip")
        }
        return (rows, labels)
    }

    /// The paper's algorithm, written as on paper.
    @Test func followsThePaper() throws {
        let options = Model.Options(rate: 0.3, beta: 0.7, l1: 0.02, l2: 0.1)
        var model = try Model(classes: ["no", "yes"], features: .fixed(count: 4), options: options)
        var random = SeededGenerator(seed: 2)
        var (z, n) = ([Double](repeating: 0, count: 5), [Double](repeating: 0, count: 5))
        for round in 0..<30 {
            let x = (0..<4).map { _ in Float(random.next(below: 5)) / 2 - 1 }
            let label = random.next(below: 2)
            let weight = round % 4 == 0 ? 2.0 : 1
            func w(_ i: Int) -> Double {
                let l1 = i == 4 ? 0 : options.l1, l2 = i == 4 ? 0 : options.l2
                let sign: Double = z[i] < 0 ? -1 : 1
                return abs(z[i]) <= l1
                    ? 0 : -(z[i] - sign * l1) / ((options.beta + sqrt(n[i])) / options.rate + l2)
            }
            let row = x.map { Double($0) } + [1]
            let margin = (0..<5).reduce(0.0) { $0 + row[$1] * w($1) }
            let p = 1 / (1 + exp(-margin))
            let gradient = row.map { weight * (p - Double(label)) * $0 }
            for i in 0..<5 where row[i] != 0 {
                let sigma = (sqrt(n[i] + gradient[i] * gradient[i]) - sqrt(n[i])) / options.rate
                z[i] += gradient[i] - sigma * w(i)
                n[i] += gradient[i] * gradient[i]
            }
            let loss = try model.update(
                Tensor<Float>(shape: [1, 4], x), [label == 1 ? "yes" : "no"], weights: [weight])
            #expect(abs(loss + log(label == 1 ? p : 1 - p)) < 1e-12)
            expectClose(
                model.coefficients + [model.intercept], (0..<5).map(w), absolute: 1e-13, "round \(round)")
        }
        #expect(model.coefficients.contains { $0 != 0 })
    }

    @Test func learnsAndResumes() throws {
        let (rows, labels) = rows(4000)
        var model = try Model(classes: ["skip", "click"], features: .hashed(bits: 12))
        let first = try model.update(Array(rows[..<2000]), Array(labels[..<2000]))
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/stream")
            try model.save(to: url)
            var again = try Model(url)
            #expect(again == model)
            let second = try model.update(Array(rows[2000...]), Array(labels[2000...]))
            #expect(try again.update(Array(rows[2000...]), Array(labels[2000...])) == second)
            #expect(again == model)
            // In two halves or in one call: the same.
            var once = try Model(classes: ["skip", "click"], features: .hashed(bits: 12))
            try once.update(rows, labels)
            #expect(once == model)
            #expect(second < first && second < 0.62, "losses \(first), \(second)")
            let bytes = Array(try Data(contentsOf: url))
            let damaged = URL(fileURLWithPath: folder + "/damaged")
            try forEachMutation(of: bytes, count: 100) { bytes in
                try Data(bytes).write(to: damaged)
                do { _ = try Model(damaged) } catch is MarketingMLError {}
            }
        }
        #expect(model.exampleCount == 4000)
        let p = try model.probabilities(of: model.encode([["site=0": 1], ["site=19": 1]]))
        #expect(p[0, 1] < 0.25 && p[1, 1] > p[0, 1] + 0.25)
    }

    @Test func badInput() throws {
        for classes in [["a"], ["a", "a"], ["a", "b", "c"]] {
            #expect(throws: MarketingMLError.self) { try Model(classes: classes, features: .fixed(count: 3)) }
        }
        for features in [
            Model.FeatureSpace.fixed(count: 0), .hashed(bits: 0), .hashed(bits: 31), .fixed(count: -1),
        ] {
            #expect(throws: MarketingMLError.self) { try Model(classes: ["a", "b"], features: features) }
        }
        for options in [
            Model.Options(rate: 0), .init(beta: -1), .init(l1: -1), .init(l2: .nan), .init(beta: 0),
        ] {
            #expect(throws: MarketingMLError.self) {
                try Model(classes: ["a", "b"], features: .fixed(count: 3), options: options)
            }
        }
        var model = try Model(classes: ["a", "b"], features: .fixed(count: 3))
        let before = model
        func expectCode(_ code: MarketingMLError.Code, _ body: (inout Model) throws -> Void) {
            expectFailure(code) { try body(&model) }
            #expect(model == before)
        }
        let x = Tensor<Double>.zeros([2, 3])
        expectCode(.unknownLabel) { try $0.update(x, ["a", "c"]) }
        expectCode(.shapeMismatch) { try $0.update(x, ["a"]) }
        expectCode(.shapeMismatch) { try $0.update(Tensor<Double>.zeros([2, 4]), ["a", "b"]) }
        expectCode(.invalidOption) { try $0.update(x, ["a", "b"], weights: [1, -1]) }
        expectCode(.notFinite) { try $0.update(Tensor<Double>(shape: [1, 3], [0, .nan, 0]), ["a"]) }
        expectCode(.invalidOption) { try $0.update([["x": 1]], ["a"]) }
    }
}
