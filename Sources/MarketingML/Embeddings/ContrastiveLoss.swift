import Tensor

/// What a ``SentenceEncoder`` learns from pairs of texts. The definitions are those of sentence-transformers.
public enum ContrastiveLoss: Sendable, Codable, Equatable {
    /// A text's vector a should be nearer to that of its partner b than to the partners of the others in the batch:
    /// cross-entropy of scale · cos(aᵢ, bⱼ) over j, the right one being i. Wants pairs that belong together, of which no two in a batch mean
    /// the same (arXiv:1705.00652).
    case multipleNegativesRanking(scale: Double = 20)
    /// (cos(a, b) − similarity)², the mean over pairs.
    case cosineSimilarity

    /// The mean loss of vectors [N, D] and [N, D].
    ///
    /// - Parameter similarities: N numbers, for cosine similarity.
    func callAsFunction<Scalar: TensorFloatingPoint>(
        _ a: Tensor<Scalar>, _ b: Tensor<Scalar>, similarities: [Double]
    ) -> Tensor<Scalar> {
        let (a, b) = (a.unitRows(), b.unitRows())
        switch self {
        case .multipleNegativesRanking(let scale):
            let scores = a.matmul(b, transposingOther: true) * Scalar(scale)
            return crossEntropy(scores, (0..<Int32(clamping: a.shape[0])).map { $0 })
        case .cosineSimilarity:
            let cosines = (a * b).sum(along: 1).reshaped(a.shape[0])
            let difference = cosines - Tensor(similarities.map { Scalar($0) })
            return (difference * difference).mean()
        }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// Rows divided by their Euclidean norm; rows of zeros stay.
    func unitRows() -> Tensor {
        let squares = (self * self).sum(along: 1).reshaped(shape[0], 1)
        return self / (squares + Scalar(1e-24)).squareRoot()
    }
}
