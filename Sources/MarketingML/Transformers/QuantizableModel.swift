extension Parameterized {
    /// The same model with the matrices of those names held in 8 bits.
    func holdingQuantized(where isQuantized: (String) -> Bool) -> Self {
        var model = self
        model.forEachParameter { name, parameter in
            if parameter.rank == 2, isQuantized(name) { parameter = parameter.heldQuantized() }
        }
        return model
    }

    /// The bytes that its parameters take, held as they are.
    var heldByteCount: Int { parameters.reduce(0) { $0 + $1.value.heldByteCount } }
}

extension BERTEncoder {
    /// The same encoder with the matrices of its layers held in 8 bits: rounded to 129 steps, a scale for each output; what goes
    /// into a product is rounded to 255 steps as it comes, row by row. Embeddings, norms, biases, pooler and adapters stay as they are.
    ///
    /// For prediction: a quarter of the layers' memory and about 0.6 of the time. Where gradients are computed, and where the weights
    /// are saved, they count as the rounded ones.
    public func quantized() -> BERTEncoder {
        holdingQuantized { $0.hasPrefix("encoder.layer.") && !LowRankAdapter<Scalar>.owns($0) }
    }
}

extension SequenceClassifier {
    /// The same classifier with the layers of its encoder held in 8 bits; see ``BERTEncoder/quantized()``.
    public func quantized() -> SequenceClassifier {
        SequenceClassifier(encoder: encoder.quantized(), head: head, pooling: pooling)
    }
}

extension BERT {
    /// The same model with its layers held in 8 bits; see ``BERTEncoder/quantized()``.
    public func quantized() -> BERT {
        var model = self
        model.encoder = encoder.quantized()
        return model
    }
}
