import CTensorKernels
import Testing

@Suite struct HalfKernelTests {
    @Test func everyHalf() {
        let halves = (0...UInt16.max).map { $0 }
        let y = Guarded<Float>(zeros: halves.count), expected = Guarded<Float>(zeros: halves.count)
        mml_half_to_float(halves.count, halves, y.pointer)
        mml_reference_half_to_float(halves.count, halves, expected.pointer)
        for (index, half) in halves.enumerated() {
            let (a, e) = (y.pointer[index], expected.pointer[index])
            let same = a.isNaN && e.isNaN ? a.sign == e.sign : a.bitPattern == e.bitPattern
            if !same { Issue.record("half \(half) is \(a), expected \(e)") }
        }
        #expect(y.isIntact)
    }

    @Test(arguments: 0...20) func counts(count: Int) {
        let halves = (0..<count).map { UInt16($0 * 2749) }
        let y = Guarded<Float>(zeros: count), expected = Guarded<Float>(zeros: count)
        mml_half_to_float(count, halves, y.pointer)
        mml_reference_half_to_float(count, halves, expected.pointer)
        expectSame(y, expected, "half", within: 0)
    }

    @Test func bfloat16() {
        let y = Guarded<Float>(zeros: 5)
        mml_bfloat16_to_float(5, [0x3F80, 0xC000, 0x4049, 0xFF80, 0x0001], y.pointer)
        #expect(y.values == [1, -2, 3.140625, -.infinity, Float(bitPattern: 0x10000)])
    }
}
