import Foundation
import MarketingML
import Recommend

/// Recommenders on five million generated interactions, with the options of the peers' script.
struct RecommendCase: BenchmarkCase {
    enum Work: String, CaseIterable {
        case als64 = "als/f64"
        case als64Cholesky = "als_cholesky/f64"
        case als64Blocks = "als_blocks/f64"
        case als128 = "als/f128"
        case als128Cholesky = "als_cholesky/f128"
        case als128Blocks = "als_blocks/f128"
        case top10 = "als_recommend_top10/f64"
        case one = "als_recommend_one/f64"
        case load = "als_load/f128"
        case bpr = "bpr/f64"
        case svdPlusPlus = "svdpp/ml1m"
    }

    let work: Work

    static let all = Work.allCases.map { RecommendCase(work: $0) }

    var name: String { work.rawValue }

    func measure(repeats: Int) throws -> Measurement {
        switch work {
        case .als64: try iterations(factors: 64, .conjugateGradient())
        case .als64Cholesky: try iterations(factors: 64, .cholesky)
        case .als64Blocks: try iterations(factors: 64, .blocks())
        case .als128: try iterations(factors: 128, .conjugateGradient())
        case .als128Cholesky: try iterations(factors: 128, .cholesky)
        case .als128Blocks: try iterations(factors: 128, .blocks())
        case .top10: try recommendForAll(repeats)
        case .one: try recommendForOne(repeats)
        case .load: try loading(repeats)
        case .bpr: try epochs()
        case .svdPlusPlus: try ratingEpochs()
        }
    }

    private static let folder = "implicit_50000x20000"

    private static func interactions() throws -> Interactions<Int, Int> {
        let data = try PeerData(folder)
        return Interactions(
            matrix: try SparseMatrix(
                rowCount: 50_000, columnCount: 20_000, rowOffsets: try data.integers("indptr"),
                columnIndices: try data.indices("indices"), values: try data.elements("data", as: Float.self))
        )
    }

    private static func recipe(_ factors: Int, _ solver: ALSSolver) -> ImplicitALS<Int, Int> {
        .huKorenVolinsky(factors: factors, regularization: 0.05, alpha: 1, iterations: 15, solver: solver)
    }

    /// Seconds from one progress event to the next.
    private static func steps(_ body: (@escaping ProgressHandler) throws -> Void) throws -> [Double] {
        let clock = ContinuousClock()
        var last = clock.now
        var runs: [Double] = []
        try body { _ in
            runs.append((clock.now - last) / .seconds(1))
            last = clock.now
            return .continue
        }
        return runs
    }

    /// An iteration is a half-sweep over users and one over items. The loss is that of the peers' script after as many iterations,
    /// from a second, equal fit; `fit_s` is a whole fit with its last half-sweep over users.
    private func iterations(factors: Int, _ solver: ALSSolver) throws -> Measurement {
        let data = try Self.interactions()
        let clock = ContinuousClock()
        var runs: [Double] = []
        let total = try clock.measure {
            runs = try Self.steps { progress in
                _ = try Self.recipe(factors, solver).fit(data, progress: progress)
            }
        }
        var tracked = Self.recipe(factors, solver)
        tracked.tracksLoss = true
        let losses = try tracked.fit(data).losses
        return Measurement(
            runs: runs, throughput: { ["iter_per_s": 1 / $0, "ratings_per_s": Double(data.count) / $0] },
            quality: [
                "loss_15_iter": losses[losses.count - 2],
                "loss_per_nnz": losses[losses.count - 2] / Double(data.count),
                "fit_s": total / .seconds(1),
            ])
    }

    private func model() throws -> ImplicitALS<Int, Int>.Model {
        var recipe = Self.recipe(64, .conjugateGradient())
        recipe.iterations = 3
        return try recipe.fit(try Self.interactions())
    }

    private func recommendForAll(_ repeats: Int) throws -> Measurement {
        let model = try model()
        let runs = try Measurement.time(repeats: repeats) {
            guard model.recommendForAll(count: 10).count == 50_000 else {
                throw MarketingMLError(.emptyData, "recommends to too few users")
            }
        }
        return Measurement(runs: runs, throughput: { ["users_per_s": 50_000 / $0] })
    }

