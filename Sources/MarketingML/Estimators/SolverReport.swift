/// How a solver ended: why it stopped, after how many iterations, at which objective.
public struct SolverReport: Sendable, Equatable, Codable {
    /// Why a solver stopped.
    public enum StopReason: String, Sendable, Codable {
        /// The solution is direct: there is nothing to iterate.
        case exact
        /// The stated tolerance was reached.
        case converged
        /// The iteration limit was reached before the tolerance.
        case iterationLimit
        /// No step in the direction of descent lowers the objective any more, at the limit of the number format.
        case noFurtherProgress
        /// The progress handler asked to stop.
        case stopped
    }

    /// The solver's name.
    public let solver: String
    /// Why it stopped.
    public let stopReason: StopReason
    /// How many iterations it took.
    public let iterations: Int
    /// The objective that was minimised, at the solution.
    public let objective: Double
    /// How far from optimal: the measure that is compared with the tolerance (a gradient's norm, a KKT violation, a duality
    /// gap, as the recipe says); 0 for a direct solution.
    public let violation: Double

    /// Creates a report.
    public init(
        solver: String, stopReason: StopReason, iterations: Int, objective: Double, violation: Double
    ) {
        self.solver = solver
        self.stopReason = stopReason
        self.iterations = iterations
        self.objective = objective
        self.violation = violation
    }

    /// Whether the solution is what was asked for.
    public var isConverged: Bool { stopReason == .exact || stopReason == .converged }
}
