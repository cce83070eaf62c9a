import Foundation
import TestSupport
import Testing

@testable import MarketingML

@Suite struct LiblinearModelTests {
    private func withFile<Result>(_ text: String, _ body: (URL) throws -> Result) throws -> Result {
        try withTemporaryDirectory { folder in
            let url = URL(fileURLWithPath: folder + "/model")
            try Data(text.utf8).write(to: url)
            return try body(url)
        }
    }

    @Test func readsWhatTrainWrote() throws {
        let reference = try #require(LinearReference.shared)
        let matrix = try reference.sparse
        for file in reference.files {
            let model = try withFile(file.text) { try LiblinearModel($0) }
            #expect(model.labels == file.labels && model.bias == file.bias && model.featureCount == 14)
            if model.solver.isRegression {
                expectClose(try model.regressionValues(of: matrix), file.predictions, absolute: 1e-9)
                #expect(throws: MarketingMLError.self) { try model.decisionValues(of: matrix) }
                continue
            }
            #expect(throws: MarketingMLError.self) { try model.regressionValues(of: matrix) }
            #expect(try model.predict(matrix) == file.predictions.map { Int($0) })
            let count = model.classes.count
            let values = try model.decisionValues(of: matrix).elements
            let places = try model.classes.indices(of: file.labels)
            for (row, theirs) in file.values.enumerated() {
                if count == 2 {
                    // Of Crammer and Singer's two values, one the negative of the other, LIBLINEAR gives the first.
                    let value = (file.s == 4 ? 2 : 1) * theirs[0]
                    #expect(abs(values[row] - (places[0] == 1 ? value : -value)) < 1e-9)
                } else {
                    for (index, value) in theirs.enumerated() {
                        #expect(abs(values[row * count + places[index]] - value) < 1e-9)
                    }
                }
            }
            if let probabilities = file.probabilities {
                let found = try model.probabilities(of: matrix)
                for (row, theirs) in probabilities.enumerated() {
                    for (index, value) in theirs.enumerated() {
                        #expect(abs(found[row, places[index]] - value) < 1e-9)
                    }
                }
            } else {
                #expect(throws: MarketingMLError.self) { try model.probabilities(of: matrix) }
            }
            let machine = try LinearSupportVectorModel(model)
            #expect(try machine.decisionValues(of: matrix) == model.decisionValues(of: matrix))
        }
    }

    @Test func writesWhatItReads() throws {
        let reference = try #require(LinearReference.shared)
        for file in reference.files {
            try withFile(file.text) { url in
                let model = try LiblinearModel(url)
                try model.write(to: url)
                #expect(try LiblinearModel(url) == model)
            }
        }
        for labels in [reference.binary, reference.classes] {
            let machine = try LinearSupportVectorClassifier().fit(reference.sparse, labels)
            try withFile("") { url in
                try LiblinearModel(machine).write(to: url)
                let again = try LinearSupportVectorModel(LiblinearModel(url))
                #expect(again.coefficients == machine.coefficients && again.intercepts == machine.intercepts)
                #expect(again.classes == machine.classes)
            }
        }
    }

    @Test(arguments: [
        ("", MarketingMLError.Code.malformedFile),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\n", .malformedFile),
        ("nr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n1\n2\n", .malformedFile),
        ("solver_type L2R_XX\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n1\n2\n", .unsupported),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 1\nnr_feature 2\nbias -1\nw\n1\n2\n", .malformedFile),
        ("solver_type L2R_LR\nnr_class 3\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n1\n2\n", .malformedFile),
        ("solver_type L2R_LR\nnr_class 1\nlabel 1\nnr_feature 2\nbias -1\nw\n1\n2\n", .malformedFile),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 x\nnr_feature 2\nbias -1\nw\n1\n2\n", .malformedFile),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 0\nbias -1\nw\n", .malformedFile),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature -4\nbias -1\nw\n1\n", .malformedFile),
        (
            "solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2000000000\nbias -1\nw\n1\n2\n",
            .malformedFile
        ),
        (
            "solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 9223372036854775807\nbias 1\nw\n1\n",
            .malformedFile
        ),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n1\n", .malformedFile),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n1\n2\n3\n", .malformedFile),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n1 5\n2 5\n", .malformedFile),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias 1\nw\n1\n2\n", .malformedFile),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias nan\nw\n1\n2\n", .notFinite),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n1\ninf\n", .notFinite),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n1\nzwei\n", .malformedFile),
        ("solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nrho 3\nw\n1\n2\n", .malformedFile),
        ("solver_type L2R_L2LOSS_SVR\nnr_class 2\nlabel 1 2\nnr_feature 1\nbias -1\nw\n1\n", .malformedFile),
    ]) func brokenFilesAreRefused(text: String, code: MarketingMLError.Code) throws {
        _ = try withFile(text) { url in
            #expect {
                try LiblinearModel(url)
            } throws: { error in
                guard let error = error as? MarketingMLError else { return false }
                return error.code == code && error.location.file == url.path
            }
        }
    }

    @Test func windowsLinesAreRead() throws {
        let text =
            "solver_type L2R_LR\r\nnr_class 2\r\nlabel 1 -1\r\nnr_feature 2\r\nbias -1\r\nw\r\n0.5 \r\n-2 \r\n"
        let model = try withFile(text) { try LiblinearModel($0) }
        #expect(model.weights == [[0.5, -2]] && model.labels == [1, -1])
    }

    @Test func mutationsDoNoHarm() throws {
        let reference = try #require(LinearReference.shared)
        try withFile("") { url in
            for file in [reference.files[0], reference.files[4]] {
                forEachMutation(of: Array(file.text.utf8), count: 1000) { bytes in
                    try? Data(bytes).write(to: url)
                    do {
                        let model = try LiblinearModel(url)
                        #expect(model.weights.allSatisfy { $0.allSatisfy(\.isFinite) })
                    } catch {
                        #expect(error is MarketingMLError)
                    }
                }
            }
        }
    }
}
