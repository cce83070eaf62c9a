import Foundation
import TestSupport
import Testing

@testable import Tensor

/// The chunked loss over a vocabulary against the whole scores and against finite differences.
@Suite struct VocabularyLossTests {
    private func random(_ shape: [Int], _ stream: UInt64) -> Tensor<Double> {
        .randomNormal(shape, seed: 5, stream: stream)
    }

    @Test(arguments: [0, 0.1]) func finiteDifferences(smoothing: Double) {
        let (hidden, weight, bias) = (random([5, 3], 1), random([7, 3], 2), random([7], 3))
        let targets: [Int32] = [6, -100, 0, 3, -1]
        func loss(_ h: Tensor<Double>, _ w: Tensor<Double>, _ b: Tensor<Double>?) -> Tensor<Double> {
            h.vocabularyLoss(weight: w, bias: b, targets: targets, labelSmoothing: smoothing) * 3
        }
        expectGradient("hidden", at: hidden) { loss($0, weight, bias) }
        expectGradient("weight", at: weight) { loss(hidden, $0, bias) }
        expectGradient("bias", at: bias) { loss(hidden, weight, $0) }
        expectGradient("tied", at: weight) { loss($0.gathered([1, 2, 3, 4, 6]), $0, nil) }
    }

    /// Sizes with several chunks of rows and slices of the vocabulary; every third row has no target.
    @Test func equalsWholeScores() {
        let (rows, vocabulary, width) = (2100, 4100, 5)
        let (hidden, weight) = (random([rows, width], 1), random([vocabulary, width], 2))
        let bias = random([vocabulary], 3)
        let targets = (0..<rows).map { $0 % 3 == 1 ? -1 : Int32($0 * 7919 % vocabulary) }
        for counted in [targets, targets.map { abs($0) }] {
            let places = counted.indices.filter { counted[$0] >= 0 }
            func whole(_ h: Tensor<Double>, _ w: Tensor<Double>, _ b: Tensor<Double>) -> Tensor<Double> {
                crossEntropy(
                    h.rows(at: places).linear(w, bias: b), places.map { counted[$0] }, labelSmoothing: 0.1)
            }
            func chunked(_ h: Tensor<Double>, _ w: Tensor<Double>, _ b: Tensor<Double>) -> Tensor<Double> {
                h.vocabularyLoss(weight: w, bias: b, targets: counted, labelSmoothing: 0.1)
            }
            func compare(_ what: String, at x: Tensor<Double>, _ f: (Tensor<Double>) -> [Tensor<Double>]) {
                let (value, gradient) = valueAndGradient(at: x) { f($0)[0] }
                let (expected, expectedGradient) = valueAndGradient(at: x) { f($0)[1] }
                expectClose([value.item], [expected.item], relative: 1e-12, what)
                expectRelativeNorm(gradient.elements, expectedGradient.elements, 1e-12, what)
            }
            compare("hidden", at: hidden) { [chunked($0, weight, bias), whole($0, weight, bias)] }
            compare("weight", at: weight) { [chunked(hidden, $0, bias), whole(hidden, $0, bias)] }
            compare("bias", at: bias) { [chunked(hidden, weight, $0), whole(hidden, weight, $0)] }
            #expect(chunked(hidden, weight, bias).item == compareUntracked(chunked, hidden, weight, bias))
        }
    }

    private func compareUntracked(
        _ f: (Tensor<Double>, Tensor<Double>, Tensor<Double>) -> Tensor<Double>, _ h: Tensor<Double>,
        _ w: Tensor<Double>, _ b: Tensor<Double>
    ) -> Double { valueAndGradient(at: w) { f(h, $0, b) }.value.item }

    @Test func nothingCounts() {
        let (value, gradient) = valueAndGradient(at: random([3, 2], 1)) {
            $0.vocabularyLoss(weight: random([4, 2], 2), targets: [-1, -1, -1])
        }
        #expect(value.item == 0)
        #expect(gradient == .zeros([3, 2]))
    }

    @Test func sameBitsForEveryNumberOfThreads() {
        let hidden = Tensor<Float>.randomNormal([300, 20], seed: 1)
        let weight = Tensor<Float>.randomNormal([5000, 20], seed: 2)
        let threads = ThreadPool.threadCount
        defer { ThreadPool.threadCount = threads }
        let results = [1, 2, 3].map { count in
            ThreadPool.threadCount = count
            return valueAndGradient(at: weight) {
                hidden.vocabularyLoss(weight: $0, targets: (0..<300).map { Int32($0 * 13) })
            }
        }
        for result in results.dropFirst() {
            #expect(result.value == results[0].value)
            #expect(result.gradient == results[0].gradient)
        }
    }

    /// The peak beyond the inputs, for a batch of 8 × 128 tokens and BERT's vocabulary. The counter is the process', so
    /// other tests would disturb it: run alone, with MARKETINGML_SLOW_TESTS set.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["MARKETINGML_SLOW_TESTS"] != nil))
    func memory() {
        let hidden = Tensor<Float>.randomNormal([1024, 64], seed: 1)
        let weight = Tensor<Float>.randomNormal([30522, 64], seed: 2)
        let targets = (0..<1024).map { Int32($0 * 29) }
        func reserved(_ body: (Tensor<Float>) -> Tensor<Float>) -> Int {
            TensorMemory.trim()
            let before = TensorMemory.statistics.reservedBytes
            _ = valueAndGradient(at: weight, body)
            return TensorMemory.statistics.reservedBytes - before
        }
        let whole = reserved { crossEntropy(hidden.linear($0), targets) }
        let chunked = reserved { hidden.vocabularyLoss(weight: $0, targets: targets) }
        #expect(whole > 3 * chunked, "\(whole >> 20) and \(chunked >> 20) MiB")
    }
}
