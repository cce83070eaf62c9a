internal import CTensorKernels

/// Stochastic gradient descent on ratings, user after user: biased matrix factorization, and SVD++ with rows for what users rated.
///
/// One thread: users share items, and the order of steps is part of the result.
package struct RatingSteps {
    /// Each user's ratings in a random order, the same in every epoch: that of their items' numbers is mostly the order of first
    /// appearance, and so of popularity, and steps that always end with rare items learn less of them.
    private let ratings: SparseMatrix<Float>
    package let mean: Double
    package let learningRate: Double
    package let regularization: Double
    /// [users, width], the padding zero.
    package private(set) var users: Tensor<Float>
    /// [items, width].
    package private(set) var items: Tensor<Float>
    /// [items, width]: what having rated an item says about a user; nil without.
    package private(set) var history: Tensor<Float>?
    package private(set) var userBiases: Tensor<Float>
    package private(set) var itemBiases: Tensor<Float>

    package init(
        _ ratings: SparseMatrix<Float>, mean: Double, factors: Int, standardDeviation: Double,
        learningRate: Double,
        regularization: Double, withHistory: Bool, seed: UInt64
    ) {
        self.ratings = ratings.shuffledRows(seed: seed)
        self.mean = mean
        self.learningRate = learningRate
        self.regularization = regularization
        func random(_ rows: Int, _ stream: UInt64) -> Tensor<Float> {
            FactorMatrix.random(
                rows: rows, factors: factors, standardDeviation: standardDeviation, seed: seed, stream: stream
            )
        }
        users = random(ratings.rowCount, 1)
        items = random(ratings.columnCount, 2)
        history = withHistory ? random(ratings.columnCount, 3) : nil
        userBiases = .zeros([ratings.rowCount])
        itemBiases = .zeros([ratings.columnCount])
    }

    /// A step for each rating.
    ///
    /// - Returns: The mean of the squared errors before each step.
    package mutating func epoch() -> Double {
        var rows = history ?? .zeros([0, 0])
        let hasHistory = history != nil
        history = nil
        let (mean, learningRate, regularization, ratings) = (
            self.mean, self.learningRate, self.regularization, self.ratings
        )
        let width = users.shape[1]
        var scratch = [Float](repeating: 0, count: 2 * width)
        let sum = users.withUnsafeMutableElements { users in
            items.withUnsafeMutableElements { items in
                rows.withUnsafeMutableElements { rows in
                    userBiases.withUnsafeMutableElements { userBiases in
                        itemBiases.withUnsafeMutableElements { itemBiases in
                            ratings.rowOffsets.withUnsafeBufferPointer { offsets in
                                ratings.columnIndices.withUnsafeBufferPointer { indices in
                                    ratings.values.withUnsafeBufferPointer { values in
                                        var problem = mml_rating_steps(
                                            width: width, offsets: offsets.baseAddress,
                                            indices: indices.baseAddress, ratings: values.baseAddress,
                                            mean: mean,
                                            learning_rate: learningRate, regularization: regularization,
                                            users: users.baseAddress, items: items.baseAddress,
                                            history: hasHistory ? rows.baseAddress : nil,
                                            user_biases: userBiases.baseAddress,
                                            item_biases: itemBiases.baseAddress)
                                        return mml_rating_pass(
                                            MML_F32, &problem, 0, ratings.rowCount, &scratch)
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        if hasHistory { history = rows }
        return sum / Double(max(1, ratings.storedCount))
    }
}

extension SparseMatrix<Float> {
    /// The same elements, each row's in a random order rather than in that of the columns.
    fileprivate func shuffledRows(seed: UInt64) -> SparseMatrix {
        var random = SeededGenerator(seed: seed, stream: 4)
        var places = Array(0..<storedCount)
        for row in 0..<rowCount {
            var order = Array(places[rowOffsets[row]..<rowOffsets[row + 1]])
            random.shuffle(&order)
            places.replaceSubrange(rowOffsets[row]..<rowOffsets[row + 1], with: order)
        }
        return SparseMatrix(
            trusted: rowCount, columnCount, rowOffsets: rowOffsets,
            columnIndices: places.map { columnIndices[$0] },
            values: places.map { values[$0] })
    }
}
