extension Tensor where Scalar: TensorFloatingPoint {
    /// Matrices of as many rows beside one another: [N, D₁], [N, D₂], … → [N, D₁ + D₂ + …].
    public static func concatenatedColumns(_ parts: [Tensor]) -> Tensor {
        let rows = parts.first?.shape.first ?? 0
        precondition(
            !parts.isEmpty && parts.allSatisfy { $0.rank == 2 && $0.shape[0] == rows },
            "cannot put the shapes \(parts.map(\.shape)) beside one another")
        let starts = parts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.columnCount) }
        let width = starts[parts.count]
        let result = Tensor(uninitialized: [rows, width])
        for (part, start) in zip(parts, starts) {
            for row in 0..<rows {
                (result.pointer + row * width + start).update(
                    from: part.pointer + row * part.columnCount, count: part.columnCount)
            }
        }
        return result.recorded(from: parts) { gradient in
            let gradient = gradient
            return zip(starts, starts.dropFirst()).map { start, end in
                let part = Tensor(uninitialized: [rows, end - start])
                for row in 0..<rows {
                    (part.pointer + row * (end - start)).update(
                        from: gradient.pointer + row * width + start, count: end - start)
                }
                return part
            }
        }
    }
}
