import Foundation

/// A question on a document, with its answers in it.
public struct QuestionExample: Sendable, Equatable {
    /// The question.
    public let question: String
    /// The text that may hold the answer.
    public let context: String
    /// Acceptable answers, each a part of the context; none if the context does not answer the question.
    public let answers: [String]
    /// Where the first answer stands, in bytes of the context's UTF-8; nil: where its text first occurs.
    public let answerStart: Int?

    /// Creates an example.
    public init(question: String, context: String, answers: [String], answerStart: Int? = nil) {
        self.question = question
        self.context = context
        self.answers = answers
        self.answerStart = answerStart
    }
}

/// How a document is cut into windows that fit a model, and how long answers may be.
public struct AnswerOptions: Sendable, Equatable {
    /// The longest window in tokens, question and special ones included; nil: min(384, the model's positions).
    public var maxLength: Int?
    /// Tokens of the document that two windows share, from 0 on.
    public var stride: Int
    /// The longest answer in tokens, from 1 on.
    public var longestAnswer: Int
    /// "No answer" is given when its score exceeds the best answer's by more than this.
    public var noAnswerThreshold: Double

    /// Creates options; the defaults are the usual ones for SQuAD v2.
    public init(
        maxLength: Int? = nil, stride: Int = 128, longestAnswer: Int = 30, noAnswerThreshold: Double = 0
    ) {
        self.maxLength = maxLength
        self.stride = stride
        self.longestAnswer = longestAnswer
        self.noAnswerThreshold = noAnswerThreshold
    }
}

/// Finds the part of a document that answers a question, or says that none does.
///
/// ```swift
/// let answerer = try QuestionAnswerer.fineTune(bert, on: examples)
/// try answerer.answer("How long is the cable?", in: description)?.text   // "1.5 m"
/// ```
///
/// The model scores each token as an answer's first and last; the score of "no answer" is that of the first token of the window
/// (arXiv:1810.04805, section 4.3). A long document is read in windows that overlap.
public struct QuestionAnswerer: Sendable {
    /// An answer in a document.
    public struct Answer: Sendable, Equatable {
        /// The answer's text.
        public let text: String
        /// Where it stands, in bytes of the document's UTF-8.
        public let bytes: Range<Int>
        /// By how much its score exceeds that of "no answer".
        public let margin: Double
    }

    /// How documents are read.
    public var options: AnswerOptions
    /// How it was trained; empty for a model read from another library's files.
    public let card: ModelCard
    let model: TokenScorer<Float>
    let tokenizer: WordPieceTokenizer

    /// Fine-tunes a BERT on questions, documents and answers, by the mean of the cross-entropies of first and last token.
    ///
    /// A document is cut into windows as when it is asked; a window without the answer learns "no answer".
    ///
    /// - Throws: `.emptyData`, `.invalidOption` (also for an answer that is not in its context, naming the example),
    ///   `.notFinite` naming the update, `CancellationError`.
    public static func fineTune(
        _ bert: consuming BERT, on examples: [QuestionExample], reading: AnswerOptions = AnswerOptions(),
        options: FineTuningOptions = FineTuningOptions(), checkpoint: CheckpointOptions? = nil,
        progress: ProgressHandler? = nil
    ) throws -> QuestionAnswerer {
        try options.validate(for: bert.configuration)
        guard !examples.isEmpty else { throw MarketingMLError(.emptyData, "training has no questions") }
        let tokenizer = bert.tokenizer
        let configuration = bert.configuration
        var windows: [AnswerWindow] = []
        var spans: [[Int32]] = []
        for (index, example) in examples.enumerated() {
            let answer = try example.answerBytes(number: index + 1)
            for window in try AnswerWindow.windows(
                of: example.context, question: example.question, reading, configuration, tokenizer)
            {
                spans.append(window.span(of: answer))
                windows.append(window)
            }
        }
        let batch = TokenBatch(windows.map(\.encoding))
        let targets = spans
        var model = try options.adapting(
            TokenScorer(
                encoder: options.prepared(bert.encoder), outputs: 2, name: "qa_outputs", dropsInputs: false,
                seed: options.seed))
        _ = consume bert
        let tuner = FineTuner<TokenScorer<Float>>(
            options: options, batch: batch,
            loss: { model, rows, dropout in
                let part = batch.select(rows: rows)
                return spanLoss(
                    model.scores(part, dropout: &dropout), offsets: part.rowOffsets, rows.map { targets[$0] })
            },
            addTargets: { hash in targets.forEach { hash.combine($0) } }, checkpoint: checkpoint,
            progress: progress)
        let history = try tuner.run(&model)
        let card = ModelCard(
            task: "question-answering", options: options, trainingTexts: examples.count, history: history)
        return QuestionAnswerer(options: reading, card: card, model: model, tokenizer: tokenizer)
    }

