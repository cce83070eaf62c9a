// swift-tools-version: 6.1
import PackageDescription

let library = Target.Dependency.product(name: "MarketingML", package: "MarketingML")

/// A program that users run and copy from.
func example(_ name: String, _ more: [Target.Dependency] = []) -> Target {
    .executableTarget(
        name: name,
        dependencies: [
            "ExampleSupport", library, .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ] + more)
}

let package = Package(
    name: "MarketingMLExamples",
    platforms: [.macOS(.v15)],
    dependencies: [
        // Without the name its identity would be the folder's.
        .package(name: "MarketingML", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        .target(
            name: "ExampleSupport", dependencies: [library], resources: [.copy("Resources/reviews.tsv")]),
        example("sentiment"),
        example("lstm-sentiment"),
        example("few-shot-intents"),
        example("propensity"),
        example("forecast"),
        example("recommend-movies", [.product(name: "Recommend", package: "MarketingML")]),
        example("pretrain-bert"),
        example("translate"),
        example("ad-copy"),
    ],
    swiftLanguageModes: [.v6]
)
