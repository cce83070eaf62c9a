#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A fitted ``HoltWinters``.
public struct HoltWintersModel: Sendable, Equatable {
    /// The recipe.
    public let recipe: HoltWinters
    /// The smoothing parameters.
    public let parameters: HoltWinters.Parameters
    /// The sum of the squared errors of the forecasts of one step, over the series it was fitted on.
    public let squaredError: Double
    /// The number of steps it was fitted on (N).
    public let count: Int
    /// Before the first step.
    let initial: HoltWintersState
    /// After the last step.
    let final: HoltWintersState

    init(
        recipe: HoltWinters, parameters: HoltWinters.Parameters, initial: HoltWintersState,
        series: TimeSeries
    ) {
        self.recipe = recipe
        self.parameters = parameters
        self.initial = initial
        count = series.count
        var state = initial
        squaredError = series.values.reduce(0) { sum, value in
            let miss = value - state.advance(recipe, parameters, value)
            return sum + miss * miss
        }
        final = state
    }

    /// The level after the last step.
    public var level: Double { final.level }
    /// The trend after the last step: a summand, or a factor if it is multiplicative.
    public var trend: Double { final.trend }
    /// The effects of the next m steps.
    public var season: [Double] {
        Array(final.season[final.place...] + final.season[..<final.place])
    }

    /// For each step of a series from the first that the model was fitted on, what was forecast one step before.
    ///
    /// - Throws: `.unsupported` for numbers that a multiplicative model does not allow.
    public func fittedValues(_ series: TimeSeries) throws -> [Double] {
        try recipe.checkSigns(series)
        var state = initial
        return series.values.map { state.advance(recipe, parameters, $0) }
    }

    /// The numbers of the steps after the series it was fitted on.
    ///
    /// - Throws: `.invalidOption` for fewer steps than 1.
    public func forecast(_ steps: Int) throws -> [Double] {
        try checkSteps(steps)
        return final.forecast(recipe, parameters, steps)
    }
}

extension HoltWintersModel: FittedForecaster {
    /// The numbers after the end of a series that begins as the one it was fitted on: the states follow it, the parameters stay.
    public func forecast(_ steps: Int, after series: TimeSeries) throws -> [Double] {
        try checkSteps(steps)
        try recipe.checkSigns(series)
        var state = initial
        for value in series.values { _ = state.advance(recipe, parameters, value) }
        return state.forecast(recipe, parameters, steps)
    }
}

extension HoltWintersModel: SavableModel {
    private struct Fields: Codable {
        var recipe: HoltWinters
        var parameters: HoltWinters.Parameters
        var squaredError: Double
        var count: Int
        var initial: HoltWintersState
        var final: HoltWintersState
    }
    private static let kind = "Holt-Winters model"

    private init(_ fields: Fields) {
        recipe = fields.recipe
        parameters = fields.parameters
        squaredError = fields.squaredError
        count = fields.count
        initial = fields.initial
        final = fields.final
    }

    /// Writes the model to a JSON file, atomically.
    ///
    /// - Throws: `.inputOutput`.
    public func save(to url: URL) throws {
        let fields = Fields(
            recipe: recipe, parameters: parameters, squaredError: squaredError, count: count,
            initial: initial, final: final)
        try JSONModelFile.write(fields, kind: Self.kind, to: url)
    }

    /// Reads a model that `save` wrote.
    ///
    /// - Throws: `.fileNotFound`, `.malformedFile`, `.unsupported` for another kind of model or a newer format.
    public init(_ url: URL) throws {
        let fields: Fields = try JSONModelFile.read(url, kind: Self.kind)
        func malformed(_ message: String, _ name: String?) -> MarketingMLError {
            MarketingMLError(.malformedFile, message, at: .init(file: url.path, name: name))
        }
        var checked = fields.recipe
        checked.parameters = fields.parameters
        do throws(MarketingMLError) { try checked.checkOptions() } catch {
            throw malformed(error.message, error.location.name)
        }
        let period = checked.season == .none ? 0 : checked.period
        for state in [fields.initial, fields.final] {
            guard state.season.count == period, (0..<max(1, period)).contains(state.place) else {
                throw malformed(
                    "expected \(period) effects, found \(state.season.count) and the place \(state.place)",
                    "season")
            }
            guard ([state.level, state.trend] + state.season).allSatisfy(\.isFinite) else {
                throw malformed("a number is not finite", "state")
            }
        }
        guard fields.count >= 1, fields.squaredError >= 0 else {
            throw malformed("\(fields.count) steps, error \(fields.squaredError)", "count")
        }
        self.init(fields)
    }
}
