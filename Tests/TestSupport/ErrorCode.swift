import Tensor

/// What kind of ``MarketingMLError`` the body throws; nil for none, or another error.
public func errorCode(_ body: () throws -> Any) -> MarketingMLError.Code? {
    do {
        _ = try body()
        return nil
    } catch {
        return (error as? MarketingMLError)?.code
    }
}