    private func recommendForOne(_ repeats: Int) throws -> Measurement {
        let model = try model()
        let runs = try Measurement.time(repeats: repeats, inner: 200) {
            guard model.recommend(for: 7, count: 10).count == 10 else {
                throw MarketingMLError(.emptyData, "recommends too little")
            }
        }
        return Measurement(runs: runs, throughput: { ["users_per_s": 1 / $0] })
    }

    /// Reading a model of 128 factors that was saved: 36 MB of factors and the 5 million interactions.
    private func loading(_ repeats: Int) throws -> Measurement {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("als-\(UUID()).safetensors")
        defer { try? FileManager.default.removeItem(at: url) }
        var recipe = Self.recipe(128, .conjugateGradient())
        recipe.iterations = 1
        try recipe.fit(try Self.interactions()).save(to: url)
        let bytes = try url.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
        let runs = try Measurement.time(repeats: repeats) {
            guard try ImplicitALS<Int, Int>.Model(url).catalogue.users.count == 50_000 else {
                throw MarketingMLError(.emptyData, "reads too few users")
            }
        }
        return Measurement(
            runs: runs, throughput: { ["mb_per_s": Double(bytes) / 1e6 / $0] },
            quality: ["file_mb": Double(bytes) / 1e6])
    }

    /// The pair AUC is that of the peers' script: 200,000 training interactions against items drawn uniformly.
    private func epochs() throws -> Measurement {
        let data = try Self.interactions()
        let recipe = BayesianPersonalizedRanking<Int, Int>(
            factors: 64, learningRate: 0.05, regularization: 0.01, epochs: 20)
        var model: BayesianPersonalizedRanking<Int, Int>.Model?
        let runs = try Self.steps { progress in model = try recipe.fit(data, progress: progress) }
        guard let factors = model?.factors else { throw MarketingMLError(.emptyData, "no model") }
        let (offsets, taken) = try (
            PeerData(Self.folder).integers("indptr"), PeerData(Self.folder).indices("indices")
        )
        var random = SeededGenerator(seed: 0)
        let (users, items, width) = (factors.users.elements, factors.items.elements, 65)
        func score(_ user: Int, _ item: Int) -> Float {
            (0..<width).reduce(0) { $0 + users[user * width + $1] * items[item * width + $1] }
        }
        let right = (0..<200_000).count { _ in
            let place = random.next(below: taken.count)
            // The last user whose part begins at or before the place.
            var (low, high) = (0, offsets.count - 1)
            while low < high {
                let middle = (low + high + 1) / 2
                if offsets[middle] <= place { low = middle } else { high = middle - 1 }
            }
            return score(low, Int(taken[place])) > score(low, random.next(below: 20_000))
        }
        return Measurement(
            runs: Array(runs.dropFirst()),
            throughput: { ["epoch_per_s": 1 / $0, "samples_per_s": Double(data.count) / $0] },
            quality: ["train_pair_auc_20_epochs": Double(right) / 200_000])
    }

    /// SVD++ with the options of `Peers/svdpp.py`.
    private func ratingEpochs() throws -> Measurement {
        func ratings(_ part: String) throws -> Ratings<Int32, Int32> {
            let data = try PeerData("ratings_ml1m")
            return try Ratings(
                Interactions(
                    users: data.indices(part + "_users"), items: data.indices(part + "_items"),
                    values: data.indices(part + "_ratings").map(Double.init)), scale: 1...5)
        }
        let (train, test) = try (ratings("train"), ratings("test"))
        let count = try PeerData("ratings_ml1m").indices("train_ratings").count
        var model: SVDPlusPlus<Int32, Int32>.Model?
        let runs = try Self.steps { progress in
            model = try SVDPlusPlus(factors: 20, learningRate: 0.007, regularization: 0.02, epochs: 5)
                .fit(train, progress: progress)
        }
        return Measurement(
            runs: Array(runs.dropFirst()),
            throughput: { ["ratings_per_s": Double(count) / $0] },
            quality: ["heldout_rmse": model?.rootMeanSquaredError(on: test) ?? .nan])
    }
}
