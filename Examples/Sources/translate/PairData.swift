import MarketingML

/// Pairs to learn from, to choose by and to be scored on.
struct PairData {
    var train: [(source: String, target: String)]
    var dev: [(source: String, target: String)]?
    var test: [(source: String, target: String)]

    /// Attributes of made-up products and a sentence about each; no combination of the test pairs occurs in training.
    static var embedded: PairData {
        var pairs: [(source: String, target: String)] = []
        for item in ["coat", "lamp", "chair", "kettle", "bag", "watch", "mug", "tent"] {
            for color in ["red", "blue", "green", "black", "white"] {
                for (name, price) in [
                    ("low", "for little money"), ("mid", "at a fair price"), ("high", "as a luxury"),
                ] {
                    pairs.append(
                        (
                            "item[\(item)], color[\(color)], price[\(name)]",
                            "A \(color) \(item) that you get \(price)."
                        ))
                }
            }
        }
        var generator = SeededGenerator(seed: 1)
        generator.shuffle(&pairs)
        return PairData(train: Array(pairs.dropLast(20)), dev: nil, test: Array(pairs.suffix(20)))
    }
}

/// Sources that differ in more than capitals, each with all of its targets.
struct ReferenceGroups {
    private(set) var sources: [String] = []
    private(set) var references: [[String]] = []

    init(_ pairs: [(source: String, target: String)]) {
        var places: [String: Int] = [:]
        for (source, target) in pairs {
            let key = source.lowercased()
            if let place = places[key] {
                references[place].append(target)
            } else {
                places[key] = sources.count
                sources.append(source)
                references.append([target])
            }
        }
    }
}

/// Scores of translations.
struct TranslationFigures: Codable {
    struct Scores: Codable {
        var bleu: Double
        var chrF: Double
        var bleuSignature: String
        var chrFSignature: String
    }

    var parameters: Int
    var trainSeconds: Double
    var scores: [String: Scores] = [:]

    /// Adds the scores of some translations and prints them.
    mutating func score(
        _ name: String, _ translations: [String], _ groups: ReferenceGroups, _ tokens: BLEUTokenization
    ) throws {
        let bleu = try BLEU(tokens).score(translations, references: groups.references)
        let chrF = try ChrF().score(translations, references: groups.references)
        print("\(name): BLEU \(bleu), chrF \(chrF)")
        scores[name] = Scores(
            bleu: bleu.value, chrF: chrF.value, bleuSignature: bleu.signature, chrFSignature: chrF.signature)
    }
}
