import Tensor

extension TextModelRecipe {
    /// The layers from token ids to probabilities; none for n-grams.
    func layers(vocabularySize: Int, classes: Int) -> [any LayerRecipe] {
        let body: [any LayerRecipe]
        let sizes: (dimension: Int, dropout: Double)
        let bothWays = RecurrentOptions(isBidirectional: true)
        switch self {
        case .nGrams: return []
        case .lstm(let units, let dimension, let dropout):
            sizes = (dimension, dropout)
            body = [LSTM(units: units, returnsSequences: true, options: bothWays), GlobalMaxPooling()]
        case .gru(let units, let dimension, let dropout):
            sizes = (dimension, dropout)
            body = [GRU(units: units, returnsSequences: true, options: bothWays), GlobalMaxPooling()]
        case .convolution(let filters, let widths, let dimension, let dropout):
            sizes = (dimension, dropout)
            body = [ConvolutionBank(filters: filters, widths: widths)]
        }
        let embedding = Embedding(vocabularySize: vocabularySize, dimension: sizes.dimension)
        let dropout = Dropout(rate: sizes.dropout)
        return [embedding, dropout] + body + [dropout, Dense(units: classes, activation: .softmax)]
    }
}
