import Foundation
import Tensor

extension Interactions {
    /// The same interactions with values that fade with age: value · 2^(−(now − time) / halfLife).
    ///
    /// - Parameters:
    ///   - halfLife: The age at which a value is halved, in the unit of the times, above 0.
    ///   - now: The time from which ages count; nil takes the latest. What is later does not fade.
    /// - Throws: `.invalidOption` for a half-life that is not above 0, and if the times are not known.
    public func decayed(halfLife: Double, now: Int64? = nil) throws(MarketingMLError) -> Interactions {
        try require(halfLife > 0, "halfLife", "above 0", "\(halfLife)")
        guard let elementTimes else {
            throw MarketingMLError(
                .invalidOption, "fading needs the times of the interactions, which are not known",
                at: .init(name: "halfLife"))
        }
        let now = now ?? elementTimes.max() ?? 0
        let values = zip(matrix.values, elementTimes).map { value, time in
            Float(Double(value) * exp2(-max(0, Double(now) - Double(time)) / halfLife))
        }
        return Interactions(
            users: userIndex, items: itemIndex,
            matrix: SparseMatrix(
                trusted: matrix.rowCount, matrix.columnCount, rowOffsets: matrix.rowOffsets,
                columnIndices: matrix.columnIndices, values: values), times: elementTimes)
    }
}
