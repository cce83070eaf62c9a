/// A value that holds trainable tensors: a layer or a model.
///
/// A model is a plain value. ``valueAndGradient(of:_:)`` differentiates with respect to what this protocol
/// enumerates, and optimizers update it in place.
///
/// ```swift
/// struct Scorer: Parameterized {
///     var hidden: Linear<Float>
///     var output: Linear<Float>
///     mutating func forEachParameter(_ body: (String, inout Tensor<Float>) throws -> Void) rethrows {
///         try hidden.forEachParameter("hidden", body)
///         try output.forEachParameter("output", body)
///     }
/// }
/// ```
public protocol Parameterized<Scalar>: Sendable {
    /// The element type of its parameters.
    associatedtype Scalar: TensorFloatingPoint

    /// Calls `body` with the name and the value of every parameter, always in the same order.
    mutating func forEachParameter(_ body: (String, inout Tensor<Scalar>) throws -> Void) rethrows
}

extension Parameterized {
    /// The same with `prefix.` before every name: for a layer inside a model.
    public mutating func forEachParameter(
        _ prefix: String, _ body: (String, inout Tensor<Scalar>) throws -> Void
    ) rethrows {
        try forEachParameter { name, parameter in try body("\(prefix).\(name)", &parameter) }
    }

    /// Names and values of all parameters, in order.
    public var parameters: [(name: String, value: Tensor<Scalar>)] {
        var copy = self
        var list: [(String, Tensor<Scalar>)] = []
        copy.forEachParameter { name, parameter in list.append((name, parameter)) }
        return list
    }

    /// Number of trainable elements.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.value.count } }
}

/// The gradients of a model's parameters, in the model's order; nil for a parameter that the loss does not depend on
/// or that was held fixed.
public struct Gradients<Scalar: TensorFloatingPoint>: Sendable {
    /// The parameters' names.
    public let names: [String]
    /// One gradient a name.
    public internal(set) var tensors: [Tensor<Scalar>?]

    /// The gradient of the parameter of that name.
    public subscript(_ name: String) -> Tensor<Scalar>? {
        guard let index = names.firstIndex(of: name) else { return nil }
        return tensors[index]
    }

    /// Adds the gradients of another batch of the same model.
    public mutating func add(_ other: Gradients) {
        precondition(names == other.names, "gradients of two different models cannot be added")
        for (index, tensor) in other.tensors.enumerated() {
            if let tensor { tensors[index].accumulate(tensor) }
        }
    }

    /// The Euclidean norm of all gradients together.
    public var norm: Double { tensors.reduce(0) { $0 + ($1?.sumOfSquares ?? 0) }.squareRoot() }
}

/// The value of `loss(model)` and its gradient with respect to the model's parameters.
///
/// ```swift
/// let (loss, gradients) = valueAndGradient(of: model) { model in crossEntropy(model(batch), labels) }
/// ```
///
/// - Parameters:
///   - model: The model; it is not changed.
///   - isTrainable: Parameters for whose names this returns false are held fixed, and nothing is computed for them.
///   - loss: Must return a tensor of one element, computed with this library's operations.
public func valueAndGradient<Model: Parameterized>(
    of model: Model, where isTrainable: (String) -> Bool = { _ in true },
    _ loss: (Model) throws -> Tensor<Model.Scalar>
) rethrows -> (value: Tensor<Model.Scalar>, gradients: Gradients<Model.Scalar>) {
    let graph = Graph<Model.Scalar>()
    var tracked = model
    var names: [String] = []
    var nodes: [Int?] = []
    tracked.forEachParameter { name, parameter in
        names.append(name)
        parameter.node = isTrainable(name) ? graph.leaf() : nil
        nodes.append(parameter.node?.index)
    }
    let value = try loss(tracked)
    let gradients = graph.gradients(of: value)
    return (value.detached, Gradients(names: names, tensors: nodes.map { $0.flatMap { gradients[$0] } }))
}

/// The value of `loss(x)` and its gradient with respect to the tensor `x`.
public func valueAndGradient<Scalar: TensorFloatingPoint>(
    at x: Tensor<Scalar>, _ loss: (Tensor<Scalar>) throws -> Tensor<Scalar>
) rethrows -> (value: Tensor<Scalar>, gradient: Tensor<Scalar>) {
    let graph = Graph<Scalar>()
    var tracked = x.detached
    tracked.node = graph.leaf()
    let value = try loss(tracked)
    return (value.detached, graph.gradients(of: value)[0] ?? .zeros(x.shape))
}

extension Tensor {
    /// Calls `body` with a parameter that there may be none of: `try bias?.visit("bias", body)`. In its place, so that an
    /// optimizer finds it unshared and needs no copy.
    package mutating func visit(_ name: String, _ body: (String, inout Tensor) throws -> Void) rethrows {
        try body(name, &self)
    }
}
