import Foundation
import MarketingML

/// Ridge regression with an intercept on the peers' dense single-precision features.
struct RidgeCase: BenchmarkCase {
    let family: String
    let size: String
    let solver: RidgeRegression.Solver

    static let all = ["ridge", "ridge_ar1"].flatMap { family in
        ["1000000x100", "100000x1000"].flatMap { size in
            [RidgeRegression.Solver.automatic, .cholesky, .conjugateGradient].map {
                RidgeCase(family: family, size: size, solver: $0)
            }
        }
    }

    var name: String { "\(family)/\(size)" + (solver == .automatic ? "" : "-\(solver.rawValue)") }

    func measure(repeats: Int) throws -> Measurement {
        let folder = "\(family)_\(size)"
        let features = try PeerData(folder).matrix("X")
        let targets = try PeerData(folder).matrix("y").elements
        // The peers' alpha is 1, twice λ.
        let recipe = RidgeRegression(lambda: 0.5, solver: solver)
        let before = Measurement.peakMegabytes
        var model = try recipe.fit(features, targets)
        let runs = try Measurement.time(repeats: repeats, warmup: 0) {
            model = try recipe.fit(features, targets)
        }
        var quality = [
            "intercept": model.intercept, "iterations": Double(model.report.iterations),
            "work_mb": Measurement.peakMegabytes - before,
        ]
        if let exact = PeerData.doubles("\(folder)/coef_exact.f64") {
            quality["max_coef_err_vs_exact"] =
                zip(exact, model.coefficients.elements).map { abs($0 - $1) }.max() ?? .nan
        }
        let rows = Double(features.shape[0])
        return Measurement(runs: runs, throughput: { ["rows_per_s": rows / $0] }, quality: quality)
    }
}
