/// A rule that moves a model's parameters along their gradients.
///
/// ```swift
/// var optimizer = Adam<Float>(learningRate: 1e-3)
/// let (loss, gradients) = valueAndGradient(of: model) { model in crossEntropy(model(batch), labels) }
/// optimizer.update(&model, with: gradients)
/// ```
///
/// Defaults are PyTorch's; where Keras takes other ones, `.keras` is an option. A rule of your own implements ``apply``
/// and names what it remembers.
public protocol Optimizer<Scalar>: Sendable {
    /// The element type of the parameters.
    associatedtype Scalar: TensorFloatingPoint

    /// η; set it before an update to follow a schedule.
    var learningRate: Double { get set }
    /// The number of updates so far, and what it remembers of them.
    var memory: OptimizerMemory<Scalar> { get set }
    /// The names of the tensors that it remembers for each parameter, each of the parameter's shape.
    var memoryNames: [String] { get }
    /// What those tensors hold before the first update; 0 by default.
    var initialMemory: Double { get }

    /// One update of one parameter, in place.
    ///
    /// - Parameters:
    ///   - gradient: The gradient, of the parameter's shape.
    ///   - scale: Multiplies the gradient first.
    ///   - parameter: The parameter.
    ///   - memory: The tensors of ``memoryNames``.
    ///   - step: The number of this update, from 1.
    func apply(
        _ gradient: Tensor<Scalar>, scale: Double, to parameter: inout Tensor<Scalar>,
        memory: inout [Tensor<Scalar>], step: Int)

    /// - Throws: `.invalidOption` that names the option, its range and its value.
    func validate() throws
}

/// What an optimizer remembers between updates.
public struct OptimizerMemory<Scalar: TensorFloatingPoint>: Sendable {
    /// Number of updates so far.
    public internal(set) var step = 0
    /// Its tensors for each parameter; nil for one that never had a gradient.
    var tensors: [[Tensor<Scalar>]?] = []

    /// Nothing yet.
    public init() {}
}

extension Optimizer {
    /// Number of updates so far.
    public var step: Int { memory.step }

    /// What is remembered starts at 0.
    public var initialMemory: Double { 0 }

    /// One update of the model, in place.
    ///
    /// - Parameters:
    ///   - model: The model that the gradients were computed for.
    ///   - gradients: Its gradients; parameters without one are left as they are.
    ///   - scale: Multiplies every gradient first: `Gradients.clippingScale(maximumNorm:)`.
    public mutating func update<Model: Parameterized<Scalar>>(
        _ model: inout Model, with gradients: Gradients<Scalar>, scale: Double = 1
    ) {
        // Taken out, so that the tensors have one owner and are changed in place.
        var memory = memory
        self.memory = OptimizerMemory()
        memory.step += 1
        if memory.tensors.isEmpty { memory.tensors = Array(repeating: nil, count: gradients.tensors.count) }
        var index = 0
        model.forEachParameter { name, parameter in
            defer { index += 1 }
            precondition(
                index < gradients.names.count && gradients.names[index] == name, "gradients of another model")
            guard let gradient = gradients.tensors[index] else { return }
            precondition(
                gradient.shape == parameter.shape, "gradient \(gradient.shape) of \(name) \(parameter.shape)")
            var tensors =
                memory.tensors[index].take()
                ?? memoryNames.map { _ in
                    .lasting(repeating: Scalar(initialMemory), shape: parameter.shape)
                }
            apply(gradient, scale: scale, to: &parameter, memory: &tensors, step: memory.step)
            memory.tensors[index] = tensors
        }
        self.memory = memory
    }

    /// Everything that an exact resume needs besides ``step``: its tensors, named by what they are and by the
    /// parameter's number: `first.0`.
    public var state: [String: Tensor<Scalar>] {
        var state: [String: Tensor<Scalar>] = [:]
        for (index, tensors) in memory.tensors.enumerated() {
            for (name, tensor) in zip(memoryNames, tensors ?? []) { state["\(name).\(index)"] = tensor }
        }
        return state
    }

    /// Restores what ``state`` gave, after `step` updates of a model of `parameterCount` parameters.
    public mutating func restore(_ state: [String: Tensor<Scalar>], step: Int, parameterCount: Int) {
        memory.step = step
        memory.tensors = (0..<parameterCount).map { index in
            let tensors = memoryNames.compactMap { state["\($0).\(index)"] }
            return tensors.count == memoryNames.count ? tensors : nil
        }
    }

    /// - Throws: `.invalidOption` unless `condition` holds.
    func require(_ condition: Bool, _ name: String, _ range: String, _ value: Double) throws {
        guard condition else {
            throw MarketingMLError(.invalidOption, "must be \(range), is \(value)", at: .init(name: name))
        }
    }

    /// The checks that all optimizers share.
    func requireRate() throws {
        try require(learningRate > 0 && learningRate.isFinite, "learningRate", "above 0", learningRate)
    }
}

/// Where the constant ε of an adaptive rule stands, and with it the defaults: libraries disagree.
public enum EpsilonPlacement: String, Sendable, Codable {
    /// PyTorch's formula.
    case pytorch
    /// Keras' formula.
    case keras
}

extension Gradients {
    /// The factor that brings the gradients' common norm down to `maximumNorm`; 1 when it is not larger.
    public func clippingScale(maximumNorm: Double) -> Double { min(1, maximumNorm / (norm + 1e-6)) }

    /// Every element cut to -limit ... limit.
    public mutating func clip(to limit: Double) {
        for index in tensors.indices { tensors[index]?.clip(to: limit) }
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// A tensor that lives as long as a model, all elements the same.
    static func lasting(repeating value: Scalar, shape: [Int]) -> Tensor {
        let result = Tensor(uninitialized: shape, lasting: true)
        result.storage.elements.initialize(repeating: value, count: result.count)
        return result
    }

    /// Every element cut to -limit ... limit, in place; NaN stays.
    fileprivate mutating func clip(to limit: Double) {
        withUnsafeMutableElements { elements in
            let limit = Scalar(limit)
            for index in elements.indices where abs(elements[index]) > limit {
                elements[index] = elements[index] > 0 ? limit : -limit
            }
        }
    }

    /// Calls `body` for ranges of elements, on the pool, with this tensor and the others ready to be changed there.
    mutating func updateElements(
        _ others: inout [Tensor],
        _ body: (Range<Int>, UnsafeMutablePointer<Scalar>, [UnsafeMutablePointer<Scalar>]) -> Void
    ) {
        makeUnique(lasting: true)
        for index in others.indices { others[index].makeUnique(lasting: true) }
        let (target, pointers) = (pointer, others.map(\.pointer))
        parallelRanges(count, grain: 1 << 16) { range in
            body(range, target + range.lowerBound, pointers.map { $0 + range.lowerBound })
        }
    }
}
