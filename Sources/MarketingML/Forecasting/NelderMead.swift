/// Minimizes a function of a few numbers without derivatives.
///
/// Nelder, Mead: A Simplex Method for Function Minimization, The Computer Journal 7 (1965), with the usual coefficients.
enum NelderMead {
    /// The best point found, and the function's value there.
    ///
    /// - Parameters:
    ///   - start: One corner of the first simplex.
    ///   - step: How far the others are from it, each along one axis.
    ///   - tolerance: The relative spread of the values at which it ends.
    static func minimum(
        from start: [Double], step: Double, tolerance: Double = 1e-10, maximumIterations: Int = 500,
        _ function: ([Double]) -> Double
    ) -> (x: [Double], value: Double) {
        var simplex = [(x: start, value: function(start))]
        for index in start.indices {
            var x = start
            x[index] += step
            simplex.append((x, function(x)))
        }
        for _ in 0..<maximumIterations {
            simplex.sort { $0.value < $1.value }
            let (best, worst) = (simplex[0], simplex[simplex.count - 1])
            if abs(worst.value - best.value) <= tolerance * (abs(best.value) + 1e-300) { break }
            let others = simplex.dropLast()
            let center = start.indices.map { index in
                others.reduce(0) { $0 + $1.x[index] } / Double(others.count)
            }
            /// The point on the line from the worst corner through the centre.
            func point(_ factor: Double) -> (x: [Double], value: Double) {
                let x = zip(center, worst.x).map { $0 + factor * ($0 - $1) }
                return (x, function(x))
            }
            let last = simplex.count - 1
            let reflected = point(1)
            if reflected.value < best.value {
                let expanded = point(2)
                simplex[last] = expanded.value < reflected.value ? expanded : reflected
            } else if reflected.value < simplex[last - 1].value {
                simplex[last] = reflected
            } else {
                let contracted = point(reflected.value < worst.value ? 0.5 : -0.5)
                if contracted.value < min(reflected.value, worst.value) {
                    simplex[last] = contracted
                } else {
                    for index in 1...last {
                        let x = zip(simplex[index].x, best.x).map { ($0 + $1) / 2 }
                        simplex[index] = (x, function(x))
                    }
                }
            }
        }
        return simplex.min { $0.value < $1.value } ?? simplex[0]
    }
}
