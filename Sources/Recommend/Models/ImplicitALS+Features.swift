import Tensor

extension ImplicitALS.Model {
    /// The model with items that nobody has taken yet, of which only a description is known: their factors follow from those of
    /// described items by ridge regression,
    ///
    ///     W = argmin Σ nᵢ ‖yᵢ − b − W fᵢ‖² + λ‖W‖²,
    ///
    /// where nᵢ users took item i. Once such an item has been taken, `updated(with:duplicates:)` gives it factors of its own.
    ///
    /// ```swift
    /// let vectors = try encoder.embed(descriptions)          // or prices, categories as 0 and 1, …
    /// let model = try fitted.adding(items: arrivals, describedAs: known)
    /// ```
    ///
    /// - Parameters:
    ///   - items: The new items with their features.
    ///   - known: Items of the catalogue with theirs, at least one; more are better.
    ///   - regularization: λ, above 0. Features should be of about the same size.
    /// - Throws: `.emptyData` if no described item is in the catalogue; `.shapeMismatch` for features of another length;
    ///   `.notFinite`; `.invalidOption` for λ, and for a new item that the catalogue has.
    /// - Complexity: O(n D² + D³ + n D F) for n described items, D features and F factors.
    ///
    /// Gantner, Drumond, Freudenthaler, Rendle, Schmidt-Thieme: Learning Attribute-to-Feature Mappings for Cold-Start
    /// Recommendations, ICDM 2010, doi:10.1109/ICDM.2010.129.
    public func adding(
        items: [(item: Item, features: [Double])], describedAs known: [(item: Item, features: [Double])],
        regularization: Double = 1
    ) throws(MarketingMLError) -> Self {
        try require(
            regularization > 0 && regularization.isFinite, "regularization", "above 0", "\(regularization)")
        let width = known.first?.features.count ?? 0
        for (item, features) in known + items {
            guard features.count == width else {
                throw MarketingMLError(
                    .shapeMismatch, "item \(item) has \(features.count) features, the first has \(width)")
            }
            if let bad = features.first(where: { !$0.isFinite }) {
                throw MarketingMLError(.notFinite, "a feature of item \(item) is \(bad)")
            }
        }
        let counts = catalogue.history.columnCounts
        let described = known.compactMap { entry in
            catalogue.itemIndex[entry.item].map { (index: $0, features: entry.features) }
        }.filter { counts[$0.index] > 0 }
        guard !described.isEmpty else {
            throw MarketingMLError(.emptyData, "none of the described items is in the catalogue")
        }
        let map = try FeatureMap(
            described.map { (features: $0.features, weight: Double(counts[$0.index])) },
            targets: described.map {
                factors.paddedItems.row($0.index)[..<factors.factorCount].map(Double.init)
            },
            regularization: regularization)

        var index = catalogue.itemIndex
        var rows = factors.paddedItems.elements
        let padding = [Float](repeating: 0, count: factors.paddedItems.shape[1] - factors.factorCount)
        for (item, features) in items {
            guard index[item] == nil else {
                throw MarketingMLError(.invalidOption, "item \(item) is in the catalogue already")
            }
            index.insert(item)
            rows += map(features).map { options.isNonNegative ? max(0, Float($0)) : Float($0) } + padding
        }
        let history = catalogue.history
        let interactions = Interactions(
            users: catalogue.userIndex, items: index,
            matrix: SparseMatrix(
                trusted: history.rowCount, index.ids.count, rowOffsets: history.rowOffsets,
                columnIndices: history.columnIndices, values: history.values), times: nil)
        return Self(
            catalogue: Catalogue(interactions), options: options, losses: losses,
            factors: FactorPair(
                paddedUsers: factors.paddedUsers,
                paddedItems: Tensor(shape: [index.ids.count, factors.paddedItems.shape[1]], rows),
                factorCount: factors.factorCount, usedWidth: factors.factorCount))
    }
}

/// y = b + W f by weighted ridge regression, several targets at once.
private struct FeatureMap {
    /// [D + 1][targets]: the rows of W transposed, then b.
    private let coefficients: [[Double]]

    init(
        _ rows: [(features: [Double], weight: Double)], targets: [[Double]], regularization: Double
    ) throws(MarketingMLError) {
        let size = rows[0].features.count + 1
        var system = [Double](repeating: 0, count: size * size)
        var right = [[Double]](repeating: [Double](repeating: 0, count: targets[0].count), count: size)
        for (row, target) in zip(rows, targets) {
            let x = row.features + [1]
            for i in 0..<size {
                let weighted = row.weight * x[i]
                for j in 0..<size { system[i * size + j] += weighted * x[j] }
                for column in target.indices { right[i][column] += weighted * target[column] }
            }
        }
        // The constant is not penalised; there is at least one row, so its own equation has a solution.
        for i in 0..<size - 1 { system[i * (size + 1)] += regularization }
        guard let factor = CholeskyFactor(system, order: size) else {
            throw MarketingMLError(
                .invalidOption, "is too small: the equations have no solution",
                at: .init(name: "regularization"))
        }
        var coefficients = right
        for column in targets[0].indices {
            let solution = factor.solve(right.map { $0[column] })
            for i in 0..<size { coefficients[i][column] = solution[i] }
        }
        self.coefficients = coefficients
    }

    func callAsFunction(_ features: [Double]) -> [Double] {
        var result = coefficients[features.count]
        for (feature, row) in zip(features, coefficients) {
            for column in result.indices { result[column] += feature * row[column] }
        }
        return result
    }
}
