extension Array where Element: Parameterized {
    /// Layer after layer: the first of `inputs` goes through all of them, the others are seen by each.
    ///
    /// - Parameter recomputing: Whether the backward pass computes each layer again instead of keeping what it needs of it; see
    ///   ``recomputed(_:_:dropout:_:)``.
    func applied(
        to inputs: [Tensor<Element.Scalar>], recomputing: Bool, dropout: inout DropoutStreams?,
        _ body:
            @escaping @Sendable (
                _ layer: Element, _ inputs: [Tensor<Element.Scalar>], _ dropout: inout DropoutStreams?
            ) -> Tensor<Element.Scalar>
    ) -> Tensor<Element.Scalar> {
        var inputs = inputs
        for layer in self {
            inputs[0] =
                recomputing
                ? recomputed(layer, inputs, dropout: &dropout, body) : body(layer, inputs, &dropout)
        }
        return inputs[0]
    }
}
