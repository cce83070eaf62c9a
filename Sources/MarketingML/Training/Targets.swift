/// What a model shall answer: a target an example, or a target a step of its sequence.
public enum Targets: Sendable {
    /// A class number an example, from 0; 0 and 1 serve as values too.
    case classes([Int32])
    /// Values [N, D].
    case values(Tensor<Float>)
    /// A class number a step.
    case classSequences(TokenBatch)
    /// Values a step.
    case valueSequences(PackedSequences<Float>)

    /// The number of examples.
    public var count: Int {
        switch self {
        case .classes(let classes): classes.count
        case .values(let values): values.rowCount
        case .classSequences(let sequences): sequences.rowCount
        case .valueSequences(let sequences): sequences.count
        }
    }

    /// The targets of the given examples, in that order.
    public func select(rows: [Int]) -> Targets {
        switch self {
        case .classes(let classes): .classes(rows.map { classes[$0] })
        case .values(let values): .values(values.rows(at: rows))
        case .classSequences(let sequences): .classSequences(sequences.select(rows: rows))
        case .valueSequences(let sequences): .valueSequences(sequences.select(rows))
        }
    }

    /// A target a row of the model's output: steps of sequences one after the other.
    var flattened: Targets {
        switch self {
        case .classSequences(let sequences): .classes(sequences.ids)
        case .valueSequences(let sequences): .values(sequences.vectors)
        default: self
        }
    }

    /// How many steps each example has; nil when it has one target.
    var stepsOfExamples: [Int]? {
        switch self {
        case .classSequences(let sequences): sequences.lengths
        case .valueSequences(let sequences): sequences.lengths
        default: nil
        }
    }

    /// The class of each example (of the first `1` of a row, or 0/1 of a single value), for class weights.
    ///
    /// - Throws: `.invalidOption` where targets are no classes.
    func classNumbers() throws -> [Int32] {
        switch self {
        case .classes(let classes): return classes
        case .values(let values) where values.columnCount == 1:
            return try values.elements.map { value in
                guard value == 0 || value == 1 else { throw Self.noClasses }
                return Int32(value)
            }
        case .values(let values):
            let (width, elements) = (values.columnCount, values.elements)
            return try (0..<values.rowCount).map { row in
                let ones = (0..<width).filter { elements[row * width + $0] == 1 }
                guard ones.count == 1 else { throw Self.noClasses }
                return Int32(ones[0])
            }
        default: throw Self.noClasses
        }
    }

    private static let noClasses = MarketingMLError(
        .invalidOption, "needs targets that are classes: numbers, 0 and 1, or one-hot rows",
        at: .init(name: "classWeights"))
}

/// Something that can be a model's targets: arrays of whole numbers, of `Bool`, of floating-point numbers, tensors.
public protocol TargetsConvertible {
    /// The targets.
    ///
    /// - Throws: `.shapeMismatch` for a shape that is no list of examples, `.tooLarge` for a class beyond 32 bits.
    func targets() throws -> Targets
}

/// An element of an array of targets.
public protocol TargetElement {
    /// The targets in such an array.
    static func targets(_ elements: [Self]) throws -> Targets
}

extension Array: TargetsConvertible where Element: TargetElement {
    /// A target an element.
    public func targets() throws -> Targets { try Element.targets(self) }
}

extension Int: TargetElement {
    /// Classes.
    public static func targets(_ elements: [Int]) throws -> Targets {
        .classes(try elements.narrowed("a class number", at: .init(name: "targets")))
    }
}

extension Int32: TargetElement {
    /// Classes.
    public static func targets(_ elements: [Int32]) -> Targets { .classes(elements) }
}

extension Bool: TargetElement {
    /// Classes: false is 0, true is 1.
    public static func targets(_ elements: [Bool]) -> Targets { .classes(elements.map { $0 ? 1 : 0 }) }
}

extension Float: TargetElement {
    /// Values [N, 1].
    public static func targets(_ elements: [Float]) -> Targets {
        .values(Tensor(shape: [elements.count, 1], elements))
    }
}

extension Double: TargetElement {
    /// Values [N, 1].
    public static func targets(_ elements: [Double]) -> Targets { Float.targets(elements.map { Float($0) }) }
}

extension Targets: TargetsConvertible {
    /// Itself.
    public func targets() -> Targets { self }
}

extension Tensor: TargetsConvertible where Scalar == Float {
    /// [N] and [N, D]: values; [N, L, D]: values of every step.
    public func targets() throws -> Targets {
        switch rank {
        case 1: .values(reshaped(count, 1))
        case 2: .values(self)
        case 3: .valueSequences(PackedSequences(self))
        default:
            throw MarketingMLError(
                .shapeMismatch, "expected the shape [N], [N, D] or [N, L, D], found \(shape)",
                at: .init(name: "targets"))
        }
    }
}

extension [Int] {
    /// The same numbers in 32 bits.
    ///
    /// - Throws: `.tooLarge` at the given place for one that does not fit.
    func narrowed(_ what: String, at place: MarketingMLError.Location) throws -> [Int32] {
        try map { number in
            guard let narrow = Int32(exactly: number) else {
                throw MarketingMLError(.tooLarge, "\(what) must fit in 32 bits, found \(number)", at: place)
            }
            return narrow
        }
    }
}
