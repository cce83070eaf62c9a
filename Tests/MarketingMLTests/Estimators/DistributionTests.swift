import Foundation
import MarketingML
import TestSupport
import Testing

/// Against SciPy; `Tests/Reference/distributions.py` makes the file.
@Suite struct DistributionTests {
    private struct Golden: Decodable {
        struct Case: Decodable {
            var kind: String
            var parameters: [Double]
            var points: [Double]
            var cdf: [Double]
            var survival: [Double]
            var probabilities: [Double]
            var quantiles: [Double]

            var distribution: any ContinuousDistribution {
                switch kind {
                case "t": StudentTDistribution(degreesOfFreedom: parameters[0])
                case "chiSquared": ChiSquaredDistribution(degreesOfFreedom: parameters[0])
                case "f": FDistribution(parameters[0], parameters[1])
                default: NormalDistribution()
                }
            }
        }
        var cases: [Case]
    }

    private func golden() throws -> [Golden.Case] {
        try JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: TestData.fixture("distributions.json", .module))
        ).cases
    }

    @Test func matchSciPy() throws {
        for example in try golden() {
            let distribution = example.distribution
            let name = "\(example.kind) \(example.parameters)"
            // What SciPy says below 1e-290 has lost digits itself.
            expectClose(
                example.points.map(distribution.cdf), example.cdf, absolute: 1e-290, relative: 2e-12,
                "\(name) cdf")
            expectClose(
                example.points.map(distribution.survival), example.survival, absolute: 1e-290,
                relative: 2e-12, "\(name) survival")
            expectClose(
                example.probabilities.map(distribution.quantile), example.quantiles, absolute: 1e-290,
                relative: 2e-12, "\(name) quantile")
        }
    }

    @Test func quantilesInvertTails() throws {
        for example in try golden() {
            let distribution = example.distribution
            for p in [1e-250, 1e-20, 1e-5, 0.02, 0.3, 0.49] {
                let x = distribution.quantile(p)
                guard x != 0, x.isFinite else { continue }
                expectClose(
                    [distribution.cdf(x)], [p], relative: 1e-12 * max(1, -log(p)),
                    "\(example.kind) \(example.parameters)")
            }
        }
    }

    @Test func edges() {
        let t = StudentTDistribution(degreesOfFreedom: 5)
        #expect(t.quantile(0) == -.infinity && t.quantile(1) == .infinity && t.quantile(1.5).isNaN)
        #expect(t.cdf(.infinity) == 1 && t.survival(.infinity) == 0 && t.cdf(.nan).isNaN)
        let chi = ChiSquaredDistribution(degreesOfFreedom: 3)
        #expect(chi.cdf(-1) == 0 && chi.survival(0) == 1 && chi.quantile(0) == 0 && chi.cdf(.nan).isNaN)
        #expect(chi.quantile(1) == .infinity && chi.cdf(.infinity) == 1)
        #expect(NormalDistribution().quantile(0.5) == 0 && NormalDistribution().quantile(-0.1).isNaN)
        let limit = StudentTDistribution(degreesOfFreedom: .infinity)
        #expect(limit.quantile(0.975) == NormalDistribution().quantile(0.975))
    }
}
