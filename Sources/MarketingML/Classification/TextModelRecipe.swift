/// What ``TextClassifier`` trains from scratch: the kind of model and its sizes.
public enum TextModelRecipe: Sendable, Codable, Equatable {
    /// Weighted counts of character and word n-grams, and logistic regression on them: the baseline that everything else has to
    /// beat, fitted in seconds.
    ///
    /// - Parameters:
    ///   - encodings: The n-grams; their features stand side by side.
    ///   - c: The weight of the loss beside the penalty ½‖β‖², above 0.
    case nGrams(_ encodings: [TextEncoding] = [.characterGrams], c: Double = 64)
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
        }
    }
}
