/// Checks one option.
///
/// - Throws: `.invalidOption` that names the option, its range and its value.
func requireOption(_ condition: Bool, _ name: String, _ range: String, _ value: some Any) throws {
    guard condition else {
        throw MarketingMLError(.invalidOption, "must be \(range), is \(value)", at: .init(name: name))
    }
}
