#if canImport(Darwin)
    import func Darwin.pow
#elseif canImport(Musl)
    import func Musl.pow
#else
    import func Glibc.pow
#endif

/// Where Holt and Winters' recursion stands: level, trend and the effects of one season.
struct HoltWintersState: Sendable, Equatable, Codable {
    var level: Double
    /// A summand, or a factor if the trend is multiplicative.
    var trend: Double
    /// The effects of the next m steps; empty without a season.
    var season: [Double]
    /// Where in `season` the next step's effect stands.
    var place = 0

    /// The forecast `steps` steps ahead, from 1 on.
    func forecast(_ recipe: HoltWinters, _ parameters: HoltWinters.Parameters, _ steps: Int) -> [Double] {
        var (damping, power) = (0.0, 1.0)
        return (0..<steps).map { step in
            power *= parameters.phi
            damping += power
            let base =
                switch recipe.trend {
                case .none: level
                case .additive: level + damping * trend
                case .multiplicative: level * pow(trend, damping)
                }
            guard !season.isEmpty else { return base }
            let effect = season[(place + step) % season.count]
            return recipe.season == .multiplicative ? base * effect : base + effect
        }
    }

    /// Takes in the next number and returns what was forecast for it.
    mutating func advance(
        _ recipe: HoltWinters, _ parameters: HoltWinters.Parameters, _ value: Double
    ) -> Double {
        let damped: Double
        let base: Double
        switch recipe.trend {
        case .none: (damped, base) = (0, level)
        case .additive:
            damped = parameters.phi * trend
            base = level + damped
        case .multiplicative:
            damped = parameters.phi == 1 ? trend : pow(trend, parameters.phi)
            base = level * damped
        }
        let isFactor = recipe.season == .multiplicative
        let effect = season.isEmpty ? (isFactor ? 1 : 0) : season[place]
        let deseasonalized = isFactor ? value / effect : value - effect
        let next = parameters.alpha * deseasonalized + (1 - parameters.alpha) * base
        if recipe.trend != .none {
            let change = recipe.trend == .additive ? next - level : next / level
            trend = parameters.beta * change + (1 - parameters.beta) * damped
        }
        if !season.isEmpty {
            let own = isFactor ? value / base : value - base
            season[place] = parameters.gamma * own + (1 - parameters.gamma) * effect
            place = (place + 1) % season.count
        }
        level = next
        return isFactor ? base * effect : base + effect
    }

    /// The first state: the season is the mean of the first seasons (two to five) without their moving average, level and trend are
    /// the least-squares line through the first ten numbers of that average.
    ///
    /// - Precondition: there are as many numbers as the recipe needs.
    static func initial(_ recipe: HoltWinters, _ values: [Double]) -> HoltWintersState {
        guard recipe.season != .none else { return line(recipe, values, season: []) }
        let period = recipe.period
        let needed = 10 + 2 * (period / 2)
        let cycles = max(min(5, values.count / period), (needed + period - 1) / period)
        let count = min(values.count, cycles * period)
        // The average of a whole season around each step; of an even one the ends count half.
        let half = period / 2
        let isFactor = recipe.season == .multiplicative
        let averages = (half..<count - half).map { center in
            let window = values[center - half...center + half]
            let sum = window.reduce(0, +)
            let ends = period % 2 == 0 ? (values[center - half] + values[center + half]) / 2 : 0
            return (sum - ends) / Double(period)
        }
        var sums = [Double](repeating: 0, count: period)
        var counts = [Double](repeating: 0, count: period)
        for (index, average) in averages.enumerated() {
            let step = index + half
            sums[step % period] += isFactor ? values[step] / average : values[step] - average
            counts[step % period] += 1
        }
        var season = zip(sums, counts).map { $0 / $1 }
        let mean = season.reduce(0, +) / Double(period)
        season = season.map { isFactor ? $0 / mean : $0 - mean }
        return line(recipe, averages, season: season)
    }

    /// The line through the first ten numbers, at the step before the first of them.
    private static func line(
        _ recipe: HoltWinters, _ values: [Double], season: [Double]
    ) -> HoltWintersState {
        let count = Double(min(10, values.count))
        let meanX = (count + 1) / 2
        var (meanY, products, squares) = (0.0, 0.0, 0.0)
        for value in values.prefix(10) { meanY += value / count }
        for (index, value) in values.prefix(10).enumerated() {
            let distance = Double(index + 1) - meanX
            products += distance * (value - meanY)
            squares += distance * distance
        }
        let slope = products / squares
        let level = meanY - slope * meanX
        let trend =
            switch recipe.trend {
            case .none: 0.0
            case .additive: slope
            case .multiplicative: 1 + slope / level
            }
        return HoltWintersState(level: level, trend: trend, season: season)
    }
}
