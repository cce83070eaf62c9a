internal import CTensorKernels

/// The two loops that solvers in `Double` spend their time in, on the calling thread.
package enum Vectors {
    /// Σ a b over `count` elements.
    package static func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double {
        mml_dot(MML_F64, count, a, b)
    }

    /// y += scale · x over `count` elements.
    package static func add(
        _ scale: Double, _ x: UnsafePointer<Double>, to y: UnsafeMutablePointer<Double>, _ count: Int
    ) {
        mml_scale_add(MML_F64, count, scale, x, 1, y)
    }
}
