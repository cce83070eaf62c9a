import Tensor

extension ImplicitALS.Model {
    /// The model after more interactions, without fitting it anew: the users and items that occur in them are solved for again,
    /// exactly, all others keep their factors. New users and items are added behind the known ones.
    ///
    /// Users are solved for first, then items, then the users once more, so that
    /// ``RecommenderModel/foldIn(history:count:filter:)`` gives them the factors that the model holds. The loss never rises but by
    /// what is new; fit anew from time to time, since the others do not follow.
    ///
    /// - Parameters:
    ///   - confidence: What is new.
    ///   - duplicates: What becomes of a pair that the model knows: its confidence grows, or is replaced (`.last`).
    /// - Throws: `.invalidOption` if equations have no solution.
    /// - Complexity: O(n F² + (u + i) F³) for u users, i items and their n interactions.
    public func updated(
        with confidence: Confidence<User, Item>, duplicates: Duplicates = .sum
    ) throws -> Self {
        let new = confidence.interactions
        var builder = Interactions<User, Item>.Builder(
            duplicates: duplicates, users: catalogue.userIndex, items: catalogue.itemIndex)
        let known = Interactions(
            users: catalogue.userIndex, items: catalogue.itemIndex, matrix: catalogue.history, times: nil)
        for event in known.events + new.events {
            builder.append(event.user, event.item, value: event.value, time: nil)
        }
        let merged = builder.interactions
        let changedUsers = new.users.compactMap { merged.userIndex[$0] }.sorted()
        let changedItems = new.items.compactMap { merged.itemIndex[$0] }.sorted()
        var userRows = factors.paddedUsers.extended(to: merged.users.count)
        var itemRows = factors.paddedItems.extended(to: merged.items.count)
        let takers = merged.matrix.flipped
        // New items have no factors yet: they begin as what their first users have in common.
        try solve(changedUsers, of: merged.matrix, &userRows, fixed: itemRows)
        try solve(changedItems, of: takers, &itemRows, fixed: userRows)
        try solve(changedUsers, of: merged.matrix, &userRows, fixed: itemRows)
        return Self(
            catalogue: Catalogue(merged), options: options, losses: losses,
            factors: FactorPair(
                paddedUsers: userRows, paddedItems: itemRows, factorCount: factors.factorCount,
                usedWidth: factors.factorCount))
    }

    /// Solves for some rows and puts them in their places.
    private func solve(
        _ rows: [Int], of matrix: SparseMatrix<Float>, _ target: inout Tensor<Float>, fixed: Tensor<Float>
    ) throws(MarketingMLError) {
        let problem = options.problem(matrix.rows(rows))
        let width = fixed.shape[1]
        var solved = Tensor<Float>.zeros([rows.count, width])
        let failed = problem.solve(
            &solved, fixed: fixed, factors: options.factors, shared: problem.sharedSystem(of: fixed),
            by: options.exactSolver)
        guard failed == nil else {
            throw MarketingMLError(
                .invalidOption, "equations have no solution: confidence is too small",
                at: .init(name: "confidence"))
        }
        solved.withUnsafeElements { solved in
            target.withUnsafeMutableElements { target in
                for (place, row) in rows.enumerated() {
                    for column in 0..<width { target[row * width + column] = solved[place * width + column] }
                }
            }
        }
    }
}

extension SparseMatrix {
    /// Some rows, in this order.
    fileprivate func rows(_ rows: [Int]) -> SparseMatrix {
        var offsets = [0]
        var columns: [Int32] = []
        var elements: [Scalar] = []
        for row in rows {
            columns += columnIndices[range(row)]
            elements += values[range(row)]
            offsets.append(columns.count)
        }
        return SparseMatrix(
            trusted: rows.count, columnCount, rowOffsets: offsets, columnIndices: columns, values: elements)
    }
}

extension Tensor where Scalar == Float {
    /// With rows of zeros below its own.
    fileprivate func extended(to rows: Int) -> Tensor {
        rows == shape[0]
            ? self
            : Tensor(
                shape: [rows, shape[1]], elements + [Float](repeating: 0, count: (rows - shape[0]) * shape[1])
            )
    }
}
