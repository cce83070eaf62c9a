import Synchronization

extension Tensor where Scalar: TensorFloatingPoint {
    /// `outputs` as the results of one operation on `inputs`. Without a tracked input nothing is recorded.
    ///
    /// - Parameter pullback: Maps the gradients of the outputs, nil for one that the loss does not depend on, to those
    ///   of the inputs. Called once, when all of them have arrived.
    static func recorded(
        _ outputs: [Tensor], from inputs: [Tensor],
        pullback: @escaping @Sendable ([Tensor?]) -> [Tensor?]
    ) -> [Tensor] {
        guard inputs.contains(where: \.isTracked) else { return outputs }
        let arrived = ArrivedGradients<Scalar>(count: outputs.count)
        // A scalar stands for the operation on the tape. Each output stands behind it and leaves its gradient in
        // `arrived`; the scalar's own gradient only says that there was one.
        let operation = Tensor.zeros([]).recorded(from: inputs) { _ in pullback(arrived.take()) }
        return outputs.enumerated().map { index, output in
            output.recorded(from: operation) { gradient in
                arrived.put(gradient, at: index)
                return [.zeros([])]
            }
        }
    }
}

private final class ArrivedGradients<Scalar: TensorFloatingPoint>: Sendable {
    private let gradients: Mutex<[Tensor<Scalar>?]>

    init(count: Int) { gradients = Mutex(Array(repeating: nil, count: count)) }

    func put(_ gradient: Tensor<Scalar>, at index: Int) { gradients.withLock { $0[index] = gradient } }

    func take() -> [Tensor<Scalar>?] {
        gradients.withLock { gradients in
            defer { gradients = gradients.map { _ in nil } }
            return gradients
        }
    }
}
