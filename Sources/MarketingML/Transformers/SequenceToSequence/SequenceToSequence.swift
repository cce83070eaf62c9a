import Foundation

/// Turns texts into other texts: translations, summaries, titles, sentences from attributes.
///
/// ```swift
/// let translator = try SequenceToSequence.train(on: pairs, configuration: .small)
/// try translator.translate(["How are you?"])
/// try translator.save(to: directory)
/// ```
///
/// An encoder–decoder Transformer (arXiv:1706.03762) with its vocabularies.
public struct SequenceToSequence: Sendable {
    /// The weights.
    public let model: EncoderDecoder<Float>
    /// Turns source texts into ids.
    public let sourceTokenizer: any TextTokenizer
    /// Turns target texts into ids, and ids into text.
    public let targetTokenizer: any TextTokenizer
    /// How it came about.
    public let card: Card
    /// The ids that begin and end a text.
    let marks: Marks

    /// How a model came about: saved beside it as card.json.
    public struct Card: Sendable, Codable, Equatable {
        /// Version of the card's layout.
        public var format = 1
        /// The library that made the model.
        public var library = "MarketingML"
        /// How it was trained.
        public var options: SequenceToSequenceOptions?
        /// Pairs it learned from.
        public var trainingPairs: Int?
        /// Pairs that chose the epoch.
        public var validationPairs: Int?
        /// What happened.
        public var history: TrainingHistory?

        /// Creates a card.
        public init() {}
    }

    /// The ids that begin and end a text.
    struct Marks: Sendable {
        let sourceEnd: Int32
        let start: Int32
        let end: Int32

        private static let starts = ["[CLS]", "<s>", "<|endoftext|>"]
        private static let ends = ["[SEP]", "</s>", "<|endoftext|>"]

        /// - Throws: `.unsupported` for a vocabulary that has none of the usual ones.
        init(source: any TextTokenizer, target: any TextTokenizer) throws {
            func find(_ names: [String], _ tokenizer: any TextTokenizer) throws -> Int32 {
                guard let id = names.lazy.compactMap({ tokenizer.id(of: $0) }).first else {
                    throw MarketingMLError(
                        .unsupported,
                        "the vocabulary has none of the tokens \(names.joined(separator: ", "))")
                }
                return id
            }
            sourceEnd = try find(Self.ends, source)
            start = try find(Self.starts, target)
            end = try find(Self.ends, target)
        }
    }

    /// Creates a model from its parts.
    ///
    /// - Throws: `.shapeMismatch` for vocabularies larger than the model's; `.invalidOption` for a card whose texts are longer than
    ///   the model's, or shorter than 2 tokens; `.unsupported` for one without the tokens that
    ///   begin and end a text: [CLS] and [SEP], `<s>` and `</s>`, or `<|endoftext|>`.
    public init(
        model: EncoderDecoder<Float>, sourceTokenizer: any TextTokenizer, targetTokenizer: any TextTokenizer,
        card: Card = Card()
    ) throws {
        let configuration = model.configuration
        for (what, tokenizer, size) in [
            ("source", sourceTokenizer, configuration.sourceVocabularySize),
            ("target", targetTokenizer, configuration.targetVocabularySize),
        ] where tokenizer.vocabularySize > size {
            throw MarketingMLError(
                .shapeMismatch,
                "the \(what) vocabulary has \(tokenizer.vocabularySize) tokens, the model only \(size)")
        }
        if let length = card.options?.maxLength {
            try requireCount(length, "maxLength", 2...max(2, configuration.maximumPositions))
        }
        self.model = model
        self.sourceTokenizer = sourceTokenizer
        self.targetTokenizer = targetTokenizer
        self.card = card
        marks = try Marks(source: sourceTokenizer, target: targetTokenizer)
    }

    /// Sources as the encoder reads them: cut at `maxLength` tokens, the last of which ends the text.
    func sourceRow(_ text: String, maxLength: Int) -> [Int32] {
        sourceTokenizer.ids(of: text).prefix(maxLength - 1) + [marks.sourceEnd]
    }

    /// Targets as the decoder reads them: behind the token that starts a text.
    func targetRow(_ text: String, maxLength: Int) -> [Int32] {
        [marks.start] + targetTokenizer.ids(of: text).prefix(maxLength - 1)
    }

    /// The longest source in tokens, its end included.
    var maxSourceLength: Int { card.options?.maxLength ?? model.configuration.maximumPositions }
}
