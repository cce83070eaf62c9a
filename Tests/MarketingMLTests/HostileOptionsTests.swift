import Foundation
import TestSupport
import Testing

@testable import MarketingML

/// Options and numbers at the end of their type, or of no sense: an error that names them, or a stated answer.
@Suite struct HostileOptionsTests {
    @Test func sizesOfBERT() throws {
        let texts = ["a good one", "a bad one"]
        let tokenizer = try WordPieceTokenizer.train(on: texts, vocabularySize: 60)
        let good = BERTConfiguration.tiny(vocabularySize: tokenizer.vocabularySize)
        let changes: [(String, (inout BERTConfiguration) -> Void)] = [
            ("heads", { $0.heads = 3 }), ("hidden", { $0.hiddenSize = -1 }), ("layers", { $0.layers = -1 }),
            ("dropout", { $0.hiddenDropout = 1 }), ("activation", { $0.activation = .softmax }),
            ("positions", { $0.maximumPositions = 0 }), ("segments", { $0.tokenTypes = 0 }),
            ("epsilon", { $0.layerNormEpsilon = .nan }), ("vocabulary", { $0.vocabularySize = .max }),
        ]
        for (name, change) in changes {
            var configuration = good
            change(&configuration)
            expectFailure(.invalidOption, name) {
                _ = try BERT(configuration: configuration, tokenizer: tokenizer)
            }
        }
        var short = good
        short.maximumPositions = 2
        expectFailure(.shapeMismatch, "no room beside [CLS] and [SEP]") {
            _ = try BERT(configuration: short, tokenizer: tokenizer)
        }
        short.maximumPositions = 4
        let bert = try BERT(configuration: short, tokenizer: tokenizer)
        let examples = LabeledTexts(texts: texts, labels: [1, 0])
        for options in [
            FineTuningOptions(maxLength: 8), .init(epochs: .max), .init(batchSize: .max),
            .init(accumulation: .max),
        ] {
            expectFailure(.invalidOption) {
                _ = try TextClassifier.fineTune(bert, on: examples, options: options)
            }
        }
        expectFailure(.invalidOption) {
            _ = try BERT.pretrain(
                corpus: texts, configuration: short, tokenizer: tokenizer, options: .init(maxLength: 8))
        }
    }

    /// A model of one segment reads single texts, but no pairs.
    @Test func modelsOfOneSegment() throws {
        let tokenizer = try WordPieceTokenizer.train(on: ["is it red", "it is red"], vocabularySize: 40)
        var configuration = BERTConfiguration.tiny(vocabularySize: tokenizer.vocabularySize)
        configuration.tokenTypes = 1
        let bert = try BERT(configuration: configuration, tokenizer: tokenizer)
        expectFailure(.shapeMismatch) {
            _ = try QuestionAnswerer.fineTune(
                bert, on: [.init(question: "is it red", context: "it is red", answers: ["red"])],
                options: .init(epochs: 1))
        }
        expectFailure(.shapeMismatch) {
            _ = try BERT.pretrain(
                corpus: ["It is red. Is it red?", "Red it is. It is."], configuration: configuration,
                tokenizer: tokenizer)
        }
    }

