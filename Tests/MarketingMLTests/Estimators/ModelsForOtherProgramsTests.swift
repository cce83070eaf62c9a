import Foundation
import MarketingML
import TestSupport
import Testing

/// Model files that LIBSVM and LIBLINEAR read. `Tests/Reference/load_svm_models.py` has these programs read the files in
/// `Fixtures/svm-written`, and compares their answers with the values that stand beside each file; here the same files are
/// read, judged and written again. A file that is missing there is made anew, and the test fails until it is checked and kept.
@Suite struct ModelsForOtherProgramsTests {
    /// What a model says of some rows.
    private struct Answers: Codable, Equatable {
        var x: [[Double]]
        /// Decision values; of a regression the predictions.
        var values: [[Double]]
        /// Of each column of the values: the class that a value above 0 favours, and the one against it if there is one.
        var columns: [[Int]]
    }

    private static let problem = KernelSVMProblem(60, 3, classes: 3)
    private static let numbers = problem.labels.map { ["class 0": 7, "class 1": -2][$0] ?? 3 }
    private static let pairNumbers = problem.targets.map { $0 > 0 ? 1 : -1 }
    private static let rows = problem.x.rows(0..<9)

    private func expectKept(
        _ name: String, fit: (URL) throws -> Void, rewrite: (_ from: URL, _ to: URL) throws -> Answers
    ) throws {
        let folder = TestData.packageRoot.appending(path: "Tests/MarketingMLTests/Fixtures/svm-written")
        let kept = folder.appending(path: "\(name).model")
        let values = folder.appending(path: "\(name).json")
        if !FileManager.default.fileExists(atPath: kept.path) {
            try fit(kept)
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            try encoder.encode(rewrite(kept, kept)).write(to: values)
            Issue.record("\(kept.path) is new: check it with Tests/Reference/load_svm_models.py and keep it")
        }
        try withTemporaryDirectory { temporary in
            let written = URL(fileURLWithPath: temporary).appending(path: "model")
            let found = try rewrite(kept, written)
            let expected = try JSONDecoder().decode(Answers.self, from: Data(contentsOf: values))
            #expect(found.columns == expected.columns)
            expectClose(found.values.flatMap(\.self), expected.values.flatMap(\.self), absolute: 1e-12)
            #expect(try Data(contentsOf: written) == Data(contentsOf: kept))
        }
    }

    private func answers(_ values: [[Double]], _ columns: [[Int]]) -> Answers {
        Answers(
            x: (0..<Self.rows.shape[0]).map { Self.rows.rows($0..<$0 + 1).elements }, values: values,
            columns: columns)
    }

    @Test(arguments: ["linear", "rbf", "polynomial", "sigmoid"])
    func classifiers(_ name: String) throws {
        let kernels: [String: SupportVectorKernel] = [
            "linear": .linear, "rbf": .rbf(), "polynomial": .polynomial(degree: 2, constant: 1),
            "sigmoid": .sigmoid(gamma: .value(0.1), constant: 0.1),
        ]
        let kernel = try #require(kernels[name])
        try expectKept("classifier-\(name)") {
            try SupportVectorClassifier(kernel: kernel).fit(Self.problem.x, Self.numbers).saveLIBSVM(to: $0)
        } rewrite: {
            let model = try SupportVectorModel<Int>(libsvm: $0, featureCount: 3)
            try model.saveLIBSVM(to: $1)
            let values = try model.pairwiseDecisionValues(of: Self.rows)
            return answers(
                (0..<values.shape[0]).map { values.rows($0..<$0 + 1).elements },
                model.pairs.map { [model.classes[$0.second], model.classes[$0.first]] })
        }
    }

    @Test func regression() throws {
        try expectKept("regression") {
            try SupportVectorRegressor().fit(Self.problem.x, Self.problem.targets).saveLIBSVM(to: $0)
        } rewrite: {
            let model = try SupportVectorRegressionModel(libsvm: $0, featureCount: 3)
            try model.saveLIBSVM(to: $1)
            return answers(try model.predict(Self.rows).map { [$0] }, [])
        }
    }

    @Test func oneClass() throws {
        try expectKept("one-class") {
            try OneClassSupportVectorMachine(nu: 0.3).fit(Self.problem.x).saveLIBSVM(to: $0)
        } rewrite: {
            let model = try OneClassSupportVectorModel(libsvm: $0, featureCount: 3)
            try model.saveLIBSVM(to: $1)
            return answers(try model.decisionValues(of: Self.rows).map { [$0] }, [])
        }
    }

    @Test(arguments: ["two-classes", "three-classes"])
    func linear(_ name: String) throws {
        try expectKept("linear-\(name)") {
            let labels = name == "two-classes" ? Self.pairNumbers : Self.numbers
            try LiblinearModel(LinearSupportVectorClassifier().fit(Self.problem.x, labels)).write(to: $0)
        } rewrite: {
            let model = try LiblinearModel($0)
            try model.write(to: $1)
            let values = try model.decisionValues(of: Self.rows)
            let width = values.elements.count / Self.rows.shape[0]
            return answers(
                stride(from: 0, to: values.elements.count, by: width).map {
                    Array(values.elements[$0..<$0 + width])
                },
                width == 1 ? [[model.classes[1], model.classes[0]]] : (0..<width).map { [model.classes[$0]] })
        }
    }
}
