internal import CTensorKernels

/// The one pool of threads that all work of the library runs on.
public enum ThreadPool {
    /// Number of threads, the calling one included. Starts as `MARKETINGML_NUM_THREADS`, else the usable cores.
    ///
    /// Results do not depend on it.
    public static var threadCount: Int {
        get { Int(mml_thread_count()) }
        set { mml_set_thread_count(Int32(clamping: newValue)) }
    }

    /// Name of the instruction set that the kernels use: "baseline", "avx2" or "avx512".
    public static var instructionSet: String { String(cString: mml_isa_name()) }

    /// Whether the C kernels were compiled with optimisation; debug builds are some 30 times slower.
    public static var kernelsAreOptimized: Bool { mml_is_optimized() != 0 }
}

/// Calls `body` for every task in `0 ..< tasks`, in no fixed order, on the pool; returns when all are done.
package func parallel(_ tasks: Int, _ body: (Int) -> Void) {
    if tasks <= 1 {
        if tasks == 1 { body(0) }
        return
    }
    withoutActuallyEscaping(body) { body in
        var body = body
        withUnsafeMutablePointer(to: &body) { context in
            mml_parallel(
                tasks,
                { context, task in context?.assumingMemoryBound(to: ((Int) -> Void).self).pointee(task) },
                context)
        }
    }
}

/// Cuts `0 ..< count` into ranges of `grain` and calls `body` for each. The cut depends on `count` and `grain`
/// alone, so sums over the parts are the same for every number of threads.
package func parallelRanges(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    let grain = max(grain, 1)
    parallel((count + grain - 1) / grain) { task in
        body(task * grain..<min(count, (task + 1) * grain))
    }
}

/// The results of `body` for `0 ..< count`, in order, computed on the pool.
package func parallelMap<Result: Sendable>(_ count: Int, _ body: (Int) -> Result) -> [Result] {
    // All empty arrays share one storage, whose count the initialiser below would write.
    guard count > 0 else { return [] }
    return [Result](unsafeUninitializedCapacity: count) { buffer, initialized in
        let start = buffer.baseAddress
        parallel(count) { index in start.map { ($0 + index).initialize(to: body(index)) } }
        initialized = count
    }
}