    @Test func decoding() throws {
        let generator = TextGenerator(
            TableModel(vocabularySize: 4, seed: 1),
            tokenizer: ListTokenizer(["a", "b", "c", "d"].map { Array($0.utf8) }))
        for options in [
            GenerationOptions(maxNewTokens: 0), .init(candidates: .max), .init(stopStrings: ["x", ""]),
        ] {
            expectFailure(.invalidOption) {
                _ = try generator.generate("a", options: options, constraints: [.maximumCharacters(80)])
            }
        }
        for search in [BeamSearch(beams: .max), .init(stopStrings: [""])] {
            expectFailure(.invalidOption) {
                _ = try generator.beamSearch("a", search, constraints: [.maximumCharacters(80)])
            }
        }
        let fitted = GenerationOptions(maxNewTokens: .max, contextPolicy: .fail)
        expectFailure(.tooLarge) { _ = try fitted.fitted([1, 2], row: 0, contextLength: 8) }
        #expect(
            try GenerationOptions(maxNewTokens: 6, contextPolicy: .fail).fitted(
                [1, 2], row: 0, contextLength: 8) == [1, 2])
    }

    @Test func texts() throws {
        let words = try WordTokenizer.train(on: ["a b", "a b c"])
        #expect(words.encodeBatch(["a b", "b"], maxLength: .max).rowCount == 2)
        let text = "abc"
        #expect(text[TextEntity(label: "x", bytes: -3..<2).range(in: text)] == "ab")
        #expect(text[TextEntity(label: "x", bytes: 1..<9).range(in: text)] == "bc")
        #expect(decimalText(Double(Int.min)) == "-9.223372036854776e+18")
        expectFailure(.invalidOption) {
            _ = try QuestionExample(question: "q", context: "abc", answers: ["b"], answerStart: .max)
                .answerBytes(number: 1)
        }
        #expect(
            LearningRateSchedule.step(updates: 0, factor: 0.5).factor(step: 2, total: 4, warmup: 0) == 0.25)
    }

    @Test func scores() throws {
        expectFailure(.shapeMismatch) { _ = try ROC.area(scores: [1.0, 2], isPositive: [true]) }
        let judged = try BinaryEvaluation(scores: [0.1, 0.9], isPositive: [false, true])
        for share in [0, -1, 1.5, .nan] {
            #expect(judged.gain(at: share).isNaN && judged.lift(at: share).isNaN)
        }
        #expect(judged.gainCurve(points: 0).isEmpty)
        expectFailure(.invalidOption) {
            _ = try CoefficientTable(
                names: ["a"], estimates: [1], variances: [1], covariance: .classical,
                statistic: .t(degreesOfFreedom: 0))
        }
        expectFailure(.notFinite) {
            _ = try CoefficientTable(
                names: ["a"], estimates: [.nan], variances: [1], covariance: .classical, statistic: .z)
        }
        let two = [Scoring.expectedCalibrationError(bins: 10), .expectedCalibrationError(bins: 15)]
        #expect(Set(two.map(\.description)).count == 2)
    }

    @Test func foldsOfOtherExamples() throws {
        let features = Tensor<Double>(shape: [6, 1], [1, 2, 3, 4, 5, 6])
        for folds in [
            Folds([]), Folds([Fold(train: [0, 1], test: [1000])]), Folds([Fold(train: [-1], test: [0])]),
        ] {
            expectFailure(.invalidOption) {
                _ = try crossValidate(
                    LogisticRegression(), features, [0, 1, 0, 1, 0, 1], folds: folds)
            }
            expectFailure(.invalidOption) {
                _ = try crossValidate(RidgeRegression(lambda: 1), features, [1, 2, 3, 4, 5, 7], folds: folds)
            }
        }
        expectFailure(.invalidOption) { _ = try Folds.byTime([1, 2, 3], count: .max) }
        expectFailure(.invalidOption) {
            _ = try SupportVectorClassifier(solver: .init(cacheMegabytes: .max)).fit(
                features, [0, 1, 0, 1, 0, 1])
        }
    }

    /// A dense matrix may have become a sparse one without anybody's having looked.
    @Test func sparseFeaturesOfNaN() throws {
        let features = SparseMatrix(Tensor<Float>(shape: [4, 2], [1, 0, 0, .nan, 2, 3, 0, 1])).features
        let message = "feature 1 of example 1 is nan"
        for fit in [
            { _ = try LogisticRegression().fit(features, [0, 1, 0, 1]) },
            { _ = try LogisticRegression(.l1(c: 1)).fit(features, [0, 1, 0, 1]) },
            { _ = try LinearSupportVectorClassifier().fit(features, [0, 1, 0, 1]) },
            { _ = try SupportVectorClassifier().fit(features, [0, 1, 0, 1]) },
            { _ = try RidgeRegression(lambda: 1).fit(features, [0, 1, 0, 1]) },
        ] as [() throws -> Void] {
            let error = #expect(throws: MarketingMLError.self) { try fit() }
            #expect(
                error?.code == .notFinite && error?.message.hasPrefix(message) == true,
                "\(error?.description ?? "")")
        }
    }

    @Test func axes() throws {
        for range in [
            0...Double.infinity, -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude,
            0...Double.leastNormalMagnitude / 64,
            Double.leastNonzeroMagnitude...2 * .leastNonzeroMagnitude, 1e300...1.0000001e300, -0.0...0.0,
        ] {
            for isFixed in [false, true] {
                let ticks = AxisTicks(range, count: 5, isFixed: isFixed)
                #expect(ticks.values.allSatisfy(\.isFinite) && ticks.values.count < 100, "\(range)")
            }
        }
    }

    /// A forecaster of one's own that goes wrong.
    @Test func forecastersOfNaN() throws {
        let series = try TimeSeries((0..<40).map { Double($0 % 4 + $0 % 7) })
        expectFailure(.notFinite) {
            _ = try Broken(values: [.nan, 1]).backtest(on: series, horizon: 2, origins: 5, period: 4)
        }
        expectFailure(.shapeMismatch) {
            _ = try Broken(values: [1]).backtest(on: series, horizon: 2, origins: 5, period: 4)
        }
    }

    private struct Broken: Forecaster, FittedForecaster {
        var values: [Double]
        var name: String { "broken" }
        func fitForecaster(_ series: TimeSeries, progress: ProgressHandler?) throws -> any FittedForecaster {
            self
        }
        func forecast(_ count: Int, after series: TimeSeries) throws -> [Double] { values }
    }
}
