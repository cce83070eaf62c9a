import ArgumentParser
import ExampleSupport
import Foundation
import MarketingML
import Recommend

@main
struct RecommendMovies: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommend-movies",
        abstract: "Compares recommenders on a table of ratings, and recommends with reasons.",
        discussion: """
            Files are CSV or TSV, also compressed (.gz), with column names in the first row. Every rating counts as a \
            sign of interest for the models that rank; biased matrix factorization predicts the ratings. Without files \
            a small generated set is used.
            """)

    @Option(help: "The ratings to learn from.", completion: .file()) var train: String?
    @Option(help: "The ratings to be judged on.", completion: .file()) var test: String?
    @Option(help: "The column of the users.") var user = "userId"
    @Option(help: "The column of the items.") var item = "movieId"
    @Option(help: "The column of the ratings.") var value = "rating"
    @Option(help: "A table with the items' column and a column `title`.", completion: .file()) var titles:
        String?
    @Option(help: "For whom to recommend. (default: the first user)") var `for`: String?
    @Option(help: "The length of the lists.") var count = 10
    @Option(help: "Every random choice follows from it.") var seed: UInt64 = 1
    @Option(help: "Keep the model of the recommendations in this file.", completion: .file()) var save:
        String?
    @Option(help: "Write the figures to this file.", completion: .file()) var json: String?

    func run() throws {
        do {
            try tellTheStory()
        } catch {
            Terminal.write("recommend-movies: \(error)\n")
            throw ExitCode.failure
        }
    }

    /// Read, compare, recommend and say why, save and load: in the order in which a reader wants to see it.
    private func tellTheStory() throws {
        let start = ContinuousClock.now
        let data = try readData()
        print(
            "\(data.train.count) ratings of \(data.train.items.count) items by \(data.train.users.count) users; "
                + "judged on \(data.test.count) more\n")

        var judged: [(name: String, report: RankingReport)] = []
        var figures: [MovieFigures.Model] = []
        for recipe in recipes {
            let (report, seconds) = try judge(recipe, data)
            judged.append((recipe.name, report))
            let difference = try report.difference(to: judged[0].report, .ndcg, at: count)
            figures.append(
                .init(
                    name: recipe.name, seconds: seconds,
                    metrics: Dictionary(
                        uniqueKeysWithValues: RankingMetric.allCases.map {
                            ($0.rawValue, report.mean($0, at: count))
                        }),
                    auc: report.auc, lists: report.lists,
                    difference: [
                        difference.mean, difference.interval.lowerBound, difference.interval.upperBound,
                    ]))
        }
        print("\(try ModelComparison(judged, at: count))\n")

        let ratings = try Ratings(data.train)
        let predictor = try BiasedMatrixFactorization(factors: 100, seed: seed).fit(ratings)
        let error = predictor.rootMeanSquaredError(on: try Ratings(data.test))
        print("Ratings as predicted by \(BiasedMatrixFactorization<String, String>(factors: 100).name)")
        print(
            "are off by \(Figures.fixed(error, digits: 4)) stars (root mean square, unknown items included)\n"
        )

        let model = try als.fit(Confidence(data.train, reading: .presence))
        let person = `for` ?? data.train.users[0]
        let recommendations = try recommend(model, to: person, data)
        try saveAndLoad(model, person)

        let seconds = (ContinuousClock.now - start) / .seconds(1)
        print("\n\(Figures.fixed(seconds, digits: 1)) s in all")
        if let json {
            try MovieFigures(
                k: count, users: data.train.users.count, items: data.train.items.count,
                interactions: data.train.count, testInteractions: data.test.count, models: figures,
                ratingError: error, user: person, recommendations: recommendations, seconds: seconds
            ).write(to: URL(fileURLWithPath: json))
        }
    }

    private func readData() throws -> MovieData {
        guard let train, let test else {
            print("No files given (--train, --test): a generated set")
            return try MovieData(seed: seed)
        }
        return try MovieData(
            train: URL(fileURLWithPath: train), test: URL(fileURLWithPath: test), user: user, item: item,
            value: value,
            titles: titles.map { URL(fileURLWithPath: $0) })
    }

    private var als: ImplicitALS<String, String> {
        ImplicitALS(
            factors: 128, regularization: 6, alpha: 1, unobservedWeight: 0.2, iterations: 12, seed: seed)
    }

    private var recipes: [any Recommender<String, String>] {
        [
            Popularity(), ItemKNN(.cosine, neighbors: 50), ItemKNN(.tfidf, neighbors: 50),
            EASE(regularization: 200), als,
        ]
    }

    private func judge(
        _ recipe: some Recommender<String, String>, _ data: MovieData
    ) throws -> (RankingReport, seconds: Double) {
        let bar = ProgressBar()
        defer { bar.finish() }
        let start = ContinuousClock.now
        // All ratings as signs of interest, whatever their value.
        let model = try recipe.fit(try data.train.withValues { _ in 1 }) { bar.update($0) }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        return (try model.evaluate(on: data.test, at: [count]), seconds)
    }

    private func recommend(
        _ model: ImplicitALS<String, String>.Model, to person: String, _ data: MovieData
    ) throws -> [MovieFigures.Recommendation] {
        print("For user \(person)")
        var result: [MovieFigures.Recommendation] = []
        for (item, score) in model.recommend(for: person, count: count) {
            let reasons =
                try model.explain(item, for: person)?.contributions.prefix(2).map { data.title($0.item) }
                ?? []
            print("  \(Figures.fixed(score, digits: 2))  \(data.title(item))")
            print("        because you liked \(reasons.joined(separator: " and "))")
            result.append(.init(item: data.title(item), score: score, because: reasons))
        }
        if let first = result.first, let item = model.recommend(for: person, count: 1).first?.item {
            let similar = model.similarItems(to: item, count: 3).map { data.title($0.item) }
            print("Like \(first.item): \(similar.joined(separator: ", "))")
        }
        return result
    }

    /// The model from the file answers as the one that was fitted.
    private func saveAndLoad(_ model: ImplicitALS<String, String>.Model, _ person: String) throws {
        guard let save else { return }
        let url = URL(fileURLWithPath: save)
        try model.save(to: url)
        let again = try ImplicitALS<String, String>.Model(url)
        let isSame =
            again.recommend(for: person, count: count).map(\.item)
            == model.recommend(for: person, count: count).map(\.item)
        print("\nsaved to \(save); read again it recommends \(isSame ? "the same" : "something else")")
    }
}