    /// The mean over rows of (−log p(first) − log p(last)) / 2, each p a softmax over the tokens of a row.
    static func spanLoss<Scalar: TensorFloatingPoint>(
        _ scores: Tensor<Scalar>, offsets: [Int], _ spans: [[Int32]]
    ) -> Tensor<Scalar> {
        var sum: Tensor<Scalar>?
        for (row, span) in spans.enumerated() {
            let loss = crossEntropy(scores.rows(offsets[row]..<offsets[row + 1]).transposed, span)
            sum = sum.map { $0 + loss } ?? loss
        }
        return (sum ?? Tensor(0)) * Scalar(1 / Double(max(1, spans.count)))
    }

    /// The best answer in a document; nil for "no answer".
    ///
    /// - Throws: `.invalidOption` for impossible ``options``, `.tooLarge` for a question that leaves no room for the document.
    public func answer(_ question: String, in context: String) throws -> Answer? {
        let windows = try AnswerWindow.windows(
            of: context, question: question, options, model.encoder.configuration, tokenizer)
        let scores = model.scores(of: TokenBatch(windows.map(\.encoding)))
        let values = scores.elements
        var best: (score: Double, bytes: Range<Int>)?
        var nothing = Double.infinity
        var start = 0
        for window in windows {
            func score(_ place: Int, _ column: Int) -> Double { Double(values[(start + place) * 2 + column]) }
            nothing = min(nothing, score(0, 0) + score(0, 1))
            for first in window.encoding.second {
                let limit = first + min(window.encoding.second.upperBound - first, options.longestAnswer)
                for last in first..<limit {
                    let total = score(first, 0) + score(last, 1)
                    if best.map({ total > $0.score }) ?? true {
                        best = (total, window.bytes(first).lowerBound..<window.bytes(last).upperBound)
                    }
                }
            }
            start += window.encoding.count
        }
        guard let best, nothing - best.score <= options.noAnswerThreshold else { return nil }
        let text = String(decoding: Array(context.utf8)[best.bytes], as: UTF8.self)
        return Answer(text: text, bytes: best.bytes, margin: best.score - nothing)
    }

    /// Compares its answers with the true ones.
    ///
    /// - Throws: `.emptyData` without examples, and what ``answer(_:in:)`` throws.
    public func evaluate(_ examples: [QuestionExample]) throws -> AnswerAgreement {
        try AnswerAgreement(
            truth: examples.map(\.answers),
            predicted: examples.map { try answer($0.question, in: $0.context)?.text ?? "" })
    }
}

extension QuestionExample {
    /// Where the first answer stands; nil if there is none.
    func answerBytes(number: Int) throws(MarketingMLError) -> Range<Int>? {
        guard let answer = answers.first, !answer.isEmpty else { return nil }
        let (whole, part) = (Array(context.utf8), Array(answer.utf8))
        let places = answerStart.map { [$0] } ?? Array(0...max(0, whole.count - part.count))
        let found = places.first { place in
            place >= 0 && place <= whole.count - part.count
                && whole[place..<place + part.count].elementsEqual(part)
        }
        guard let found else {
            throw MarketingMLError(
                .invalidOption, "must be a part of the context, is \"\(answer)\"",
                at: .init(row: number, name: "answers"))
        }
        return found..<found + part.count
    }
}

/// A question with as much of a document as fits.
struct AnswerWindow {
    let encoding: Encoding

    /// The bytes in the document of the token at a place.
    func bytes(_ place: Int) -> Range<Int> { encoding.offsets[place].range }

