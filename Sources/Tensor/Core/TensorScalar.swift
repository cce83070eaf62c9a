internal import CTensorKernels

/// An element type that tensors can hold: `Float`, `Double`, `Int32`, `Int64`, `UInt8`.
public protocol TensorScalar: Sendable, Equatable, BitwiseCopyable {
    /// The value zero.
    static var zero: Self { get }
}

extension Int32: TensorScalar {}
extension Int64: TensorScalar {}
extension UInt8: TensorScalar {}

/// An element type that can be differentiated: `Float` and `Double`, and no other.
///
/// Both run the same kernels; `Float` is the type to train in, `Double` the one to check gradients in.
public protocol TensorFloatingPoint: TensorScalar, BinaryFloatingPoint {}

extension Float: TensorFloatingPoint {}
extension Double: TensorFloatingPoint {}

extension TensorFloatingPoint {
    /// The kernels' name for this type.
    static var kernelType: mml_type { MemoryLayout<Self>.size == 4 ? MML_F32 : MML_F64 }
}
