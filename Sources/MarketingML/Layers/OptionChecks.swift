/// Checks one option.
///
/// - Throws: `.invalidOption` that names the option, its range and its value.
func requireOption(_ condition: Bool, _ name: String, _ range: String, _ value: some Any) throws {
    guard condition else {
        throw MarketingMLError(.invalidOption, "must be \(range), is \(value)", at: .init(name: name))
    }
}

/// Checks a number of things, such as epochs or rows of a batch: bounded, so that sums of such numbers cannot overflow.
///
/// - Throws: `.invalidOption` that names the option, its range and its value.
func requireCount(_ value: Int, _ name: String, _ range: ClosedRange<Int> = 1...1_000_000_000) throws {
    try requireOption(range ~= value, name, "from \(range.lowerBound) to \(range.upperBound)", value)
}
