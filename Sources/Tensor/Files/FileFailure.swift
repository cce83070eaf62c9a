#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Turns `errno` into the library's error type.
enum FileFailure {
    /// The error for the system call that has just failed: `"a.csv: cannot be opened: No such file or directory"`.
    static func current(_ verb: String, _ path: String) -> MarketingMLError {
        let number = errno
        let code: MarketingMLError.Code = number == ENOENT || number == ENOTDIR ? .fileNotFound : .inputOutput
        let reason = strerror(number).map { String(cString: $0) } ?? "error \(number)"
        return MarketingMLError(code, "cannot be \(verb): \(reason)", at: .init(file: path))
    }
}
