/// Splits words into the pieces whose scores (logarithms of probabilities) have the greatest sum, by the Viterbi algorithm.
///
/// A character that is no piece costs the least score less 10. Source: Kudo, Subword Regularization, 2018,
/// https://doi.org/10.18653/v1/P18-1007.
struct UnigramModel: Sendable {
    private let pieces: ByteTrie
    private let scores: [Double]
    private let unknownScore: Double
    private let unknownID: Int32

    /// Creates a model of pieces, whose ids are their positions.
    init(_ vocabulary: Vocabulary.List, scores: [Double], unknownID: Int32) {
        var pieces = ByteTrie()
        var start = 0
        for (end, id) in zip(vocabulary.ends, vocabulary.ids) {
            pieces.insert(vocabulary.bytes[start..<end], value: id)
            start = end
        }
        (self.pieces, self.scores, self.unknownID) = (pieces, scores, unknownID)
        unknownScore = (scores.min() ?? 0) - 10
    }

    /// The best way to reach a place in the word.
    private struct Node {
        var score = 0.0
        var start = -1
        var id: Int32 = -1
    }

    /// The ends of the best pieces in order; unknown characters side by side are one piece, of which `isUnknown` is true.
    ///
    /// - Complexity: linear in the length of the word times that of the longest piece.
    func split(_ word: UnsafeBufferPointer<UInt8>) -> [(range: Range<Int>, isUnknown: Bool)] {
        guard let bytes = word.baseAddress else { return [] }
        var nodes = [Node](repeating: Node(), count: word.count + 1)
        var position = 0
        while position < word.count {
            let length = decodeScalar(bytes, at: position, end: word.count).length
            let score = nodes[position].score
            var hasCharacter = false
            func offer(_ end: Int, _ id: Int32, _ added: Double) {
                // Of equally good ways the one found first stays.
                if nodes[end].start < 0 || score + added > nodes[end].score {
                    nodes[end] = Node(score: score + added, start: position, id: id)
                }
            }
            pieces.forEachPrefix(of: UnsafeBufferPointer(rebasing: word[position...])) { count, id in
                offer(position + count, id, scores[Int(id)])
                if count == length { hasCharacter = true }
            }
            if !hasCharacter { offer(position + length, unknownID, unknownScore) }
            position += length
        }
        var result: [(range: Range<Int>, isUnknown: Bool)] = []
        var end = word.count
        while end > 0, nodes[end].start >= 0 {
            let range = nodes[end].start..<end
            let isUnknown = nodes[end].id == unknownID
            if isUnknown, let last = result.last, last.isUnknown {
                result[result.count - 1].range = range.lowerBound..<last.range.upperBound
            } else {
                result.append((range, isUnknown))
            }
            end = range.lowerBound
        }
        return result.reversed()
    }
}
