import Foundation
import MarketingML
import TestSupport
import Testing

/// Against LIBSVM (by scikit-learn) at tolerance 1e-6: objective, optimality, decision values, answers.
@Suite struct KernelSVMReferenceTests {
    private static let tolerance = 1e-6
    private static let solver = KernelSolverOptions(tolerance: tolerance)

    @Test func everyCase() throws {
        let cases = try KernelSVMFixture.load().cases
        #expect(cases.count == 31)
        for example in cases { try check(example) }
    }

    private func check(_ example: KernelSVMFixture.Case) throws {
        let (x, test, kernel) = (example.features, example.testFeatures, example.kernelFunction)
        let count = example.x.count
        var betas: [[Double]] = []
        var intercepts: [Double] = []
        var values: [Double] = []
        var reports: [SolverReport] = []
        switch example.machine {
        case "svc", "nu_svc":
            let weights: ClassWeights = example.classWeights.map { .values($0) } ?? .uniform
            let model =
                example.machine == "svc"
                ? try SupportVectorClassifier(
                    kernel: kernel, c: try #require(example.c), classWeights: weights, solver: Self.solver
                ).fit(x, example.labels, weights: example.weights)
                : try NuSupportVectorClassifier(
                    kernel: kernel, nu: try #require(example.nu), solver: Self.solver
                )
                .fit(x, example.labels, weights: example.weights)
            betas = coefficients(of: model, count)
            intercepts = model.intercepts
            values = try model.pairwiseDecisionValues(of: test).elements
            reports = model.reports
            try checkAnswers(example, model)
        case "svr", "nu_svr":
            let model =
                example.machine == "svr"
                ? try SupportVectorRegressor(
                    kernel: kernel, c: try #require(example.c), epsilon: try #require(example.epsilon),
                    solver: Self.solver
                ).fit(x, example.y, weights: example.weights)
                : try NuSupportVectorRegressor(
                    kernel: kernel, nu: try #require(example.nu), c: try #require(example.c),
                    solver: Self.solver
                ).fit(x, example.y, weights: example.weights)
            betas = [spread(model.dualCoefficients, model.supportIndices, count)]
            intercepts = [model.intercept]
            values = try model.predict(test)
            reports = [try #require(model.report)]
        default:
            let model = try OneClassSupportVectorMachine(
                kernel: kernel, nu: try #require(example.nu), solver: Self.solver
            ).fit(x, weights: example.weights)
            betas = [spread(model.dualCoefficients, model.supportIndices, count)]
            intercepts = [model.intercept]
            values = try model.decisionValues(of: test)
            reports = [try #require(model.report)]
        }
        for report in reports {
            #expect(report.stopReason == .converged, "\(example.name)")
            #expect(report.violation < Self.tolerance, "\(example.name)")
        }
        let isConvex = example.kernel != "sigmoid"
        for (pair, beta) in betas.enumerated() {
            let objective = self.objective(example, beta, isNu: example.machine == "nu_svc")
            let reference = example.objective[pair]
            #expect(
                objective <= reference + 1e-5 * abs(reference) || !isConvex,
                "\(example.name): objective \(objective), LIBSVM's \(reference)")
        }
        // ν-SVC divides by its width, which may be small; the scale of values is then that of coefficients.
        let scale = max(1, example.decision.flatMap { $0 }.map(abs).max() ?? 1)
        let allowed = (example.c ?? 1 > 100 ? 1e-3 : 2e-5) * scale
        expectClose(
            values, example.decision.flatMap { $0 }, absolute: allowed, "\(example.name): decision values")
        expectClose(intercepts, example.intercepts, absolute: allowed, "\(example.name): intercepts")
    }

    private func checkAnswers(_ example: KernelSVMFixture.Case, _ model: SupportVectorModel<Int>) throws {
        let answers = try model.predict(example.testFeatures)
        let classes = model.classes.count
        for (place, answer) in answers.enumerated() where answer != example.answers?[place] {
            // LIBSVM takes the first of classes with as many votes; here their values decide.
            let pairs = model.pairs
            var votes = [Int](repeating: 0, count: classes)
            for (pair, value) in zip(pairs, example.decision[place]) {
                votes[value > 0 ? pair.second : pair.first] += 1
            }
            #expect(votes[answer] == votes.max(), "\(example.name): answer \(place)")
            #expect(votes.filter { $0 == votes.max() }.count > 1, "\(example.name): answer \(place)")
        }
    }

    private func objective(_ example: KernelSVMFixture.Case, _ beta: [Double], isNu: Bool) -> Double {
        let used = beta.indices.filter { beta[$0] != 0 }
        var quadratic = 0.0
        for a in used { for b in used { quadratic += beta[a] * beta[b] * example.value(a, b) } }
        let size = used.reduce(0) { $0 + abs(beta[$1]) }
        let product = used.reduce(0) { $0 + example.y[$1] * beta[$1] }
        switch example.machine {
        case "svc": return 0.5 * quadratic - size
        case "svr": return 0.5 * quadratic + (example.epsilon ?? 0) * size - product
        case "nu_svr": return 0.5 * quadratic - product
        default: return 0.5 * quadratic
        }
    }

    private func spread(_ values: [Double], _ indices: [Int], _ count: Int) -> [Double] {
        var result = [Double](repeating: 0, count: count)
        for (value, index) in zip(values, indices) { result[index] = value }
        return result
    }

    /// β of each pair.
    private func coefficients(of model: SupportVectorModel<Int>, _ count: Int) -> [[Double]] {
        let coefficients = model.dualCoefficients
        let starts = model.supportCounts.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
        return model.pairs.map { first, second in
            var beta = [Double](repeating: 0, count: count)
            for (own, row) in [(first, second - 1), (second, first)] {
                for place in starts[own]..<starts[own + 1] {
                    beta[model.supportIndices[place]] = coefficients[row, place]
                }
            }
            return beta
        }
    }

    /// LIBSVM's own example problem: 132 support vectors, 234 right, dual objective −100.877.
    @Test(.enabled(if: TestData.shared("heart-scale/heart_scale") != nil)) func heartScale() throws {
        let url = try #require(TestData.shared("heart-scale/heart_scale"))
        var rows: [[Double]] = []
        var labels: [Int] = []
        for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ")
            labels.append(words[0].hasPrefix("-") ? -1 : 1)
            var row = [Double](repeating: 0, count: 13)
            for word in words.dropFirst() {
                let parts = word.split(separator: ":")
                row[try #require(Int(parts[0])) - 1] = try #require(Double(parts[1]))
            }
            rows.append(row)
        }
        let recipe = SupportVectorClassifier(kernel: .rbf(gamma: .value(1.0 / 13)), c: 1)
        let model = try recipe.fit(matrix(rows), labels)
        #expect(model.supportCounts.reduce(0, +) == 132)
        #expect(abs(model.reports[0].objective + 100.877) < 1e-3)
        #expect(abs(abs(model.intercepts[0]) - 0.4245) < 1e-3)
        let right = zip(try model.predict(matrix(rows)), labels).filter { $0 == $1 }.count
        #expect(right == 234)
        // As single and as sparse features: the same machine.
        for features in [
            matrix(rows).features,
            Tensor<Float>(shape: [270, 13], rows.flatMap { $0.map { Float($0) } }).features,
            SparseMatrix(Tensor<Float>(shape: [270, 13], rows.flatMap { $0.map { Float($0) } })).features,
        ] {
            let other = try recipe.fit(features, labels)
            #expect(other.supportIndices == model.supportIndices)
            #expect(abs(other.reports[0].objective + 100.877) < 1e-3)
        }
    }
}
