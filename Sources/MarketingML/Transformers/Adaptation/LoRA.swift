/// Low-rank adaptation: the weights of a model stay as they are, and some of its linear layers learn a change B A of small rank.
///
/// Reference: Hu et al. 2021, arXiv:2106.09685.
public struct LoRA: Sendable, Codable, Equatable {
    /// The rank r of the change, from 1 on.
    public var rank: Int
    /// α: the change counts α / r times; a finite number.
    public var alpha: Double
    /// Share of the elements of a layer's input that its adapter does not see while training, in [0, 1).
    public var dropout: Double
    /// The layers that are adapted: whole names, or their ends (`query`, `output.dense`); empty: the paper's choice, projections to
    /// queries and to values (`query`, `value`; `q_proj`, `v_proj`; for GPT-2, where queries, keys and values are one, `c_attn`).
    public var targets: [String]

    /// Creates the options.
    public init(
        rank: Int = 8, alpha: Double = 16, dropout: Double = 0, targets: [String] = []
    ) {
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.targets = targets
    }

    /// The same as the initialiser, for options: `adaptation: .lora(rank: 8, alpha: 16)`.
    public static func lora(
        rank: Int = 8, alpha: Double = 16, dropout: Double = 0, targets: [String] = []
    ) -> LoRA {
        LoRA(rank: rank, alpha: alpha, dropout: dropout, targets: targets)
    }

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validate() throws {
        try requireOption(1...4096 ~= rank, "rank", "from 1 to 4096", rank)
        try requireOption(alpha.isFinite, "alpha", "a finite number", alpha)
        try requireOption(0..<1 ~= dropout, "dropout", "in [0, 1)", dropout)
    }

    /// Whether a layer of this name is adapted.
    func adapts(_ name: String) -> Bool { targets.contains { name == $0 || name.hasSuffix(".\($0)") } }
}
