/// What PEFT's files say of a kind of model beside its adapters, and how the model's layers are called there.
public struct AdapterFormat: Sendable, Equatable {
    /// What stands before the names of layers in the model with its head: `bert.`, `transformer.`, `model.`; empty for a body alone.
    var prefix: String
    /// PEFT's name of the task.
    var task: String
    /// The name of the head, which an adapter holds whole; nil if there is none.
    var headName: String?
    /// Whether its checkpoints hold weights as [inputs, outputs], as GPT-2's do.
    var hasTransposedWeights = false
    /// What is adapted unless targets are named: projections to queries and to values.
    var usualTargets: [String]

    /// A BERT without a head.
    static let bert = AdapterFormat(
        prefix: "", task: "FEATURE_EXTRACTION", headName: nil, usualTargets: ["query", "value"])

    /// A BERT with a head of that name.
    static func bert(headName: String) -> AdapterFormat {
        AdapterFormat(
            prefix: "bert.", task: "SEQ_CLS", headName: headName, usualTargets: ["query", "value"])
    }

    /// A causal language model.
    static func causal(_ layout: CausalConfiguration.Layout) -> AdapterFormat {
        AdapterFormat(
            prefix: CausalNames.of(layout).prefix, task: "CAUSAL_LM", headName: nil,
            hasTransposedWeights: layout == .gpt2,
            usualTargets: layout == .gpt2 ? ["c_attn"] : ["q_proj", "v_proj"])
    }
}

extension String {
    /// A layer's name without what stands before it in models with a head.
    var withoutModelPrefix: String {
        for prefix in ["bert.", "transformer.", "model."] where hasPrefix(prefix) {
            return String(dropFirst(prefix.count))
        }
        return self
    }
}
