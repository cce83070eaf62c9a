import Tensor

extension TextModelRecipe {
    /// The layers from token ids to probabilities; none for n-grams.
    func layers(vocabularySize: Int, classes: Int) -> [any LayerRecipe] {
        let body: any LayerRecipe
        let sizes: (dimension: Int, dropout: Double)
        switch self {
        case .nGrams: return []
        case .lstm(let units, let dimension, let dropout):
            sizes = (dimension, dropout)
            body = RecurrentPooling(cell: .lstm, units: units)
        case .gru(let units, let dimension, let dropout):
            sizes = (dimension, dropout)
            body = RecurrentPooling(cell: .gru, units: units)
        case .convolution(let filters, let widths, let dimension, let dropout):
            sizes = (dimension, dropout)
            body = ConvolutionBank(filters: filters, widths: widths)
        }
        return [
            Embedding(vocabularySize: vocabularySize, dimension: sizes.dimension),
            Dropout(rate: sizes.dropout), body, Dropout(rate: sizes.dropout),
            Dense(units: classes, activation: .softmax),
        ]
    }
}
