internal import CFiles
#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Writes a directory of files so that there is always a whole one: the old one until the new one is complete and
/// on the disk.
package enum AtomicDirectory {
    /// Replaces the directory at `path`, or creates it, with the one that `body` fills.
    ///
    /// `body` gets the path of an empty sibling directory. When it returns, all files in it are synced, and the two
    /// directories change places in one step; the old one is then removed. If anything fails before that step, the
    /// old directory is untouched and nothing of the new one stays behind.
    ///
    /// - Parameters:
    ///   - path: Directories above it that are missing are created.
    ///   - marker: A file that every directory written here has. An existing directory that is not empty is only
    ///     replaced if it has it: saving a model to the wrong place must not delete somebody's other files.
    /// - Throws: what `body` throws; `.invalidOption` if there is something else at `path`; `.inputOutput`.
    package static func replace(
        at path: String, marker: String, _ body: (_ temporary: String) throws -> Void
    ) throws {
        let target = FilePath.resolvingLink(path)
        let parent = FilePath.split(target).parent
        try checkReplaceable(target, marker: marker)
        try FilePath.createDirectory(parent)
        let sibling = try TemporarySibling(of: target, directory: true)
        do {
            try body(sibling.path)
            try FilePath.syncTree(sibling.path)
            try checkReplaceable(target, marker: marker)
            try exchange(sibling.path, target)
        } catch {
            FilePath.remove(sibling.path)
            throw error
        }
        // What is at the sibling's path now is the old directory, if there was one.
        try FilePath.sync(parent)
        FilePath.remove(sibling.path)
    }

    private static func checkReplaceable(_ target: String, marker: String) throws(MarketingMLError) {
        switch FilePath.kind(of: target) {
        case .missing:
            return
        case .file:
            throw MarketingMLError(.invalidOption, "is a file, expected a directory", at: .init(file: target))
        case .directory:
            let names = try FilePath.entries(of: target)
            guard names.isEmpty || names.contains(marker) else {
                throw MarketingMLError(
                    .invalidOption,
                    "holds other files (\(names.prefix(3).joined(separator: ", "))…) and no \(marker): "
                        + "it is not replaced; choose a new or empty directory", at: .init(file: target))
            }
        }
    }

    /// Puts `new` in the place of `target`; an old `target` is at the path of `new` afterwards.
    private static func exchange(_ new: String, _ target: String) throws(MarketingMLError) {
        if FilePath.kind(of: target) == .missing {
            guard rename(new, target) == 0 else { throw FileFailure.current("written", target) }
            return
        }
        if mml_exchange_paths(new, target) == 0 { return }
        guard [ENOSYS, EINVAL, ENOTSUP, EPERM].contains(errno) else {
            throw FileFailure.current("replaced", target)
        }
        // Not every file system can exchange. The old directory keeps a name throughout.
        let aside = new + ".old"
        guard rename(target, aside) == 0 else { throw FileFailure.current("replaced", target) }
        guard rename(new, target) == 0 else {
            let failure = FileFailure.current("replaced", target)
            rename(aside, target)
            throw failure
        }
        rename(aside, new)
    }
}
