import Tensor

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A file that belongs to a tokenizer.
struct TokenizerFile: Sendable, Equatable {
    var name: String
    var bytes: [UInt8]

    init(_ name: String, _ bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    /// Reads a file, compressed or not; `name` is what it is called when it is saved.
    ///
    /// - Throws: `fileNotFound`, `inputOutput`, `tooLarge`.
    init(_ url: URL, named name: String) throws {
        self.init(name, try InputFile.read(url.path))
    }

    /// Reads a file if it exists.
    init?(ifPresent url: URL, named name: String) throws {
        do {
            try self.init(url, named: name)
        } catch let error as MarketingMLError where error.code == .fileNotFound {
            return nil
        }
    }
}
