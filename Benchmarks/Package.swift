// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "MarketingMLBenchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        // Without the name its identity would be the folder's.
        .package(name: "MarketingML", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        .executableTarget(
            name: "bench",
            dependencies: [
                .product(name: "MarketingML", package: "MarketingML"),
                .product(name: "Recommend", package: "MarketingML"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
