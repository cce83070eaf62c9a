import CTensorKernels
import Synchronization
import Testing

/// The element types of the kernels.
protocol KernelScalar: BinaryFloatingPoint, Sendable {
    static var mmlType: mml_type { get }
    /// What a result of a few operations may differ by, relative to 1 + |expected|.
    static var closeness: Double { get }
}

extension Float: KernelScalar {
    static var mmlType: mml_type { MML_F32 }
    static var closeness: Double { 2e-6 }
}

extension Double: KernelScalar {
    static var mmlType: mml_type { MML_F64 }
    static var closeness: Double { 1e-13 }
}

/// Around whole vectors of every instruction set, and whole rows of models.
let kernelSizes = [0, 1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 100, 384, 1000]

/// Elements between sentinels, one element off any vector's alignment.
final class Guarded<Scalar: KernelScalar> {
    private static var sentinel: Scalar { -7.625e5 }
    private static var margin: Int { 65 }
    private let base: UnsafeMutablePointer<Scalar>
    let count: Int
    var pointer: UnsafeMutablePointer<Scalar> { base + Self.margin }

    init(_ values: [Scalar]) {
        count = values.count
        base = UnsafeMutableRawPointer.allocate(
            byteCount: (count + 2 * Self.margin) * MemoryLayout<Scalar>.stride, alignment: 64
        ).bindMemory(to: Scalar.self, capacity: count + 2 * Self.margin)
        base.initialize(repeating: Self.sentinel, count: count + 2 * Self.margin)
        for (index, value) in values.enumerated() { pointer[index] = value }
    }

    convenience init(zeros count: Int) { self.init([Scalar](repeating: 0, count: count)) }

    deinit { RetiredBlocks.retire(base) }

    var values: [Scalar] { (0..<count).map { pointer[$0] } }
    var copy: Guarded { Guarded(values) }

    /// Nothing was written outside the elements.
    var isIntact: Bool {
        (0..<Self.margin).allSatisfy { base[$0] == Self.sentinel && pointer[count + $0] == Self.sentinel }
    }
}

/// Blocks that are freed late: Swift may end an object's life before the kernel runs that was given its `pointer`.
private enum RetiredBlocks {
    private static let blocks = Mutex<[UInt]>([])

    static func retire(_ block: UnsafeMutableRawPointer) {
        let oldest = blocks.withLock { blocks in
            blocks.append(UInt(bitPattern: block))
            guard blocks.count > 4096 else { return ArraySlice<UInt>() }
            defer { blocks.removeFirst(2048) }
            return blocks.prefix(2048)
        }
        for block in oldest { UnsafeMutableRawPointer(bitPattern: block)?.deallocate() }
    }
}

/// Element by element |actual - expected| <= tolerance (1 + |expected|), infinities and NaN in the same
/// places; and nothing written out of bounds.
func expectSame<Scalar: KernelScalar>(
    _ actual: Guarded<Scalar>, _ expected: Guarded<Scalar>, _ what: @autoclosure () -> String,
    within tolerance: Double = Scalar.closeness, sourceLocation: SourceLocation = #_sourceLocation
) {
    if !actual.isIntact { Issue.record("\(what()): wrote out of bounds", sourceLocation: sourceLocation) }
    for index in 0..<min(actual.count, expected.count) {
        let a = Double(actual.pointer[index])
        let e = Double(expected.pointer[index])
        if a == e || (a.isNaN && e.isNaN) { continue }
        if !(abs(a - e) <= tolerance * (1 + abs(e))) {
            Issue.record(
                "\(what()), \(Scalar.self): [\(index)] of \(actual.count) is \(a), expected \(e)",
                sourceLocation: sourceLocation)
            return
        }
    }
}

/// Uniform numbers in -scale ..< scale, the same ones at every run.
struct TestNumbers {
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    mutating func uniform<Scalar: KernelScalar>(_ scale: Double) -> Scalar {
        Scalar((Double(next() >> 11) * 0x1p-52 - 1) * scale)
    }

    mutating func array<Scalar: KernelScalar>(_ count: Int, _ scale: Double = 1) -> [Scalar] {
        (0..<count).map { _ in uniform(scale) }
    }
}

/// Numbers with NaN, infinities and zeros among them, the last one NaN.
func withSpecials<Scalar: KernelScalar>(_ values: [Scalar]) -> [Scalar] {
    var values = values
    let specials: [Scalar] = [.infinity, 0, -0.0, -.infinity, .nan]
    for (index, special) in specials.enumerated() where 2 * index < values.count {
        values[2 * index] = special
    }
    if !values.isEmpty { values[values.count - 1] = .nan }
    return values
}
