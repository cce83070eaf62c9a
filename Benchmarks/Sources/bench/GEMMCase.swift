import MarketingML

/// C = A Bᵀ through the layer that the models use, the weight packed once.
struct GEMMCase: BenchmarkCase {
    let m: Int
    let n: Int
    let k: Int

    static let all = [
        (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (4096, 384, 384), (4096, 1536, 384),
        (4096, 384, 1536),
        (4096, 768, 768), (4096, 3072, 768), (4096, 768, 3072), (128, 768, 768), (128, 3072, 768),
        (32, 384, 384),
        (32, 1536, 384), (1, 3072, 768), (1, 768, 3072),
    ].map { GEMMCase(m: $0.0, n: $0.1, k: $0.2) }

    var name: String { "gemm_f32_\(m)x\(n)x\(k)_t2" }

    func measure(repeats: Int) throws -> Measurement {
        let a = Tensor<Float>.randomNormal([m, k], seed: 1)
        let weight = Tensor<Float>.randomNormal([n, k], seed: 2)
        var result = a.linear(weight)
        let operations = 2 * Double(m) * Double(n) * Double(k)
        let inner = max(1, min(2000, Int(3e9 / operations)))
        let runs = Measurement.time(repeats: max(repeats, 9), inner: inner, warmup: 3) {
            result = a.linear(weight)
        }
        return Measurement(
            runs: runs, throughput: { ["gflops": operations / $0 / 1e9] },
            quality: ["checksum": Double(result.sum().item)])
    }
}
