import ArgumentParser
import Foundation
import MarketingML

@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures MarketingML on the inputs of the peers' benchmark scripts.",
        discussion: """
            The inputs are read from $PEERS_DATA (default ~/.cache/marketingml-peers/data). A line of JSON a case: \
            the same form that the peers' scripts print.
            """,
        subcommands: [List.self, Run.self, FirstAnswer.self])

    /// All cases, in the order of the list.
    static let cases: [any BenchmarkCase] =
        GEMMCase.all + InferenceCase.all + TrainingCase.all + WordPieceCase.all + StartCase.all + CSVCase.all
        + RidgeCase.all + LogisticDenseCase.all + [LogisticSparseCase()] + LinearSVMCase.all
        + KernelSVMCase.all + AreaCase.all + LSTMCase.all + RecommendCase.all + RecommendGrowthCase.all
        + RecommendQualityCase.all + GenerationCase.all
        + PrefillCase.all + LanguageModelTrainingCase.all + BytePairEncodingCase.all
        + VocabularyTrainingCase.all + [PackedLSTMCase()]

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints the names of the cases.")

        func run() {
            for benchmark in Bench.cases { print(benchmark.name) }
        }
    }

    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Runs the cases whose names begin with one of the arguments.")

        @Argument(help: "Names of cases, or their beginnings.")
        var names: [String]

        @Option(help: "Samples a case.")
        var repeats = 5

        @Option(help: "Threads.")
        var threads = 2

        func run() throws {
            guard ThreadPool.kernelsAreOptimized, !isDebug else {
                throw ValidationError("built without optimisation; use swift run -c release bench")
            }
            ThreadPool.threadCount = threads
            let chosen = Bench.cases.filter { benchmark in names.contains { benchmark.name.hasPrefix($0) } }
            guard !chosen.isEmpty else {
                throw ValidationError("no case begins with \(names); see bench list")
            }
            for benchmark in chosen {
                let measured = try benchmark.measure(repeats: repeats)
                print(try measured.line(case: benchmark.name, threads: benchmark.threads ?? threads))
            }
        }

        private var isDebug: Bool {
            var debug = false
            assert({ debug = true }() == ())
            return debug
        }
    }
}

/// One thing that is measured.
protocol BenchmarkCase: Sendable {
    var name: String { get }
    /// The number of threads, when it is fixed.
    var threads: Int? { get }
    func measure(repeats: Int) throws -> Measurement
}

extension BenchmarkCase {
    var threads: Int? { nil }
}
