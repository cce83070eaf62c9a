import Tensor

/// Forecasts a series with a recurrent network: the recipe.
///
/// The network reads a window of observed steps, then the steps to forecast with their covariates and the number of the last season, and
/// says at each of the latter how much the number will differ from that. It learns from all windows of the series. Some networks that
/// differ in their first weights are averaged.
///
/// ```swift
/// let recipe = SequenceForecaster(horizon: 8, period: 52)
/// let judged = try recipe.backtest(on: series, horizon: 8, origins: 40, period: 52, refitInterval: 20)
/// let model = try recipe.fit(series)
/// let forecast = try judged.forecast(model.forecast(8, after: series), level: 0.8)
/// ```
public struct SequenceForecaster: Sendable, Equatable, Codable {
    /// The kinds of recurrent layers.
    public enum Cell: String, Sendable, Codable, CaseIterable {
        /// Long short-term memory.
        case lstm
        /// Gated recurrent units.
        case gru
    }

    /// The kind of the recurrent layer.
    public var cell: Cell
    /// Steps that a network forecasts at once (H), from 1 on.
    public var horizon: Int
    /// Steps in a season, from 1 on: 1 for series without.
    public var period: Int
    /// Observed steps that a network reads (W), from 2 on.
    public var window: Int
    /// Size of the recurrent layer, from 1 on.
    public var units: Int
    /// Share of the layer's outputs left out while training, in [0, 1).
    public var dropout: Double
    /// Networks that are averaged, from 1 on.
    public var networks: Int
    /// Passes over the windows, from 1 on.
    public var epochs: Int
    /// Windows a step, from 1 on.
    public var batchSize: Int
    /// The highest learning rate of Adam, above 0.
    public var learningRate: Double
    /// Decoupled weight decay, from 0 on.
    public var weightDecay: Double
    /// Seed of everything random.
    public var seed: UInt64

    /// Creates a recipe; the defaults serve some hundred steps.
    ///
    /// - Parameter window: Nil for half a season, but no fewer than 8 steps.
    public init(
        cell: Cell = .lstm, horizon: Int, period: Int, window: Int? = nil, units: Int = 32,
        dropout: Double = 0.1, networks: Int = 3, epochs: Int = 40, batchSize: Int = 16,
        learningRate: Double = 5e-3, weightDecay: Double = 1e-3, seed: UInt64 = 42
    ) {
        self.cell = cell
        self.horizon = horizon
        self.period = period
        self.window = window ?? max(8, period / 2)
        self.units = units
        self.dropout = dropout
        self.networks = networks
        self.epochs = epochs
        self.batchSize = batchSize
        self.learningRate = learningRate
        self.weightDecay = weightDecay
        self.seed = seed
    }

    /// Trains the networks.
    ///
    /// - Parameter progress: Called after every update of every network; may stop the run.
    /// - Throws: `.invalidOption`; `.emptyData` for a series with fewer than 8 windows, that is, of fewer than W + period + H + 7
    ///   steps; `.notFinite`; `CancellationError`.
    public func fit(_ series: TimeSeries, progress: ProgressHandler? = nil) throws -> SequenceForecastModel {
        try checkOptions()
        let windows = ForecastWindows(window: window, horizon: horizon, period: period, series: series)
        let last = series.count - horizon
        guard last - windows.minimumCount >= 7 else {
            throw MarketingMLError(
                .emptyData,
                "the fit needs \(windows.minimumCount + horizon + 7) numbers, the series has \(series.count)")
        }
        var features: [Float] = []
        var targets: [Float] = []
        for observed in windows.minimumCount...last {
            let sample = windows.sample(series, observed: observed)
            features += sample.features
            targets += windows.targets(series, observed: observed, sample)
        }
        let count = last - windows.minimumCount + 1
        let x = Tensor(shape: [count, window + horizon, windows.width], features)
        let y = Tensor(shape: [count, horizon], targets)
        var isStopped = false
        var trained: [Sequential] = []
        for number in 0..<networks where !isStopped {
            var network = try untrainedNetwork(windows, seed: seed &+ UInt64(number))
            let history = try network.fit(
                x, y, loss: .huber(), optimizer: .adamW(learningRate: learningRate, weightDecay: weightDecay),
                epochs: epochs, batchSize: batchSize,
                options: TrainingOptions(schedule: .linear, gradientClipping: 1), progress: progress)
            isStopped = history.end == .stoppedByHandler
            trained.append(network)
        }
        return SequenceForecastModel(recipe: self, windows: windows, networks: trained)
    }

    /// A network with its first weights.
    private func untrainedNetwork(_ windows: ForecastWindows, seed: UInt64) throws -> Sequential {
        let layer: any LayerRecipe =
            switch cell {
            case .lstm: LSTM(units: units, returnsSequences: true)
            case .gru: GRU(units: units, returnsSequences: true)
            }
        var network = Sequential(
            [
                layer, LastSteps(count: horizon), Dropout(rate: dropout),
                Dense(units: 1, initializer: .zeros), Flatten(),
            ], seed: seed)
        try network.build(input: .sequence(length: window + horizon, width: windows.width))
        return network
    }

    func checkOptions() throws {
        for (name, value, least) in [
            ("horizon", horizon, 1), ("period", period, 1), ("window", window, 2), ("units", units, 1),
            ("networks", networks, 1), ("epochs", epochs, 1), ("batchSize", batchSize, 1),
        ] {
            try requireOption(
                (least...1_000_000).contains(value), name, "from \(least) to 1000000", value)
        }
        try requireOption(0 <= dropout && dropout < 1, "dropout", "in [0, 1)", dropout)
        try requireOption(
            learningRate > 0 && learningRate.isFinite, "learningRate", "above 0", learningRate)
        try requireOption(weightDecay >= 0 && weightDecay.isFinite, "weightDecay", "at least 0", weightDecay)
    }
}

extension SequenceForecaster: Forecaster {
    /// `LSTM (32 units, window 26)`.
    public var name: String { "\(cell.rawValue.uppercased()) (\(units) units, window \(window))" }

    /// As ``fit(_:progress:)``.
    public func fitForecaster(
        _ series: TimeSeries, progress: ProgressHandler?
    ) throws -> any FittedForecaster {
        try fit(series, progress: progress)
    }
}
