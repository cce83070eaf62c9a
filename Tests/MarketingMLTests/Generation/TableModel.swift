import Foundation
import MarketingML
import TestSupport

/// A model whose scores depend on the last two tokens alone (0 stands before the first): small enough to know everything about.
struct TableModel: NextTokenModel {
    let vocabularySize: Int
    var contextLength = 1_000
    /// [V, V, V]: the scores after tokens a, b.
    let scores: [Float]

    init(vocabularySize: Int, scores: [Float]) {
        self.vocabularySize = vocabularySize
        self.scores = scores
    }

    /// Random scores, sharper for a larger `spread`.
    init(vocabularySize: Int, spread: Float = 2, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = vocabularySize * vocabularySize * vocabularySize
        self.init(
            vocabularySize: vocabularySize,
            scores: (0..<count).map { _ in spread * Float(random.nextUniform() * 4 - 2) })
    }

    struct State: DecodingState {
        var rows: [[Int32]]
        var rowCount: Int { rows.count }
        func length(ofRow row: Int) -> Int { rows[row].count }
        mutating func select(rows: [Int]) { self.rows = rows.map { self.rows[$0] } }
    }

    func next(after row: [Int32]) -> [Float] {
        let last = Int(row.last ?? 0)
        let before = row.count > 1 ? Int(row[row.count - 2]) : 0
        let start = (before * vocabularySize + last) * vocabularySize
        return Array(scores[start..<start + vocabularySize])
    }

    private func scores(of state: State) -> Tensor<Float> {
        Tensor(shape: [state.rows.count, vocabularySize], state.rows.flatMap { next(after: $0) })
    }

    func read(_ prompts: [[Int32]]) throws -> (state: State, scores: Tensor<Float>) {
        for prompt in prompts { try check(prompt) }
        let state = State(rows: prompts)
        return (state, scores(of: state))
    }

    func advance(_ state: inout State, by tokens: [Int32]) throws -> Tensor<Float> {
        guard tokens.count == state.rows.count else {
            throw MarketingMLError(.shapeMismatch, "a token for each row")
        }
        for row in state.rows.indices {
            state.rows[row].append(tokens[row])
            try check(state.rows[row])
        }
        return scores(of: state)
    }

    private func check(_ row: [Int32]) throws {
        guard !row.isEmpty, row.count <= contextLength, row.allSatisfy({ 0..<Int32(vocabularySize) ~= $0 })
        else {
            throw MarketingMLError(
                .tooLarge, "a row of \(row.count) tokens for a context of \(contextLength)")
        }
    }
}

/// A model whose scores are noise that depends on a row's last two tokens, computed when they are asked for.
struct NoiseModel: NextTokenModel {
    let vocabularySize: Int
    let seed: UInt64
    var contextLength: Int { 1_000 }

    private func scores(of state: TableModel.State) -> Tensor<Float> {
        let elements = state.rows.flatMap { row -> [Float] in
            let key = row.suffix(2).reduce(UInt64(0)) { $0 << 16 | UInt64(truncatingIfNeeded: $1) }
            var random = SeededGenerator(seed: seed, stream: key)
            return (0..<vocabularySize).map { _ in Float(random.nextUniform() * 6) }
        }
        return Tensor(shape: [state.rows.count, vocabularySize], elements)
    }

    func read(_ prompts: [[Int32]]) throws -> (state: TableModel.State, scores: Tensor<Float>) {
        let state = TableModel.State(rows: prompts)
        return (state, scores(of: state))
    }

    func advance(_ state: inout TableModel.State, by tokens: [Int32]) throws -> Tensor<Float> {
        for row in state.rows.indices { state.rows[row].append(tokens[row]) }
        return scores(of: state)
    }
}

/// A model that wants the tokens 0, 1, 2, … in turn, whatever its prompt of one token and what came before.
struct PathModel: NextTokenModel {
    let vocabularySize: Int
    var contextLength: Int { 1_000 }

    private func scores(of state: TableModel.State) -> Tensor<Float> {
        let elements = state.rows.flatMap { row in
            (0..<vocabularySize).map { $0 == row.count - 1 ? Float(30) : 0 }
        }
        return Tensor(shape: [state.rows.count, vocabularySize], elements)
    }

