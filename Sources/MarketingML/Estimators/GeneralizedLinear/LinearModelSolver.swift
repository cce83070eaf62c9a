import Tensor

/// Which method fits a model that is linear in its features.
public enum LinearModelSolver: String, Sendable, Codable, CaseIterable {
    /// Chosen by the data's shape and the penalty.
    case automatic
    /// Newton's method with Cholesky factors: for up to some hundred coefficients. No absolute values in the
    /// penalty.
    case newtonCholesky
    /// Limited-memory BFGS: for any number of coefficients. No absolute values in the penalty.
    case lbfgs
    /// Newton's method with conjugate gradients in a trust region: for sparse data with many features. No
    /// absolute values in the penalty.
    case trustRegionNewton
    /// Newton's method whose steps are found by coordinate descent: for penalties with absolute values, and
    /// up to some thousand coefficients.
    case coordinateDescent
    /// Passes of coordinate descent over the dual, then Newton's method in a trust region: for sparse examples
    /// of two classes with many features. Squares in the penalty alone, no offset.
    case dualCoordinateDescent
}

extension MarginProblem {
    /// Minimises the problem with the solver asked for.
    ///
    /// - Throws: `.invalidOption` for a solver that cannot serve the penalty.
    func solve(_ solver: LinearModelSolver, from start: [Double], limits: SolverLimits) throws -> (
        name: String, solution: MarginSolution
    ) {
        let chosen = try resolve(solver, from: start)
        let solution: MarginSolution
        switch chosen {
        case .coordinateDescent:
            solution = try ProximalNewton(problem: self, limits: limits).minimize(from: start)
        case .trustRegionNewton:
            solution = try TrustRegionNewton(problem: self, limits: limits).minimize(from: start)
        case .lbfgs: solution = try LBFGS(problem: self, limits: limits).minimize(from: start)
        case .dualCoordinateDescent:
            guard let dual else {
                throw MarketingMLError(
                    .invalidOption,
                    "\(chosen) is for sparse features, two classes and a penalty of squares alone, without offset"
                )
            }
            solution = try minimize(byDual: dual, limits: limits)
        default: solution = try NewtonCholesky(self, limits).minimize(from: start)
        }
        return (chosen.rawValue, solution)
    }

    private func resolve(_ solver: LinearModelSolver, from start: [Double]) throws(MarketingMLError)
        -> LinearModelSolver
    {
        switch solver {
        case .automatic:
            if l1 > 0 { return .coordinateDescent }
            guard order > (design.isSparse ? 300 : 800) else { return .newtonCholesky }
            guard design.isSparse else { return .lbfgs }
            // The dual cannot start from coefficients; with few features its passes work on the same directions.
            let isCold = start.prefix(design.featureCount).allSatisfy { $0 == 0 }
            let isWide = design.featureCount > design.rowCount / 20
            return isCold && isWide && dual != nil ? .dualCoordinateDescent : .trustRegionNewton
        case .newtonCholesky, .lbfgs, .trustRegionNewton:
            guard l1 == 0 else {
                throw MarketingMLError(
                    .invalidOption,
                    "\(solver) cannot serve a penalty with absolute values; use .coordinateDescent")
            }
            return solver
        case .coordinateDescent, .dualCoordinateDescent: return solver
        }
    }

    /// The coefficients of a solution for the features as they are.
    func unshifted(_ coefficients: [Double]) -> (coefficients: [[Double]], intercepts: [Double]) {
        var result: [[Double]] = []
        var intercepts: [Double] = []
        for output in 0..<outputs {
            let plain = design.unshifted(
                Array(coefficients[output * design.width..<(output + 1) * design.width]))
            result.append(Array(plain[..<design.featureCount]))
            intercepts.append(design.hasIntercept ? plain[design.featureCount] : 0)
        }
        if hasFreeIntercepts {
            // Of the many solutions that differ by a shift of all intercepts, the one in the middle.
            let mean = intercepts.reduce(0, +) / Double(outputs)
            for output in 0..<outputs { intercepts[output] -= mean }
        }
        return (result, intercepts)
    }

    /// The inverse of `unshifted`: where a solver starts from a given model.
    func shifted(_ coefficients: [[Double]], _ intercepts: [Double]) -> [Double] {
        zip(coefficients, intercepts).flatMap { own, intercept in
            design.shifted(own + (design.hasIntercept ? [intercept] : []))
        }
    }
}

extension DesignMatrix {
    var isSparse: Bool {
        if case .sparse = rows { true } else { false }
    }

    init(forProducts features: Features) { self.init(forProducts: features.designRows) }

    /// - Throws: `.notFinite`, `.tooLarge`.
    init(_ features: Features, intercept: Bool) throws(MarketingMLError) {
        guard let design = DesignMatrix(features.designRows, intercept: intercept) else {
            try features.checkFinite()
            throw MarketingMLError(.tooLarge, "the squares of the features go beyond what Double holds")
        }
        self = design
    }
}

extension Features {
    fileprivate var designRows: DesignMatrix.Rows {
        switch self {
        case .float(let matrix): .float(matrix)
        case .double(let matrix): .double(matrix)
        case .sparse(let matrix): .sparse(matrix)
        }
    }
}
