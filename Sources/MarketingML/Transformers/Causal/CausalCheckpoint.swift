import Foundation

/// The files of a causal language model in Hugging Face's layout: config.json and model.safetensors.
///
/// GPT-2's projections are [inputs, outputs] there. Llama's queries, keys and values, and its gate and up projections,
/// have a matrix each there; here they stand below one another in one.
struct CausalCheckpoint {
    let configuration: CausalConfiguration
    private let tensors: SafeTensorsFile
    private let prefix: String

    init(directory: URL) throws {
        let configURL = directory.appendingPathComponent("config.json")
        let json = try JSONValue(parsing: InputFile.read(configURL.path), file: configURL.path)
        var configuration = try CausalConfiguration(json: json, file: configURL.path)
        tensors = try SafeTensorsFile(directory.appendingPathComponent("model.safetensors"))
        let names = CausalNames.of(configuration.layout)
        prefix = tensors.contains(names.prefix + names.words) ? names.prefix : ""
        // A file that holds no output matrix is tied, whatever the configuration forgot to say.
        if !tensors.contains(names.lastOutput) { configuration.tiesOutput = true }
        self.configuration = configuration
    }

    /// The weights.
    ///
    /// - Parameter holdingPacked: Whether what is multiplied with, a tied table included, is held packed alone (see
    ///   `Tensor.heldPacked`).
    func decoder<Scalar: TensorFloatingPoint>(holdingPacked: Bool = false) throws -> CausalDecoder<Scalar> {
        let configuration = configuration
        return try CausalDecoder(configuration: configuration) { name, shape, kind in
            let weight: Tensor<Scalar>
            switch (configuration.layout, kind) {
            case (.gpt2, .projection), (.gpt2, .residual):
                weight = try tensors.tensor(prefix + name, shape: shape.reversed()).transposed
            case (.llama, .projection):
                let parts = CausalNames.parts(of: name, configuration)
                weight = .concatenated(
                    try parts.map { try tensors.tensor(prefix + $0.name, shape: [$0.rows, shape[1]]) })
            case (_, .output):
                weight = try tensors.tensor(name, shape: shape)
            default:
                weight = try tensors.tensor(prefix + name, shape: shape)
            }
            guard holdingPacked else { return weight }
            switch kind {
            case .projection, .residual, .output: return weight.heldPacked()
            case .table where configuration.tiesOutput && name == CausalNames.of(configuration.layout).words:
                return weight.heldPacked()
            case .table, .scale, .shift: return weight
            }
        }
    }

    /// Names and values as the layout wants them: of the decoder's parameters, or of gradients in their place.
    static func split<Scalar: TensorFloatingPoint>(
        _ parameters: [(name: String, value: Tensor<Scalar>)], _ configuration: CausalConfiguration
    ) -> [(name: String, value: Tensor<Scalar>)] {
        parameters.flatMap { name, value -> [(name: String, value: Tensor<Scalar>)] in
            switch configuration.layout {
            case .gpt2:
                let isProjection = [".c_attn.weight", ".c_proj.weight", ".c_fc.weight"].contains {
                    name.hasSuffix($0)
                }
                return [(name, isProjection ? value.transposed : value)]
            case .llama:
                var start = 0
                return CausalNames.parts(of: name, configuration).map { part in
                    guard part.rows > 0 else { return (name, value) }
                    let rows = value.rows(start..<start + part.rows)
                    start += part.rows
                    let turns = configuration.rotaryPairs == .neighbours && part.isTurned
                    return (part.name, turns ? rows.withHalves(headSize: configuration.headSize) : rows)
                }
            }
        }
    }
}

extension CausalNames {
    /// The matrices that a checkpoint has in place of Llama's one of that name, with their rows; itself, of 0 rows,
    /// where it is one there too.
    static func parts(of name: String, _ configuration: CausalConfiguration) -> [(
        name: String, rows: Int, isTurned: Bool
    )] {
        if name.contains("qkv_proj") {
            let (heads, shared) = (configuration.heads, configuration.keyValueHeads)
            return [("q", heads), ("k", shared), ("v", shared)].map { part, count in
                (
                    name.replacingOccurrences(of: "qkv_proj", with: "\(part)_proj"),
                    count * configuration.headSize, part != "v"
                )
            }
        }
        if name.contains("gate_up_proj") {
            return ["gate", "up"].map {
                (
                    name.replacingOccurrences(of: "gate_up_proj", with: "\($0)_proj"),
                    configuration.intermediateSize, false
                )
            }
        }
        return [(name, 0, false)]
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// The rows of a projection to heads whose rotary pairs are neighbours, put in the order in which the pairs are
    /// the heads' halves: the first of each pair, then the second.
    fileprivate func withHalves(headSize: Int) -> Tensor {
        rows(
            at: (0..<shape[0]).map { row in
                let (head, place) = (row / headSize, row % headSize)
                let half = headSize / 2
                return head * headSize + place % half * 2 + place / half
            })
    }
}