    func read(_ prompts: [[Int32]]) throws -> (state: TableModel.State, scores: Tensor<Float>) {
        let state = TableModel.State(rows: prompts)
        return (state, scores(of: state))
    }

    func advance(_ state: inout TableModel.State, by tokens: [Int32]) throws -> Tensor<Float> {
        for row in state.rows.indices { state.rows[row].append(tokens[row]) }
        return scores(of: state)
    }
}

/// Tokens that are given strings or bytes; those without bytes are special.
struct ListTokenizer: TextTokenizer {
    let spellings: [[UInt8]]

    init(_ spellings: [[UInt8]]) { self.spellings = spellings }
    init(_ strings: [String]) { self.init(strings.map { Array($0.utf8) }) }

    var vocabularySize: Int { spellings.count }
    func id(of token: String) -> Int32? { spellings.firstIndex(of: Array(token.utf8)).map(Int32.init) }
    func bytes(of id: Int32) -> [UInt8] { spellings.indices.contains(Int(id)) ? spellings[Int(id)] : [] }
    func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool) -> String {
        String(decoding: ids.flatMap { bytes(of: $0) }, as: UTF8.self)
    }
    /// The longest token first.
    func ids(of text: String) -> [Int32] {
        var rest = Array(text.utf8)[...]
        var ids: [Int32] = []
        while !rest.isEmpty {
            let best = spellings.indices.filter { !spellings[$0].isEmpty && rest.starts(with: spellings[$0]) }
                .max { spellings[$0].count < spellings[$1].count }
            guard let best else { return ids }
            ids.append(Int32(best))
            rest = rest.dropFirst(spellings[best].count)
        }
        return ids
    }
}

/// What `Tests/Reference/generation.py` wrote.
struct GenerationFixture: Decodable {
    struct Options: Decodable {
        var temperature: Double?
        var topK: Int?
        var topP: Double?
        var minP: Double?
        var repetitionPenalty: Double?
        var noRepeatNGram: Int?

        var sampling: Sampling {
            Sampling(
                temperature: temperature ?? 1, topK: topK, topP: topP, minP: minP,
                repetitionPenalty: repetitionPenalty ?? 1, noRepeatNGram: noRepeatNGram)
        }
    }
    struct Processed: Decodable {
        var name: String
        var options: Options
        var tokens: [Int32]
        var scores: [Float]
        var expected: [Float?]
    }
    struct Table: Decodable {
        var vocabulary: Int
        var scores: [Float]
    }
    struct Beams: Decodable {
        enum EarlyStopping: Decodable {
            case flag(Bool)
            case word(String)

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let flag = try? container.decode(Bool.self) {
                    self = .flag(flag)
                } else {
                    self = .word(try container.decode(String.self))
                }
            }
        }
        var prompts: [[Int32]]
        var beams: Int
        var returned: Int
        var lengthPenalty: Double
        var earlyStopping: EarlyStopping
        var maxNewTokens: Int
        var stopTokens: [Int32]
        var repetitionPenalty: Double
        var noRepeatNGram: Int
        var sequences: [[Int32]]
        var scores: [Double]

        var search: BeamSearch {
            let rule: BeamSearch.EarlyStopping =
                switch earlyStopping {
                case .flag(true): .whenFull
                case .flag(false): .heuristic
                case .word: .never
                }
            return BeamSearch(
                beams: beams, returned: returned, lengthPenalty: lengthPenalty, earlyStopping: rule,
                maxNewTokens: maxNewTokens, stopTokens: Set(stopTokens), repetitionPenalty: repetitionPenalty,
                noRepeatNGram: noRepeatNGram == 0 ? nil : noRepeatNGram)
        }
    }
    var processed: [Processed]
    var table: Table
    var beams: [Beams]
    var gpt2Beams: [Beams]

    static func load() throws -> GenerationFixture {
        let url = TestData.fixture("generation.json", .module)
        return try JSONDecoder().decode(GenerationFixture.self, from: Data(contentsOf: url))
    }

    var model: TableModel { TableModel(vocabularySize: table.vocabulary, scores: table.scores) }
}
