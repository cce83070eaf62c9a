import Tensor
import Testing

/// Expects `body` to throw a `MarketingMLError` of that code.
public func expectFailure(
    _ code: MarketingMLError.Code, _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) {
    do {
        try body()
        Issue.record("\(what): no error, expected \(code)", sourceLocation: sourceLocation)
    } catch let error as MarketingMLError {
        #expect(error.code == code, "\(what): \(error)", sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(what): \(error), expected \(code)", sourceLocation: sourceLocation)
    }
}
