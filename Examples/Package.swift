// swift-tools-version: 6.1
import PackageDescription

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
            name: "ExampleSupport",
            dependencies: [.product(name: "MarketingML", package: "MarketingML")],
            resources: [.copy("Resources/reviews.tsv")]),
        .executableTarget(
            name: "sentiment",
            dependencies: [
                "ExampleSupport",
                .product(name: "MarketingML", package: "MarketingML"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "lstm-sentiment",
            dependencies: [
                "ExampleSupport",
                .product(name: "MarketingML", package: "MarketingML"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "forecast",
            dependencies: [
                "ExampleSupport",
                .product(name: "MarketingML", package: "MarketingML"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "propensity",
            dependencies: [
                "ExampleSupport",
                .product(name: "MarketingML", package: "MarketingML"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "few-shot-intents",
            dependencies: [
                "ExampleSupport",
                .product(name: "MarketingML", package: "MarketingML"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "recommend-movies",
            dependencies: [
                "ExampleSupport",
                .product(name: "MarketingML", package: "MarketingML"),
                .product(name: "Recommend", package: "MarketingML"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
