import Tensor

extension RatingSteps {
    /// Epochs of gradient steps.
    ///
    /// - Parameter progress: The loss in its events is the mean squared error before each step.
    /// - Throws: `.invalidOption` if the steps diverge; `CancellationError`.
    mutating func run(epochs: Int, progress: ProgressHandler?) throws {
        for epoch in 1...epochs {
            try Task.checkCancellation()
            let error = self.epoch()
            guard error.isFinite else {
                throw MarketingMLError(
                    .invalidOption, "is too large: the steps diverge in epoch \(epoch)",
                    at: .init(name: "learningRate"))
            }
            let event = ProgressEvent(
                phase: .training(epoch: epoch, of: epochs), step: epoch, total: epochs, loss: error,
                rateUnit: "ratings")
            if progress?(event) == .stop { break }
        }
    }

    /// The users' rows [x, μ + bᵤ, 1] and the items' rows [y, 1, bᵢ].
    func rows(factors count: Int) -> (users: Tensor<Float>, items: Tensor<Float>) {
        let width = FactorMatrix.width(factors: count + 2)
        var users = self.users.columns(count).widened(to: width)
        var items = self.items.columns(count).widened(to: width)
        users.withUnsafeMutableElements { users in
            for (user, bias) in userBiases.elements.enumerated() {
                users[user * width + count] = Float(mean) + bias
                users[user * width + count + 1] = 1
            }
        }
        items.withUnsafeMutableElements { items in
            for (item, bias) in itemBiases.elements.enumerated() {
                items[item * width + count] = 1
                items[item * width + count + 1] = bias
            }
        }
        return (users, items)
    }
}
