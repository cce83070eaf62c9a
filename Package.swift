// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "MarketingML",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "MarketingML", targets: ["MarketingML"]),
        .library(name: "Recommend", targets: ["Recommend"]),
        .library(name: "Tensor", targets: ["Tensor"]),
    ],
    targets: [
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
        .systemLibrary(
            name: "CLAPACKE", pkgConfig: "lapacke",
            providers: [.apt(["liblapacke-dev"]), .brew(["lapack"])]),
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(name: "CFiles"),
        .target(
            name: "CTensorKernels",
            exclude: ["README.md", "templates"],
            linkerSettings: [.linkedLibrary("m"), .linkedLibrary("pthread", .when(platforms: [.linux]))]),
        .target(
            name: "Tensor", dependencies: ["CTensorKernels", "COpenBLAS", "CLAPACKE", "CZlib", "CFiles"],
            exclude: ["README.md"]),
        .target(name: "MarketingML", dependencies: ["Tensor"], exclude: ["README.md"]),
        .target(name: "Recommend", dependencies: ["Tensor"], exclude: ["README.md"]),
        .target(name: "TestSupport", dependencies: ["Tensor"], path: "Tests/TestSupport"),
        // Trains in a process of its own, which the tests kill and resume.
        .executableTarget(name: "TrainingChild", dependencies: ["MarketingML"], path: "Tests/TrainingChild"),
        // Reads damaged files in a process of its own, whose memory the tests watch.
        .executableTarget(
            name: "ReaderChild", dependencies: ["MarketingML", "TestSupport"], path: "Tests/ReaderChild"),
        .testTarget(
            name: "TensorTests", dependencies: ["Tensor", "CTensorKernels", "TestSupport"]),
        .testTarget(
            name: "MarketingMLTests",
            dependencies: ["MarketingML", "TestSupport", "TrainingChild", "ReaderChild"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "RecommendTests", dependencies: ["Recommend", "TestSupport"], resources: [.copy("Fixtures")]
        ),
    ],
    swiftLanguageModes: [.v6]
)
