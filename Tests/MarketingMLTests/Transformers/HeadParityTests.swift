import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Heads on a small random BERT against transformers, and metrics against seqeval and SQuAD: Tests/Reference/heads.py.
@Suite struct HeadParityTests {
    private func file() throws -> SafeTensorsFile {
        try SafeTensorsFile(TestData.fixture("heads.safetensors", .module))
    }

    private func encoder() throws -> (BERTEncoder<Float>, TokenBatch) {
        let checkpoint = try BERTCheckpoint(directory: TestData.fixture("bert-small", .module))
        let rows = try SafeTensorsFile(TestData.fixture("bert-small.safetensors", .module)).packedRows()
        return (try checkpoint.encoder(), rows)
    }

    private func head(_ name: String) throws -> Linear<Float> {
        Linear(weight: try file().tensor("\(name).weight"), bias: try file().tensor("\(name).bias"))
    }

    private func compare<Model: Parameterized<Float>>(
        _ name: String, _ model: Model, head: String, scores: (Model) -> Tensor<Float>,
        loss: (Tensor<Float>) throws -> Tensor<Float>
    ) throws {
        let file = try file()
        let expected = try file.tensor("\(name).scores", as: Float.self)
        let actual = scores(model)
        #expect(actual.shape == expected.shape)
        expectClose(actual.elements, expected.elements, absolute: 2e-5, "\(name) scores")
        let (value, gradients) = try valueAndGradient(of: model) { try loss(scores($0)) }
        expectClose(
            [value.item], try file.tensor("\(name).loss", as: Float.self).elements, absolute: 2e-5,
            "\(name) loss")
        let weight = try #require(gradients["\(head).weight"])
        expectRelativeNorm(
            weight.elements, try file.tensor("\(name).grad.weight", as: Float.self).elements, 1e-4,
            "\(name) head")
        let query = try #require(gradients["bert.encoder.layer.0.attention.self.qkv.weight"]).rows(0..<40)
        expectRelativeNorm(
            query.elements, try file.tensor("\(name).grad.query", as: Float.self).elements, 1e-4,
            "\(name) query")
    }

    @Test(arguments: ["regression", "multilabel"]) func headsOnTexts(_ name: String) throws {
        let (encoder, batch) = try encoder()
        let targets = Targets.values(try file().tensor("\(name).targets", as: Float.self))
        let model = SequenceClassifier(encoder: encoder, head: try head(name), pooling: .cls)
        try compare(name, model, head: "classifier") { model in
            var none: DropoutStreams?
            return model.logits(batch, dropout: &none)
        } loss: { scores in
            name == "regression"
                ? Loss.meanSquaredError(scores, targets)
                : Loss.binaryCrossEntropy(scores, targets, logitsOf: .sigmoid)
        }
    }

    @Test func tokens() throws {
        let (encoder, batch) = try encoder()
        let tags = try file().integers("tokens.targets").elements
        let places = tags.indices.filter { tags[$0] >= 0 }
        let model = TokenScorer(
            encoder: encoder, head: try head("tokens"), name: "classifier", dropsInputs: true)
        try compare("tokens", model, head: "classifier") { model in
            var none: DropoutStreams?
            return model.scores(batch, dropout: &none)
        } loss: { scores in
            crossEntropy(scores.rows(at: places), places.map { Int32(tags[$0]) })
        }
    }

    @Test func questions() throws {
        let (encoder, batch) = try encoder()
        let spans = try file().integers("questions.targets").elements.map { Int32($0) }.chunked(by: 2)
        let model = TokenScorer(
            encoder: encoder, head: try head("questions"), name: "qa_outputs", dropsInputs: false)
        try compare("questions", model, head: "qa_outputs") { model in
            var none: DropoutStreams?
            return model.scores(batch, dropout: &none)
        } loss: { scores in
            QuestionAnswerer.spanLoss(scores, offsets: batch.rowOffsets, spans)
        }
    }

    @Test(arguments: ["ranking", "cosine"]) func contrastiveLosses(_ name: String) throws {
        let file = try file()
        let a = try file.tensor("\(name).a", as: Float.self), b = try file.tensor("\(name).b", as: Float.self)
        let similarities = try file.tensor("\(name).targets", as: Float.self).elements.map(Double.init)
        let loss: ContrastiveLoss = name == "ranking" ? .multipleNegativesRanking() : .cosineSimilarity
        let (value, gradient) = valueAndGradient(at: a) { loss($0, b, similarities: similarities) }
        expectClose(
            [value.item], try file.tensor("\(name).loss", as: Float.self).elements, absolute: 1e-5, name)
        expectRelativeNorm(
            gradient.elements, try file.tensor("\(name).grad.a", as: Float.self).elements, 1e-4, "\(name) a")
        let (_, other) = valueAndGradient(at: b) { loss(a, $0, similarities: similarities) }
        expectRelativeNorm(
            other.elements, try file.tensor("\(name).grad.b", as: Float.self).elements, 1e-4, "\(name) b")
    }

    private struct Figures: Decodable {
        struct Row: Decodable {
            var precision: Double
            var recall: Double
            var f1: Double
            var support: Double
            enum CodingKeys: String, CodingKey {
                case precision, recall, support
                case f1 = "f1-score"
            }
        }
        struct Answer: Decodable {
            var truth: String
            var predicted: String
            var exact: Int
            var f1: Double
        }
        var truth: [[String]]
        var predicted: [[String]]
        var report: [String: Row]
        var answers: [Answer]
    }

    private func figures() throws -> Figures {
        try JSONDecoder().decode(
            Figures.self, from: Data(contentsOf: TestData.fixture("heads.json", .module)))
    }

    @Test func entitiesAsSeqeval() throws {
        let figures = try figures()
        let report = try EntityReport(truth: figures.truth, predicted: figures.predicted)
        #expect(report.labels == ["place", "price", "product"])
        func compare(_ name: String, _ precision: Double, _ recall: Double, _ f1: Double) throws {
            let row = try #require(figures.report[name])
            expectClose([precision, recall, f1], [row.precision, row.recall, row.f1], absolute: 1e-12, name)
        }
        for (label, counts) in zip(report.labels, report.classes) {
            try compare(label, counts.precision, counts.recall, counts.f1)
            #expect(Double(counts.support) == figures.report[label]?.support)
        }
        try compare("micro avg", report.micro.precision, report.micro.recall, report.micro.f1)
        try compare("macro avg", report.macro.precision, report.macro.recall, report.macro.f1)
        try compare("weighted avg", report.weighted.precision, report.weighted.recall, report.weighted.f1)
        expectFailure(.unsupported) { _ = try EntityReport(truth: [["S-x"]], predicted: [["O"]]) }
        expectFailure(.shapeMismatch) { _ = try EntityReport(truth: [["O"]], predicted: [["O", "O"]]) }
    }

    @Test func answersAsSQuAD() throws {
        for answer in try figures().answers {
            #expect(
                AnswerAgreement.isExact(answer.truth, answer.predicted) == (answer.exact == 1), "\(answer)")
            expectClose(
                [AnswerAgreement.f1(answer.truth, answer.predicted)], [answer.f1], absolute: 1e-12,
                "\(answer)")
        }
        let whole = try AnswerAgreement(truth: [["a red one", "red"], []], predicted: ["red", "blue"])
        #expect(whole.exactMatch == 0.5 && whole.f1 == 0.5 && whole.count == 2)
        expectFailure(.emptyData) { _ = try AnswerAgreement(truth: [], predicted: []) }
    }
}
