import Tensor
import Testing

/// Compares the gradient of `loss` at `x` with central differences of fourth order, element by element.
///
/// A weighting makes the loss depend on every output element differently, so that no transposition or permutation
/// goes unseen: pass `loss` something like `{ weigh(f($0)) }`.
public func expectGradient(
    _ what: String, at x: Tensor<Double>, step: Double = 1e-3, tolerance: Double = 1e-7,
    sourceLocation: SourceLocation = #_sourceLocation, _ loss: (Tensor<Double>) -> Tensor<Double>
) {
    let (_, gradient) = valueAndGradient(at: x, loss)
    guard gradient.shape == x.shape else {
        Issue.record(
            "\(what): the gradient has shape \(gradient.shape), x has \(x.shape)",
            sourceLocation: sourceLocation)
        return
    }
    var numeric: [Double] = []
    let elements = x.elements
    for index in elements.indices {
        func value(_ offset: Double) -> Double {
            var moved = elements
            moved[index] += offset * step
            return loss(Tensor(shape: x.shape, moved)).item
        }
        numeric.append((value(-2) - 8 * value(-1) + 8 * value(1) - value(2)) / (12 * step))
    }
    let scale = max(1, numeric.map(abs).max() ?? 0)
    expectClose(
        gradient.elements, numeric, absolute: tolerance * scale, relative: 0, what,
        sourceLocation: sourceLocation)
}

/// Σ wᵢ yᵢ with fixed weights that differ from element to element.
public func weigh(_ y: Tensor<Double>) -> Tensor<Double> {
    let weights = (0..<y.count).map { index -> Double in
        let spread = (index * 7919 + 13) % 101
        return Double(spread) / 50 - 1.01
    }
    return (y * Tensor(shape: y.shape, weights)).sum()
}
