import ArgumentParser
import Foundation
import MarketingML

/// From the start of a process to the first answer of a saved MiniLM classifier: this program runs itself.
struct StartCase: BenchmarkCase {
    static let all = [StartCase()]

    var name: String { "start/minilm" }

    /// Where the fetch script keeps MiniLM.
    private static var miniLM: URL {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["MARKETINGML_MINILM"] { return URL(fileURLWithPath: path) }
        let cache = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        return URL(fileURLWithPath: environment["MARKETINGML_CACHE"] ?? cache + "/marketingml")
            .appendingPathComponent("minilm")
    }

    func measure(repeats: Int) throws -> Measurement {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "marketingml-bench-\(UUID())")
        defer { try? FileManager.default.removeItem(at: directory) }
        let texts = LabeledTexts(
            texts: ["good", "bad", "fine", "poor"], labels: ["positive", "negative", "positive", "negative"])
        let classifier = try TextClassifier.fineTune(
            BERT(directory: Self.miniLM), on: texts, options: FineTuningOptions(epochs: 1))
        try classifier.save(to: directory)
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        // Not through Foundation's Process, which looks for the end in steps of 50 ms.
        func start() throws {
            let words: [String] = [program, "first-answer", directory.path, "--quiet"]
            var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
            defer { arguments.forEach { free($0) } }
            var process = pid_t()
            var status = Int32()
            guard posix_spawn(&process, program, nil, nil, &arguments, environ) == 0,
                waitpid(process, &status, 0) == process, status == 0
            else {
                throw MarketingMLError(.inputOutput, "the program does not run", at: .init(file: program))
            }
        }
        return Measurement(runs: try Measurement.time(repeats: max(10, repeats), warmup: 3, start))
    }
}

/// What the started program does.
struct FirstAnswer: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Loads a classifier and answers once.", shouldDisplay: false)

    @Argument var directory: String
    @Flag var quiet = false

    func run() throws {
        let classifier = try TextClassifier<String>(directory: URL(fileURLWithPath: directory))
        let answer = try classifier.predict("Arrived broken and nobody answers.")
        if !quiet { print(answer.label) }
    }
}
