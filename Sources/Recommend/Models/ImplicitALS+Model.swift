import Foundation
import Tensor

extension ImplicitALS {
    /// Factors of users and items; a score near 1 says "sure to like it", near 0 "no sign of it".
    public struct Model: FactorModel {
        /// The users and items, and the confidence that the model learned from.
        public let catalogue: Catalogue<User, Item>
        /// The users' and items' factors.
        public let factors: FactorPair
        /// The loss after each iteration if the recipe tracks it, and at the end.
        public let losses: [Double]
        let options: ALSOptions
        /// What every user's equations share.
        private let shared: [Float]

        init(catalogue: Catalogue<User, Item>, options: ALSOptions, losses: [Double], factors: FactorPair) {
            self.catalogue = catalogue
            self.options = options
            self.losses = losses
            self.factors = factors
            shared = FactorMatrix.gram(factors.paddedItems).map { Float(options.unobservedWeight * $0) }
        }

        /// The exact solution of the user's equations, as at the end of the fit.
        ///
        /// - Throws: `.invalidOption` if there is none, which takes confidence below that of unseen pairs.
        public func userRow(ofHistory history: History) throws -> [Float]? {
            guard !history.items.isEmpty else { return nil }
            let problem = options.problem(history.matrix(itemCount: catalogue.items.count))
            var row = Tensor<Float>.zeros([1, factors.paddedItems.shape[1]])
            let failed = problem.solve(
                &row, fixed: factors.paddedItems, factors: options.factors, shared: shared,
                by: options.exactSolver)
            guard failed == nil else {
                throw MarketingMLError(
                    .invalidOption, "the user's equations have no solution: confidence is too small",
                    at: .init(name: "history"))
            }
            return row.elements
        }

        /// The score is linear in the history: with the user's matrix W = λ + w YᵀY + Σ a y yᵀ it is Σ b y·W⁻¹yᵢ, and each
        /// item contributes its term.
        ///
        /// Hu, Koren, Volinsky, section 5.
        public func contributions(of history: History, toItemAt index: Int) throws -> [Float] {
            let (width, base) = (
                factors.paddedItems.shape[1], options.excludesSeen ? options.unobservedWeight : 0
            )
            // Where a factor must not be negative and is 0, it stays so for a little more or less of any item.
            let row = options.isNonNegative ? try userRow(ofHistory: history) : nil
            let columns = (0..<options.factors).filter { column in row.map { $0[column] > 0 } ?? true }
            guard !columns.isEmpty else { return history.items.map { _ in 0 } }
            func part(_ item: Int) -> [Double] {
                let row = factors.paddedItems.row(item)
                return columns.map { Double(row[$0]) }
            }
            let (rows, count) = (history.items.map { part(Int($0)) }, columns.count)
            var system = [Double](repeating: 0, count: count * count)
            for i in 0..<count {
                for j in 0..<count { system[i * count + j] = Double(shared[columns[i] * width + columns[j]]) }
                system[i * count + i] += Double(
                    options.penalty(elements: history.items.count, others: catalogue.items.count))
            }
            for (row, value) in zip(rows, history.values) {
                let weight = options.alpha * Double(value) - base
                for i in 0..<count {
                    for j in 0..<count { system[i * count + j] += weight * row[i] * row[j] }
                }
            }
            guard let factor = CholeskyFactor(system, order: count) else {
                throw MarketingMLError(.invalidOption, "the user's equations have no solution")
            }
            let direction = factor.solve(part(index))
            return zip(rows, history.values).map { row, value in
                Float(options.alpha * Double(value) * zip(row, direction).reduce(0) { $0 + $1.0 * $1.1 })
            }
        }

        private struct Fields: CheckedFields {
            var options: ALSOptions
            var losses: [Double]

            func check() throws(MarketingMLError) { try options.check() }
        }

        private static var kind: String { "implicit-als" }

        /// Writes the model to a safetensors file; the factors are its tensors `users` and `items`.
        public func save(to url: URL) throws {
            try write(to: url, kind: Self.kind, fields: Fields(options: options, losses: losses)) {
                factors.add(to: &$0)
            }
        }

        /// Reads a model that `save(to:)` wrote.
        public init(_ url: URL) throws {
            let (file, catalogue, fields) = try Self.read(url, kind: Self.kind, Fields.self)
            let count = fields.options.factors
            self.init(
                catalogue: catalogue, options: fields.options, losses: fields.losses,
                factors: try FactorPair(
                    from: file, users: catalogue.users.count, items: catalogue.items.count,
                    factorCount: count,
                    usedWidth: count))
        }
    }
}
