/// The result of `body`, of which only the inputs are kept for the backward pass: that computes it again. A model of many layers
/// then holds the activations of one at a time, for about a third more work.
///
/// Values and gradients are the same bits as without.
///
/// Reference: Chen et al. 2016, arXiv:1604.06174 ("gradient checkpointing").
///
/// - Parameters:
///   - layer: Holds all parameters that `body` uses.
///   - inputs: All other tensors that gradients flow to.
///   - dropout: The step's streams while training; the second computation draws the same numbers.
///   - body: The output from the layer and the inputs; it must not depend on anything that changes.
public func recomputed<Layer: Parameterized>(
    _ layer: Layer, _ inputs: [Tensor<Layer.Scalar>], dropout: inout DropoutStreams?,
    _ body: @escaping @Sendable (Layer, [Tensor<Layer.Scalar>], inout DropoutStreams?) -> Tensor<Layer.Scalar>
) -> Tensor<Layer.Scalar> {
    let all = inputs + layer.parameters.map(\.value)
    guard all.contains(where: \.isTracked) else { return body(layer, inputs, &dropout) }
    let segment = Segment(
        layer: layer.tracked { _ in nil }, inputs: inputs.map(\.detached), isWanted: all.map(\.isTracked),
        dropout: dropout, body: body)
    let result = segment.run(dropout: &dropout).output.detached
    return result.recorded(from: all) { gradient in segment.gradients(from: gradient) }
}

/// A part of a model that is computed twice.
private struct Segment<Layer: Parameterized>: Sendable {
    let layer: Layer
    let inputs: [Tensor<Layer.Scalar>]
    /// Whether gradients are wanted: of each input, then of each parameter.
    let isWanted: [Bool]
    /// The streams at its beginning.
    let dropout: DropoutStreams?
    let body: @Sendable (Layer, [Tensor<Layer.Scalar>], inout DropoutStreams?) -> Tensor<Layer.Scalar>

    /// Runs on a tape of its own, whose first nodes are what gradients are wanted of. The first run is recorded too, so that
    /// both take the same way through the operations.
    func run(dropout: inout DropoutStreams?) -> (output: Tensor<Layer.Scalar>, graph: Graph<Layer.Scalar>) {
        let graph = Graph<Layer.Scalar>()
        func leaf(_ index: Int) -> GraphNode<Layer.Scalar>? { isWanted[index] ? graph.leaf() : nil }
        var inputs = inputs
        for index in inputs.indices { inputs[index].node = leaf(index) }
        let layer = layer.tracked { leaf(inputs.count + $0) }
        return (body(layer, inputs, &dropout), graph)
    }

    func gradients(from gradient: consuming Tensor<Layer.Scalar>) -> [Tensor<Layer.Scalar>?] {
        var dropout = dropout
        let (output, graph) = run(dropout: &dropout)
        var found = graph.gradients(of: output, seed: gradient)[...]
        return isWanted.map { $0 ? found.removeFirst() : nil }
    }
}

extension Parameterized {
    /// The same layer with the node that `node` gives for each parameter's number.
    fileprivate func tracked(_ node: (Int) -> GraphNode<Scalar>?) -> Self {
        var copy = self
        var number = 0
        copy.forEachParameter { _, parameter in
            parameter.node = node(number)
            number += 1
        }
        return copy
    }
}
