import Foundation

/// The checkpoint format of llama2.c (https://github.com/karpathy/llama2.c, version 0): seven Int32 sizes, then Float32
/// arrays, each over all layers, little-endian.
struct Llama2CFile {
    let configuration: CausalConfiguration
    private let file: ReadableFile
    /// Each array's first byte and the elements of a layer.
    private var places: [String: (offset: Int, count: Int)] = [:]

    /// - Throws: `.fileNotFound`; `.malformedFile` for sizes that cannot be or do not fit the file.
    init(_ url: URL) throws {
        file = try ReadableFile(path: url.path)
        let path = url.path
        func malformed(_ message: String) -> MarketingMLError {
            MarketingMLError(.malformedFile, message, at: .init(file: path))
        }
        guard file.size >= 28 else { throw malformed("expected at least 28 bytes, found \(file.size)") }
        let header = try file.bytes(at: 0, count: 28)
        let sizes = (0..<7).map { index in
            Int(
                Int32(
                    bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(header[4 * index + $1]) << (8 * $1) })
            )
        }
        let limit = CausalConfiguration.largestSize
        // A negative vocabulary says that the output matrix is one of its own.
        let vocabulary = abs(sizes[5])
        guard sizes.enumerated().allSatisfy({ $0.offset == 5 || 1...limit ~= $0.element }),
            1...limit ~= vocabulary, sizes[2] <= 1024, sizes[3] <= 4096, sizes[0] % sizes[3] == 0,
            sizes[3] % sizes[4] == 0, sizes[0] / sizes[3] % 2 == 0
        else { throw malformed("the sizes \(sizes) are not those of a model") }
        var configuration = CausalConfiguration.llama(
            vocabularySize: vocabulary, hiddenSize: sizes[0], layers: sizes[2], heads: sizes[3],
            keyValueHeads: sizes[4], intermediateSize: sizes[1], contextLength: sizes[6])
        configuration.rotaryPairs = .neighbours
        configuration.tiesOutput = sizes[5] > 0
        configuration.startToken = vocabulary > 2 ? 1 : nil
        configuration.endTokens = vocabulary > 2 ? [2] : []
        self.configuration = configuration

        let (size, wide, layers) = (sizes[0], sizes[1], sizes[2])
        let keys = sizes[4] * configuration.headSize
        var end = 28
        for (name, rows, columns, count) in [
            ("words", vocabulary, size, 1), ("rms_att", 1, size, layers), ("wq", size, size, layers),
            ("wk", keys, size, layers), ("wv", keys, size, layers), ("wo", size, size, layers),
            ("rms_ffn", 1, size, layers), ("w1", wide, size, layers), ("w2", size, wide, layers),
            ("w3", wide, size, layers), ("rms_final", 1, size, 1),
            ("", 2 * sizes[6], configuration.headSize / 2, 1),
            ("wcls", sizes[5] > 0 ? 0 : vocabulary, size, 1),
        ] {
            places[name] = (end, rows * columns)
            let (bytes, overflow) = (rows * columns).multipliedReportingOverflow(by: 4 * count)
            guard !overflow, bytes <= file.size - end else {
                throw malformed(
                    "the sizes \(sizes) need more than the \(file.size) bytes of the file")
            }
            end += bytes
        }
        guard end == file.size else {
            throw malformed("the sizes \(sizes) need \(end) bytes, the file has \(file.size)")
        }
    }

    /// The weights.
    func decoder() throws -> CausalDecoder<Float> {
        try CausalDecoder(configuration: configuration) { name, shape, kind in
            // layers.3.self_attn.o_proj.weight: its layer and its last part but one.
            let parts = name.split(separator: ".")
            let layer = parts.count > 2 ? Int(parts[1]) ?? 0 : 0
            let arrays: [String]
            switch parts[parts.count - 2] {
            case "embed_tokens": arrays = ["words"]
            case "input_layernorm": arrays = ["rms_att"]
            case "qkv_proj": arrays = ["wq", "wk", "wv"]
            case "o_proj": arrays = ["wo"]
            case "post_attention_layernorm": arrays = ["rms_ffn"]
            case "gate_up_proj": arrays = ["w1", "w3"]
            case "down_proj": arrays = ["w2"]
            case "norm": arrays = ["rms_final"]
            default: arrays = ["wcls"]
            }
            let values = try arrays.flatMap { try floats($0, layer: layer) }
            let weight = Tensor<Float>(shape: shape, values)
            return kind == .projection || kind == .residual || kind == .output ? weight.heldPacked() : weight
        }
    }

    private func floats(_ name: String, layer: Int) throws -> [Float] {
        guard let (offset, count) = places[name] else { return [] }
        return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset + 4 * count * layer)
            initialized = count
        }
    }
}
