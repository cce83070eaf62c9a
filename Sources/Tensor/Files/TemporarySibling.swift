#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// A new file or directory beside the one that it will replace, under a hidden name of its own.
///
/// Its owner holds a lock on it. One that can be locked by another has been left behind by a process that died;
/// creating a sibling removes those.
struct TemporarySibling: ~Copyable {
    /// Its path.
    let path: String
    /// Open for writing if it is a file; only to hold the lock and to sync if it is a directory.
    let descriptor: Int32

    /// Creates one beside `target`.
    init(of target: String, directory isDirectory: Bool) throws(MarketingMLError) {
        let (parent, name) = FilePath.split(target)
        let prefix = "." + name + ".tmp-"
        Self.removeAbandoned(prefix, in: parent)
        while true {
            let path = FilePath.join(parent, prefix + String(UInt64.random(in: 0 ... .max), radix: 36))
            let created =
                isDirectory ? mkdir(path, 0o777) : open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o666)
            guard created >= 0 else {
                if errno == EEXIST { continue }
                throw FileFailure.current("written", target)
            }
            let descriptor = isDirectory ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : created
            // Where the file system has no locks the sibling serves as well; nothing abandoned is removed then.
            if descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK {
                self.path = path
                self.descriptor = descriptor
                return
            }
            // Somebody looked for abandoned ones between the two calls and is removing it: take another name.
            let failure = FileFailure.current("written", target)
            if descriptor >= 0 {
                close(descriptor)
            } else if errno != ENOENT {
                throw failure
            }
        }
    }

    deinit {
        close(descriptor)
    }

    /// Removes siblings with this prefix whose owner no longer lives.
    private static func removeAbandoned(_ prefix: String, in parent: String) {
        for name in (try? FilePath.entries(of: parent)) ?? [] where name.hasPrefix(prefix) {
            let path = FilePath.join(parent, name)
            let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { FilePath.remove(path) }
            close(descriptor)
        }
    }
}
