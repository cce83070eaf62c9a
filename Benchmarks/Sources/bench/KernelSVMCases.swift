import Foundation
import MarketingML

/// RBF support vector machines on standard normal columns: γ = 1 / D, C = 1, ε (of SVR) 0.1, tolerance 1e-3.
struct KernelSVMCase: BenchmarkCase {
    enum Machine {
        case classification
        case regression
    }

    let name: String
    let machine: Machine
    let predicts: Bool

    static let all = [
        KernelSVMCase(name: "svc_rbf/20000x50", machine: .classification, predicts: false),
        KernelSVMCase(name: "svc_rbf_predict/5000x50", machine: .classification, predicts: true),
        KernelSVMCase(name: "svr_rbf/10000x50", machine: .regression, predicts: false),
        KernelSVMCase(name: "svr_rbf_predict/5000x50", machine: .regression, predicts: true),
    ]

    func measure(repeats: Int) throws -> Measurement {
        switch machine {
        case .classification: try measureClassification(repeats)
        case .regression: try measureRegression(repeats)
        }
    }

    private func measureClassification(_ repeats: Int) throws -> Measurement {
        let data = try PeerData("svm_rbf_20000x50")
        let (x, test) = (try matrix(data, "X"), try matrix(data, "X_test"))
        let (labels, truth) = (try data.classes("y"), try data.classes("y_test"))
        let recipe = SupportVectorClassifier(kernel: .rbf(gamma: .auto), c: 1)
        var model = try recipe.fit(x, labels)
        let runs =
            predicts
            ? try Measurement.time(repeats: max(5, repeats)) { _ = try model.predict(test) }
            : try Measurement.time(repeats: repeats, warmup: 0) { model = try recipe.fit(x, labels) }
        let answers = try model.predict(test)
        let right = zip(answers, truth).filter { $0 == $1 }.count
        let rows = Double(predicts ? test.shape[0] : x.shape[0])
        return Measurement(
            runs: runs, throughput: { ["rows_per_s": rows / $0] },
            quality: [
                "dual_objective": model.reports[0].objective, "violation": model.reports[0].violation,
                "n_sv": Double(model.supportCounts.reduce(0, +)),
                "test_acc": Double(right) / Double(truth.count), "intercept": model.intercepts[0],
            ])
    }

    private func matrix(_ data: PeerData, _ name: String) throws -> Tensor<Double> {
        Tensor(shape: data.shape(name), try data.doubles(name))
    }

    private func measureRegression(_ repeats: Int) throws -> Measurement {
        let data = try PeerData("svm_rbf_10000x50")
        let (x, test) = (try matrix(data, "X"), try matrix(data, "X_test"))
        let (targets, truth) = (try data.doubles("target"), try data.doubles("target_test"))
        let recipe = SupportVectorRegressor(kernel: .rbf(gamma: .auto), c: 1, epsilon: 0.1)
        var model = try recipe.fit(x, targets)
        let runs =
            predicts
            ? try Measurement.time(repeats: max(5, repeats)) { _ = try model.predict(test) }
            : try Measurement.time(repeats: repeats, warmup: 0) { model = try recipe.fit(x, targets) }
        let answers = try model.predict(test)
        let mean = truth.reduce(0, +) / Double(truth.count)
        let (rest, total) = zip(answers, truth).reduce((0.0, 0.0)) {
            ($0.0 + ($1.0 - $1.1) * ($1.0 - $1.1), $0.1 + ($1.1 - mean) * ($1.1 - mean))
        }
        let rows = Double(predicts ? test.shape[0] : x.shape[0])
        return Measurement(
            runs: runs, throughput: { ["rows_per_s": rows / $0] },
            quality: [
                "dual_objective": model.report?.objective ?? .nan,
                "violation": model.report?.violation ?? .nan,
                "n_sv": Double(model.supportIndices.count), "test_r2": 1 - rest / total,
            ])
    }
}
