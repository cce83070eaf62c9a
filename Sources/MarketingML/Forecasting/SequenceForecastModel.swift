import Foundation
import Tensor

/// A fitted ``SequenceForecaster``.
public struct SequenceForecastModel: Sendable {
    /// The recipe.
    public let recipe: SequenceForecaster
    let windows: ForecastWindows
    let networks: [Sequential]
}

extension SequenceForecastModel: FittedForecaster {
    /// The numbers after the end of a series, which need not be the one it was fitted on but must have the same covariates.
    ///
    /// - Throws: `.invalidOption` for more steps than the recipe's horizon; `.emptyData` for a series of fewer than W + period
    ///   steps; `.shapeMismatch` for other covariates, or ones that do not reach the horizon's end.
    public func forecast(_ steps: Int, after series: TimeSeries) throws -> [Double] {
        try checkSteps(steps)
        guard steps <= recipe.horizon else {
            throw MarketingMLError(
                .invalidOption, "must be at most the horizon of \(recipe.horizon), is \(steps)",
                at: .init(name: "steps"))
        }
        guard series.count >= windows.minimumCount else {
            throw MarketingMLError(
                .emptyData, "a forecast needs \(windows.minimumCount) numbers, the series has \(series.count)"
            )
        }
        guard series.covariates.map(\.name) == windows.covariates.map(\.name) else {
            throw MarketingMLError(
                .shapeMismatch,
                "expected the covariates \(windows.covariates.map(\.name)), found \(series.covariates.map(\.name))"
            )
        }
        // Beyond the steps that are asked for the last plans are as good as any: what follows does not reach back.
        let series = try series.withPlans(steps: steps, repeatedTo: recipe.horizon)
        let sample = windows.sample(series, observed: series.count)
        let input = Tensor(shape: [1, recipe.window + recipe.horizon, windows.width], sample.features)
        var sums = [Double](repeating: 0, count: steps)
        for network in networks {
            let output = try network.predict(input).elements
            for step in 0..<steps { sums[step] += Double(output[step]) }
        }
        return (0..<steps).map {
            sample.lagged[$0] + sample.deviation * sums[$0] / Double(networks.count)
        }
    }
}

extension TimeSeries {
    /// The series with plans for just `horizon` steps: those of the first `steps`, the last of them repeated.
    ///
    /// - Throws: `.shapeMismatch` if a covariate does not reach `steps` beyond the end.
    fileprivate func withPlans(steps: Int, repeatedTo horizon: Int) throws -> TimeSeries {
        try checkPlans(steps: steps)
        return try TimeSeries(
            values,
            covariates: covariates.map { covariate in
                let known = covariate.values.prefix(count + steps)
                let rest = [Double](repeating: known.last ?? 0, count: horizon - steps)
                return Covariate(covariate.name, known + rest)
            })
    }
}

extension SequenceForecastModel {
    private struct Fields: Codable {
        var recipe: SequenceForecaster
        var windows: ForecastWindows
        var networks: Int
    }
    private static let kind = "sequence forecaster"
    private static let fieldsFile = "forecaster.json"

    private static func networkURL(_ number: Int, in directory: URL) -> URL {
        directory.appendingPathComponent("network-\(number).safetensors")
    }

    /// Writes the model to a directory, as a whole: forecaster.json and a file a network.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to directory: URL) throws {
        try AtomicDirectory.replace(at: directory.path, marker: Self.fieldsFile) { path in
            let directory = URL(fileURLWithPath: path)
            let fields = Fields(recipe: recipe, windows: windows, networks: networks.count)
            try JSONModelFile.write(
                fields, kind: Self.kind, pretty: true, to: directory.appendingPathComponent(Self.fieldsFile))
            for (number, network) in networks.enumerated() {
                try network.save(to: Self.networkURL(number, in: directory))
            }
        }
    }

    /// Reads a directory that ``save(to:)`` wrote.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported`, and what reading the networks throws.
    public init(directory: URL) throws {
        let url = directory.appendingPathComponent(Self.fieldsFile)
        let fields: Fields = try JSONModelFile.read(url, kind: Self.kind)
        func malformed(_ message: String) -> MarketingMLError {
            MarketingMLError(.malformedFile, message, at: .init(file: url.path))
        }
        do { try fields.recipe.checkOptions() } catch { throw malformed("\(error)") }
        let (recipe, windows) = (fields.recipe, fields.windows)
        guard windows.window == recipe.window, windows.horizon == recipe.horizon,
            windows.period == recipe.period,
            windows.covariates.allSatisfy({ $0.mean.isFinite && $0.deviation > 0 && $0.deviation.isFinite }),
            (1...recipe.networks).contains(fields.networks)
        else { throw malformed("windows and networks do not fit the recipe") }
        let networks = try (0..<fields.networks).map { number in
            let network = try Sequential(
                contentsOf: Self.networkURL(number, in: directory), customLayers: [LastSteps.self])
            let input = LayerShape.sequence(length: recipe.window + recipe.horizon, width: windows.width)
            guard network.layers?.input == input,
                network.layers?.output == .vector(width: recipe.horizon)
            else { throw malformed("network \(number) does not fit the recipe") }
            return network
        }
        self.init(recipe: recipe, windows: windows, networks: networks)
    }
}
