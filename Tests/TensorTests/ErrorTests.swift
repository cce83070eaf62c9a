import Tensor
import Testing

@Test func errorsSayWhere() {
    let error = MarketingMLError(
        .missingColumn, "no such column", at: .init(file: "a.csv", row: 1, name: "label"))
    #expect(error.description == "a.csv, row 1, \"label\": no such column")
}
