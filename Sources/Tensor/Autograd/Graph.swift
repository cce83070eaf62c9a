import Synchronization

/// A tensor's place in a gradient computation.
struct GraphNode<Scalar: TensorScalar>: Sendable {
    let graph: Graph<Scalar>
    let index: Int
}

/// The tape of one gradient computation: what was computed, in order, and how gradients flow back.
///
/// It lives within one `valueAndGradient` call. Recording is locked, so that a closure that computes on several
/// tasks cannot corrupt it. What a pullback keeps is detached; the graph therefore has no cycles.
final class Graph<Scalar: TensorScalar>: Sendable {
    /// Maps the gradient of an operation's output to those of its inputs; nil where none is needed.
    typealias Pullback = @Sendable (consuming Tensor<Scalar>) -> [Tensor<Scalar>?]

    private struct Operation: Sendable {
        let inputs: [Int?]
        /// nil for a leaf.
        let pullback: Pullback?
    }

    private let operations = Mutex<[Operation]>([])

    /// A node without history: a parameter.
    func leaf() -> GraphNode<Scalar> { append(Operation(inputs: [], pullback: nil)) }

    func append(inputs: [Tensor<Scalar>], pullback: @escaping Pullback) -> GraphNode<Scalar> {
        append(Operation(inputs: inputs.map { $0.node?.index }, pullback: pullback))
    }

    private func append(_ operation: Operation) -> GraphNode<Scalar> {
        operations.withLock {
            $0.append(operation)
            return GraphNode(graph: self, index: $0.count - 1)
        }
    }
}

extension Graph where Scalar: TensorFloatingPoint {
    /// Gradients of the scalar `output` by node index; those of inner nodes are released on the way, and with each
    /// operation what it had saved. The tape is empty afterwards.
    func gradients(of output: Tensor<Scalar>) -> [Tensor<Scalar>?] {
        precondition(output.count == 1, "a gradient needs one value, the shape is \(output.shape)")
        return gradients(of: output, seed: Tensor(repeating: 1, shape: output.shape))
    }

    /// The same of a value of which `seed` is the gradient, such as an inner one of another tape.
    func gradients(of output: Tensor<Scalar>, seed: consuming Tensor<Scalar>) -> [Tensor<Scalar>?] {
        var operations = self.operations.withLock { operations in
            let taken = operations
            operations = []
            return taken
        }
        var gradients = [Tensor<Scalar>?](repeating: nil, count: operations.count)
        guard let last = output.node?.index else { return gradients }
        gradients[last] = seed
        while let operation = operations.popLast() {
            let index = operations.count
            guard let pullback = operation.pullback, let gradient = gradients[index].take() else { continue }
            for (input, contribution) in zip(operation.inputs, pullback(gradient)) {
                guard let input, let contribution else { continue }
                gradients[input].accumulate(contribution)
            }
        }
        return gradients
    }
}

extension Optional {
    /// Adds to the gradient so far, in its own memory when nobody else refers to it.
    mutating func accumulate<Scalar: TensorFloatingPoint>(_ contribution: Tensor<Scalar>)
    where Wrapped == Tensor<Scalar> {
        if var sum = take() {
            sum.add(contribution)
            self = sum
        } else {
            self = contribution
        }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// `self` as the result of an operation on `inputs`. Without a tracked input nothing is recorded.
    func recorded(from inputs: Tensor..., pullback: @escaping Graph<Scalar>.Pullback) -> Tensor {
        recorded(from: inputs, pullback: pullback)
    }

    func recorded(from inputs: [Tensor], pullback: @escaping Graph<Scalar>.Pullback) -> Tensor {
        guard let graph = inputs.lazy.compactMap(\.node).first?.graph else { return self }
        var result = self
        result.node = graph.append(inputs: inputs, pullback: pullback)
        return result
    }

    /// Whether gradients flow to it.
    var isTracked: Bool { node != nil }
}
