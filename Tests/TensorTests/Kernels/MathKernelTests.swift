import CTensorKernels
import Foundation
import Testing

/// The float functions of math.inc against the C library's double ones, in units in the last place.
@Suite struct MathKernelTests {
    struct Function: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bound: Double
        let kernel: @Sendable (Int, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
        let exact: @Sendable (Double) -> Double
    }

    static let functions = [
        Function(
            testDescription: "exp", bound: 1, kernel: { unary(MML_EXP, $0, $1, $2) }, exact: { exp($0) }),
        Function(
            testDescription: "log", bound: 1.6, kernel: { unary(MML_LOG, $0, $1, $2) }, exact: { log($0) }),
        Function(
            testDescription: "erf", bound: 1.5, kernel: { unary(MML_ERF, $0, $1, $2) }, exact: { erf($0) }),
        Function(
            testDescription: "tanh", bound: 1.5, kernel: { activation(MML_TANH, $0, $1, $2) },
            exact: { tanh($0) }),
        Function(
            testDescription: "sigmoid", bound: 2.5, kernel: { activation(MML_SIGMOID, $0, $1, $2) },
            exact: { $0 < 0 ? exp($0) / (1 + exp($0)) : 1 / (1 + exp(-$0)) }),
    ]

    static func unary(
        _ operation: mml_unary_op, _ count: Int, _ x: UnsafeMutablePointer<Float>,
        _ y: UnsafeMutablePointer<Float>
    ) { mml_unary(MML_F32, Int32(operation.rawValue), count, x, y) }

    static func activation(
        _ activation: mml_activation, _ count: Int, _ x: UnsafeMutablePointer<Float>,
        _ y: UnsafeMutablePointer<Float>
    ) { mml_activate(MML_F32, Int32(activation.rawValue), count, x, y) }

    /// Every 30011-th bit pattern (subnormals, infinities and NaN among them) and -20 ... 20 evenly.
    @Test(arguments: functions) func accuracy(function: Function) {
        let inputs =
            stride(from: UInt64(0), to: 1 << 32, by: 30011).map { Float(bitPattern: UInt32($0)) }
            + (-50_000...50_000).map { Float($0) / 2500 }
        var x = inputs
        var y = [Float](repeating: 0, count: inputs.count)
        function.kernel(inputs.count, &x, &y)
        var worst = (ulp: 0.0, index: 0)
        var wrong = 0
        for index in inputs.indices {
            let exact = function.exact(Double(inputs[index]))
            let rounded = Float(exact)
            let actual = y[index]
            if !rounded.isFinite || !actual.isFinite {
                if rounded != actual && !(rounded.isNaN && actual.isNaN) { wrong += 1 }
                continue
            }
            let ulp = abs(Double(actual) - exact) / Double(rounded.ulp)
            if ulp > worst.ulp { worst = (ulp, index) }
        }
        #expect(wrong == 0)
        #expect(worst.ulp <= function.bound, "at \(inputs[worst.index]): \(y[worst.index])")
    }

    /// GELU: the distribution function is accurate absolutely, as in 0.5 * (1 + erf(x / sqrt 2)).
    @Test(arguments: [MML_GELU, MML_GELU_TANH]) func gelu(activation: mml_activation) {
        let count = 100_001
        var x = (0..<count).map { Float($0 - 50_000) / 5000 }
        var dy = [Float](repeating: 1, count: count)
        var (y, dx, exactY, exactX) = (x, x, x, x)
        let kind = Int32(activation.rawValue)
        mml_activate_backward(MML_F32, kind, count, &x, &dy, &dx, &y)
        mml_reference_activate_backward(MML_F32, kind, count, &x, &dy, &exactX, &exactY)
        for index in 0..<count {
            let size = Double(max(1, abs(x[index])))
            if abs(Double(y[index]) - Double(exactY[index])) > 4.5 * 0x1p-24 * size {
                Issue.record("gelu(\(x[index])) is \(y[index]), expected \(exactY[index])")
            }
            if abs(Double(dx[index]) - Double(exactX[index])) > 5 * 0x1p-24 {
                Issue.record("gelu'(\(x[index])) is \(dx[index]), expected \(exactX[index])")
            }
        }
    }
}
