import Foundation
import Testing

/// Where the data are that are too large for the repository, and what happens when they are missing.
///
/// Use as a condition, so that the test counts as skipped:
/// `@Test(.enabled(if: TestData.minilm() != nil))`; a missing file is said on standard error and written to the
/// file that the environment variable `MARKETINGML_SKIPPED_LOG` names, for `make test` to count.
public enum TestData {
    /// A file or folder of the shared data: below `MARKETINGML_SHARED_DATA`, else `../shared/data` beside the
    /// package.
    public static func shared(_ path: String) -> URL? {
        let folder =
            variable("MARKETINGML_SHARED_DATA").map { URL(fileURLWithPath: $0) }
            ?? packageRoot.deletingLastPathComponent().appending(path: "shared/data")
        return existing(folder.appending(path: path), "shared/data/\(path)")
    }

    /// The folder of the pretrained MiniLM: `MARKETINGML_MINILM`, else where `Scripts/fetch-minilm-and-reviews`
    /// puts it.
    public static func minilm() -> URL? {
        let folder =
            variable("MARKETINGML_MINILM").map { URL(fileURLWithPath: $0) } ?? cache.appending(path: "minilm")
        let found = existing(folder.appending(path: "model.safetensors"), "minilm/model.safetensors")
        return found.map { _ in folder }
    }

    /// The folder with `train.tsv`, `dev.tsv` and `test.tsv` of the product reviews, made by the same script, or
    /// with their compressed copies in the shared data.
    public static func reviews() -> URL? {
        let made = cache.appending(path: "product-reviews-en")
        if FileManager.default.fileExists(atPath: made.appending(path: "test.tsv").path) { return made }
        return shared("product-reviews-en")
    }

    /// One of the three parts of the product reviews: `train`, `dev` or `test`.
    public static func reviews(_ part: String) -> URL? {
        guard let folder = reviews() else { return nil }
        let plain = folder.appending(path: part + ".tsv")
        return FileManager.default.fileExists(atPath: plain.path)
            ? plain : folder.appending(path: part + ".tsv.gz")
    }

    /// A golden file in a test target's `Fixtures`; call with `Bundle.module`.
    public static func fixture(_ name: String, _ bundle: Bundle) -> URL {
        (bundle.resourceURL ?? bundle.bundleURL).appending(path: "Fixtures").appending(path: name)
    }

    /// The folder of the package.
    public static let packageRoot = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The folder for downloads, as `Scripts/fetch-minilm-and-reviews` computes it.
    public static var cache: URL {
        if let folder = variable("MARKETINGML_CACHE") { return URL(fileURLWithPath: folder) }
        if let folder = variable("XDG_CACHE_HOME") {
            return URL(fileURLWithPath: folder).appending(path: "marketingml")
        }
        return FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache/marketingml")
    }

    private static func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func existing(_ url: URL, _ name: String) -> URL? {
        if FileManager.default.fileExists(atPath: url.path) { return url }
        let line = Data("SKIPPED (missing data): \(name)\n".utf8)
        try? FileHandle.standardError.write(contentsOf: line)
        if let log = variable("MARKETINGML_SKIPPED_LOG") { append(line, to: log) }
        return nil
    }

    /// Appends in one system call, so that lines of tests that run side by side do not mix.
    private static func append(_ line: Data, to path: String) {
        guard let file = fopen(path, "a") else { return }
        _ = line.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
        fclose(file)
    }
}
