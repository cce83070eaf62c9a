import Foundation

/// A tokenizer that can write its files into a model's directory.
protocol SavableTokenizer: TextTokenizer {
    func save(to directory: URL) throws
}

extension ByteLevelBPETokenizer: SavableTokenizer {}
extension WordPieceTokenizer: SavableTokenizer {}

/// The tokenizer of a Hugging Face directory, of whatever kind its files describe.
///
/// - Throws: `.fileNotFound`, `.malformedFile`, or `.unsupported` from the kind that came closest.
func textTokenizer(ofDirectory directory: URL) throws -> any TextTokenizer {
    do {
        return try ByteLevelBPETokenizer(directory: directory)
    } catch let error as MarketingMLError where error.code == .unsupported || error.code == .fileNotFound {
        if let tokenizer = try? WordPieceTokenizer(directory: directory) { return tokenizer }
        throw error
    }
}