    /// Places of an answer's first and last token; both 0 if the window does not hold it whole.
    func span(of answer: Range<Int>?) -> [Int32] {
        guard let answer,
            let first = encoding.second.first(where: { bytes($0).upperBound > answer.lowerBound }),
            let last = encoding.second.last(where: { bytes($0).lowerBound < answer.upperBound }),
            first <= last, bytes(first).lowerBound <= answer.lowerBound,
            bytes(last).upperBound >= answer.upperBound
        else { return [0, 0] }
        return [Int32(first), Int32(last)]
    }

    /// The windows of a document, from its beginning on; each but the first begins `stride` tokens before the last one's end.
    static func windows(
        of context: String, question: String, _ options: AnswerOptions, _ configuration: BERTConfiguration,
        _ tokenizer: WordPieceTokenizer
    ) throws(MarketingMLError) -> [AnswerWindow] {
        try tokenizer.checkSegments(ofPairs: true, for: configuration)
        let positions = configuration.maximumPositions
        let limit = options.maxLength ?? min(384, positions)
        for (isValid, name, range) in [
            (limit >= 5 && limit <= positions, "maxLength", "from 5 to the model's \(positions) positions"),
            (0...positions ~= options.stride, "stride", "from 0 to the model's \(positions) positions"),
            (options.longestAnswer >= 1, "longestAnswer", "at least 1"),
            (!options.noAnswerThreshold.isNaN, "noAnswerThreshold", "a number"),
        ] where !isValid {
            throw MarketingMLError(.invalidOption, "must be \(range)", at: .init(name: name))
        }
        let whole = tokenizer.truncating(to: 1 << 30).encode(question, pair: context)
        let tail = whole.second.upperBound..<whole.count
        let room = limit - whole.second.lowerBound - tail.count
        guard room >= 1, room > options.stride || whole.second.count <= room else {
            throw MarketingMLError(
                .tooLarge,
                "the question's \(whole.first.count) tokens leave room for \(max(0, room)) of the document in windows of \(limit), expected more than the stride of \(options.stride)",
                at: .init(name: "question"))
        }
        var windows: [AnswerWindow] = []
        var start = whole.second.lowerBound
        while true {
            let end = min(whole.second.upperBound, start + room)
            let places = Array(0..<whole.second.lowerBound) + Array(start..<end) + Array(tail)
            var encoding = Encoding(
                ids: places.map { whole.ids[$0] }, typeIDs: places.map { whole.typeIDs[$0] },
                offsets: places.map { whole.offsets[$0] })
            encoding.first = whole.first
            encoding.second = whole.second.lowerBound..<whole.second.lowerBound + (end - start)
            windows.append(AnswerWindow(encoding: encoding))
            if end == whole.second.upperBound { return windows }
            start = end - options.stride
        }
    }
}

extension QuestionAnswerer {
    /// Writes a Hugging Face directory, a `BertForQuestionAnswering`; see ``TextClassifier/save(to:)``.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: "card.json") { path in
            let directory = URL(fileURLWithPath: path)
            try BERTCheckpoint.write(
                model,
                configuration: model.encoder.configuration.json(
                    architecture: "BertForQuestionAnswering", classes: ["start", "end"]),
                tokenizer: tokenizer, to: directory)
            try card.write(to: directory.appendingPathComponent("card.json"))
        }
    }

    /// Reads what ``save(to:)`` wrote, or a `BertForQuestionAnswering` of another library.
    ///
    /// - Throws: `MarketingMLError` that names the file, the entry and what was expected.
    public init(directory: URL, options: AnswerOptions = AnswerOptions()) throws {
        let checkpoint = try BERTCheckpoint(directory: directory, holdingPacked: true)
        self.options = options
        card =
            try ModelCard.read(from: directory.appendingPathComponent("card.json"))
            ?? ModelCard(task: "question-answering")
        model = TokenScorer(
            encoder: try checkpoint.encoder(), head: try checkpoint.head(classes: 2, name: "qa_outputs"),
            name: "qa_outputs", dropsInputs: false)
        tokenizer = try BERT(encoder: model.encoder, tokenizer: WordPieceTokenizer(directory: directory))
            .tokenizer
    }
}
