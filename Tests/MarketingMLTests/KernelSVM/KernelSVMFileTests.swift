import Foundation
import MarketingML
import TestSupport
import Testing

/// The library's own model files and LIBSVM's.
@Suite struct KernelSVMFileTests {
    private func inFolder(_ body: (URL) throws -> Void) throws {
        try withTemporaryDirectory { try body(URL(fileURLWithPath: $0).appending(path: "model")) }
    }

    @Test func modelsReadBackToTheSameBits() throws {
        let problem = KernelSVMProblem(80, 4, classes: 3)
        let x = problem.x
        let sparse = SparseMatrix(Tensor<Float>(shape: x.shape, x.elements.map { $0 > 1.2 ? Float($0) : 0 }))
        try inFolder { url in
            for features in [
                x.features, Tensor<Float>(shape: x.shape, x.elements.map { Float($0) }).features,
                sparse.features,
            ] {
                let model = try SupportVectorClassifier().fit(features, problem.labels)
                try model.save(to: url)
                let again = try SupportVectorModel<String>(url)
                #expect(again.supportVectors == model.supportVectors)
                #expect(again.reports == model.reports)
                #expect(try again.pairwiseDecisionValues(of: x) == model.pairwiseDecisionValues(of: x))
                #expect(try again.predict(x) == model.predict(x))
            }
            let regression = try NuSupportVectorRegressor().fit(x, problem.targets)
            try regression.save(to: url)
            #expect(try SupportVectorRegressionModel(url).predict(x) == regression.predict(x))
            #expect(try SupportVectorRegressionModel(url).epsilon == regression.epsilon)
            #expect(throws: MarketingMLError.self) { try SupportVectorModel<String>(url) }
            let one = try OneClassSupportVectorMachine(nu: 0.2).fit(x)
            try one.save(to: url)
            #expect(try OneClassSupportVectorModel(url).decisionValues(of: x) == one.decisionValues(of: x))
        }
    }

    @Test func damagedModelsGiveTypedErrors() throws {
        let problem = KernelSVMProblem(15, 2)
        try inFolder { url in
            try SupportVectorClassifier().fit(problem.x, problem.labels).save(to: url)
            let bytes = [UInt8](try Data(contentsOf: url))
            try forEachMutation(of: bytes, count: 1500) { damaged in
                try Data(damaged).write(to: url)
                expectTyped { _ = try SupportVectorModel<String>(url).predict(problem.x) }
            }
        }
    }

    private func expectTyped(_ body: () throws -> Void) {
        do { try body() } catch is MarketingMLError {} catch { Issue.record("\(error)") }
    }

    /// What LIBSVM writes is predicted as LIBSVM predicts it.
    @Test func libsvmModels() throws {
        for example in try KernelSVMFixture.load().libsvm {
            let url = TestData.fixture("libsvm/\(example.name).model", .module)
            let x = matrix(example.x)
            let values: [Double]
            if example.name.hasSuffix("svr") {
                let model = try SupportVectorRegressionModel(libsvm: url, featureCount: x.shape[1])
                values = try model.predict(x)
            } else if example.name == "one_class" {
                values = try OneClassSupportVectorModel(libsvm: url, featureCount: x.shape[1]).decisionValues(
                    of: x)
            } else {
                let model = try SupportVectorModel<Int>(libsvm: url, featureCount: x.shape[1])
                if example.name == "c_svc_probability" {
                    #expect(try model.predict(x).count == example.answers.count)
                    continue
                }
                #expect(model.classes.labels == example.labels.sorted())
                // LIBSVM's pairs are in the order of its labels, and favour the first.
                let ours = try model.pairwiseDecisionValues(of: x)
                values = (0..<x.shape[0]).flatMap { row in
                    (0..<example.labels.count).flatMap { a in
                        (a + 1..<example.labels.count).map { b in
                            let first = min(example.labels[a], example.labels[b])
                            let second = max(example.labels[a], example.labels[b])
                            let pair = model.pairs.firstIndex {
                                model.classes[$0.first] == first && model.classes[$0.second] == second
                            }
                            return ours[row, pair ?? 0] * (example.labels[a] == second ? 1 : -1)
                        }
                    }
                }
                if example.labels.count == 2 {
                    #expect(try model.predict(x).map { Double($0) } == example.answers, "\(example.name)")
                }
            }
            expectClose(values, example.values.flatMap { $0 }, absolute: 1e-9, relative: 1e-6, example.name)
        }
    }

