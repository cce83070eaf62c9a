/// What ``TextClassifier`` trains from scratch: the kind of model and its sizes.
public enum TextModelRecipe: Sendable, Codable, Equatable {
    /// Weighted counts of character and word n-grams, and logistic regression on them: the baseline that everything else has to
    /// beat, fitted in seconds.
    ///
    /// - Parameters:
    ///   - encodings: The n-grams; their features stand side by side.
    ///   - c: The weight of the loss beside the penalty ½‖β‖², above 0.
    case nGrams(_ encodings: [TextEncoding] = [.characterGrams], c: Double = 64)
    /// Word vectors, dropout, a long short-term memory in both directions, the largest of its outputs, dropout, a linear layer.
    ///
    /// - Parameters:
    ///   - units: Size of the memory of each direction, from 1 on.
    ///   - dimension: Size of the word vectors, from 1 on.
    ///   - dropout: Share of elements left out while training, in [0, 1).
    case lstm(units: Int = 64, dimension: Int = 128, dropout: Double = 0.5)
    /// The same with gated recurrent units.
    case gru(units: Int = 64, dimension: Int = 128, dropout: Double = 0.5)
    /// Word vectors, dropout, convolutions of several widths with ReLU, the largest of their outputs, dropout, a linear layer.
    ///
    /// - Parameters:
    ///   - filters: Outputs of the convolution of each width, from 1 on.
    ///   - widths: How many words each convolution reads, 1 to 16 widths from 1 to 64.
    ///   - dimension: Size of the word vectors, from 1 on.
    ///   - dropout: Share of elements left out while training, in [0, 1).
    case convolution(
        filters: Int = 128, widths: [Int] = [1, 2, 3], dimension: Int = 128, dropout: Double = 0.5)
}

extension TextEncoding {
    /// One to four characters that occur in two texts or more, TF-IDF with sublinear counts: for texts of any language.
    public static var characterGrams: TextEncoding {
        TextEncoding(unit: .characters, range: 1...4, minimumTexts: 2, sublinear: true)
    }

    /// One or two words, TF-IDF with sublinear counts: beside ``characterGrams``, for languages that leave spaces between words.
    public static var wordGrams: TextEncoding {
        TextEncoding(unit: .words, range: 1...2, sublinear: true)
    }
}

extension TextModelRecipe: CustomStringConvertible {
    /// What it is called in tables: `n-grams (TF-IDF of 1 to 4 characters, TF-IDF of 1 to 2 words, C 16.0)`.
    public var description: String {
        switch self {
        case .nGrams(let encodings, let c):
            "n-grams (" + (encodings.map(\.description) + ["C \(c)"]).joined(separator: ", ") + ")"
        case .lstm(let units, let dimension, _): "LSTM (2 × \(units) units, vectors of \(dimension))"
        case .gru(let units, let dimension, _): "GRU (2 × \(units) units, vectors of \(dimension))"
        case .convolution(let filters, let widths, let dimension, _):
            "convolution (\(filters) filters of widths \(widths), vectors of \(dimension))"
        }
    }
}
