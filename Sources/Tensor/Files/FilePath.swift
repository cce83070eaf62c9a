#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// The few operations on paths and directories that reading and saving need, straight from POSIX.
package enum FilePath {
    /// `"a/b"` from `"a"` and `"b"`.
    package static func join(_ parent: String, _ name: String) -> String {
        parent.hasSuffix("/") ? parent + name : parent + "/" + name
    }

    /// The directory that holds a path, and the path's last part; slashes at the end do not count.
    package static func split(_ path: String) -> (parent: String, name: String) {
        var trimmed = Substring(path)
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return (".", String(trimmed)) }
        let name = String(trimmed[trimmed.index(after: slash)...])
        let parent = trimmed[..<slash]
        return (parent.isEmpty ? "/" : String(parent), name)
    }

    /// What a path names, symbolic links followed.
    package enum Kind: Sendable {
        case missing, file, directory
    }

    /// Whether there is something at `path`, and whether it is a directory.
    package static func kind(of path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .missing }
        return status.st_mode & S_IFMT == S_IFDIR ? .directory : .file
    }

    /// The names in a directory, sorted, without `.` and `..`.
    package static func entries(of path: String) throws(MarketingMLError) -> [String] {
        guard let directory = opendir(path) else { throw FileFailure.current("read", path) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Creates a directory and those above it that are missing.
    package static func createDirectory(_ path: String) throws(MarketingMLError) {
        if mkdir(path, 0o777) == 0 { return }
        if errno == ENOENT {
            let parent = split(path).parent
            if parent != path {
                try createDirectory(parent)
                if mkdir(path, 0o777) == 0 { return }
            }
        }
        guard errno == EEXIST, kind(of: path) == .directory else {
            throw FileFailure.current("created", path)
        }
    }

    /// Removes a file, or a directory with all that is in it, without following links. Best effort.
    package static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in (try? entries(of: path)) ?? [] { remove(join(path, name)) }
        rmdir(path)
    }

    /// Where a link leads, so that saving replaces the thing itself; other paths as they are.
    static func resolvingLink(_ path: String) -> String {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK, let real = realpath(path, nil)
        else {
            return path
        }
        defer { free(real) }
        return String(cString: real)
    }

    /// Waits until a file's contents, or a directory's list of names, are on the disk.
    static func sync(_ path: String) throws(MarketingMLError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure.current("synced", path) }
        defer { close(descriptor) }
        try Descriptor.sync(descriptor, path)
    }

    /// Syncs all files and directories below `path`, then `path`.
    static func syncTree(_ path: String) throws(MarketingMLError) {
        if kind(of: path) == .directory {
            for name in try entries(of: path) { try syncTree(join(path, name)) }
        }
        try sync(path)
    }
}