    @Test func libsvmFilesReadBack() throws {
        let problem = KernelSVMProblem(70, 3, classes: 3)
        let x = problem.x
        try inFolder { url in
            let labels = problem.labels.map { ["class 0": 7, "class 1": -2][$0] ?? 3 }
            let kernels: [SupportVectorKernel] = [
                .linear, .rbf(), .polynomial(degree: 2, constant: 1),
                .sigmoid(gamma: .value(0.1), constant: 0.1),
            ]
            for kernel in kernels {
                let model = try SupportVectorClassifier(kernel: kernel).fit(x, labels)
                try model.saveLIBSVM(to: url)
                let again = try SupportVectorModel<Int>(libsvm: url, featureCount: 3)
                expectClose(
                    try again.pairwiseDecisionValues(of: x).elements,
                    try model.pairwiseDecisionValues(of: x).elements,
                    absolute: 1e-12, relative: 1e-12, "\(kernel)")
            }
            let regression = try SupportVectorRegressor().fit(x, problem.targets)
            try regression.saveLIBSVM(to: url)
            expectClose(
                try SupportVectorRegressionModel(libsvm: url).predict(x), try regression.predict(x),
                absolute: 1e-12)
            let one = try OneClassSupportVectorMachine(nu: 0.3).fit(x)
            try one.saveLIBSVM(to: url)
            expectClose(
                try OneClassSupportVectorModel(libsvm: url).decisionValues(of: x),
                try one.decisionValues(of: x),
                absolute: 1e-12)
        }
    }

    @Test func brokenLIBSVMFiles() throws {
        let good = """
            svm_type c_svc
            kernel_type rbf
            gamma 0.5
            nr_class 2
            total_sv 2
            rho 0.25
            label 1 -1
            nr_sv 1 1
            SV
            1 1:0.5 3:1
            -1 2:1

            """
        let changes: [(String, String, MarketingMLError.Code)] = [
            ("c_svc", "d_svc", .unsupported), ("rbf", "gauss", .unsupported),
            ("gamma 0.5", "gamma", .malformedFile),
            ("gamma 0.5", "gamma -1", .unsupported), ("gamma 0.5", "gamma nan", .notFinite),
            ("nr_class 2", "nr_class 1", .malformedFile), ("nr_class 2", "nr_class 3", .malformedFile),
            ("nr_class 2", "nr_class 4000000000", .malformedFile),
            ("total_sv 2", "total_sv -1", .malformedFile),
            ("total_sv 2", "total_sv 3", .malformedFile),
            ("total_sv 2", "total_sv 9223372036854775807", .malformedFile),
            ("rho 0.25", "rho x", .malformedFile), ("rho 0.25", "rho 1 2", .malformedFile),
            ("label 1 -1", "label 1 1", .malformedFile), ("label 1 -1", "label 1", .malformedFile),
            ("nr_sv 1 1", "nr_sv 3 -1", .malformedFile),
            ("nr_sv 1 1", "nr_sv 1 9223372036854775807", .malformedFile),
            ("SV\n", "", .malformedFile), ("3:1", "1:1", .malformedFile), ("3:1", "0:1", .malformedFile),
            ("3:1", "3", .malformedFile), ("3:1", "3:inf", .malformedFile),
            ("3:1", "99999999999999999999:1", .malformedFile), ("2:1", "2000000000:1", .malformedFile),
            ("-1 2:1\n", "", .malformedFile), ("-1 2:1", "-1 2:1\n1 1:1", .malformedFile),
            ("-1 2:1", "x 2:1", .malformedFile), ("gamma 0.5", "gamma 0.5\ngamma 0.5", .malformedFile),
        ]
        try inFolder { url in
            try Data(good.utf8).write(to: url)
            #expect(try SupportVectorModel<Int>(libsvm: url).featureCount == 3)
            for (old, new, code) in changes {
                try Data(good.replacingOccurrences(of: old, with: new).utf8).write(to: url)
                do {
                    _ = try SupportVectorModel<Int>(libsvm: url)
                    Issue.record("\(old) -> \(new) was read")
                } catch let error as MarketingMLError {
                    #expect(error.code == code, "\(old) -> \(new): \(error)")
                    #expect(error.location.file == url.path)
                }
            }
            try forEachMutation(of: Array(good.utf8), count: 5000) { damaged in
                try Data(damaged).write(to: url)
                expectTyped { _ = try SupportVectorModel<Int>(libsvm: url) }
            }
        }
    }
}
