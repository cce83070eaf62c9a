/// A layer that ends with an activation function, which a loss may want to do without.
protocol ActivatedLayer<Scalar>: Layer {
    /// The activation function.
    var outputActivation: Activation { get }

    /// The output before the activation function.
    func preactivation(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<Scalar>
}

extension DenseLayer: ActivatedLayer {
    var outputActivation: Activation { activation }

    func preactivation(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<Scalar> {
        input.mapVectors { $0.linear(weight, bias: bias) }
    }
}

extension ParameterFreeLayer: ActivatedLayer where Recipe == Activation {
    var outputActivation: Activation { recipe }

    func preactivation(_ input: LayerValue<Scalar>, dropout: inout DropoutStreams?) -> LayerValue<Scalar> {
        input
    }
}

extension LayerStack {
    /// The output for a batch; before the last activation function when `loss` can read that.
    func output(_ input: LayerValue<Scalar>, for loss: Loss, dropout: inout DropoutStreams?) -> (
        vectors: Tensor<Scalar>, logitsOf: Activation
    ) {
        guard let last = entries.last?.layer as? any ActivatedLayer<Scalar>,
            loss.reads(logitsOf: last.outputActivation)
        else { return (self(input, dropout: &dropout).vectors, .identity) }
        let hidden = entries.dropLast().reduce(input) { $1.layer($0, dropout: &dropout) }
        return (last.preactivation(hidden, dropout: &dropout).vectors, last.outputActivation)
    }

    /// The first layer whose output for a batch is NaN or infinite, in words; nil if all are finite.
    func firstNonFiniteLayer(_ input: LayerValue<Scalar>) -> String? {
        var value = input
        for (index, entry) in entries.enumerated() {
            var layer = entry.layer
            var broken: String?
            layer.forEachParameter { name, parameter in
                if broken == nil, !parameter.allFinite { broken = "\(name) of " }
            }
            value = entry.layer(value)
            if let broken { return broken + Self.name(index, entry.kind) }
            if !value.vectors.allFinite { return Self.name(index, entry.kind) }
        }
        return nil
    }
}
