import Synchronization

/// The bytes of all tokens, as a tree that a constraint walks once for all tokens with a common beginning.
final class TokenVocabulary: Sendable {
    let size: Int
    private let tokenizer: any TextTokenizer
    private let cachedTree = Mutex<Tree?>(nil)

    init(_ tokenizer: any TextTokenizer, size: Int) {
        self.tokenizer = tokenizer
        self.size = size
    }

    /// The tree, made when it is first asked for.
    var tree: Tree {
        cachedTree.withLock { cached in
            if let cached { return cached }
            let tree = Tree(size: size) { tokenizer.bytes(of: $0) }
            cached = tree
            return tree
        }
    }

    /// The tree's nodes in the order of a walk through it, parents first.
    struct Tree: Sendable {
        struct Node: Sendable {
            /// The last byte of the way to the node.
            var byte: UInt8
            /// The number of bytes on the way, from 1 on.
            var depth: UInt16
            /// The first of `tokens` at or below the node.
            var firstToken: Int32
            /// How many tokens have exactly these bytes.
            var tokenCount: Int32 = 0
            /// The next node that is not below this one.
            var skip: Int32 = 0
        }

        private(set) var nodes: [Node] = []
        /// The tokens that have bytes, in the order of the nodes.
        private(set) var tokens: [Int32] = []
        /// The most bytes of a token.
        private(set) var depth = 0

        init(size: Int, bytes: (Int32) -> [UInt8]) {
            var spelled = (0..<Int32(clamping: size)).map { (token: $0, bytes: bytes($0)) }
            spelled.removeAll { $0.bytes.isEmpty || $0.bytes.count > Int(UInt16.max) }
            spelled.sort {
                $0.bytes == $1.bytes ? $0.token < $1.token : $0.bytes.lexicographicallyPrecedes($1.bytes)
            }
            var path: [Int] = []
            var previous: [UInt8] = []
            for (token, bytes) in spelled {
                let common = zip(previous, bytes).prefix { $0 == $1 }.count
                leave(&path, downTo: common)
                for position in common..<bytes.count {
                    path.append(nodes.count)
                    nodes.append(
                        Node(
                            byte: bytes[position], depth: UInt16(position + 1),
                            firstToken: Int32(tokens.count)))
                }
                if let node = path.last { nodes[node].tokenCount += 1 }
                tokens.append(token)
                depth = max(depth, bytes.count)
                previous = bytes
            }
            leave(&path, downTo: 0)
        }

        private mutating func leave(_ path: inout [Int], downTo depth: Int) {
            while path.count > depth { nodes[path.removeLast()].skip = Int32(nodes.count) }
        }

        /// The tokens at and below a node.
        func tokens(from node: Int) -> ArraySlice<Int32> {
            let end = Int(nodes[node].skip)
            return tokens[
                Int(nodes[node].firstToken)..<(end < nodes.count ? Int(nodes[end].firstToken) : tokens.count)]
        }

        /// The fewest tokens that spell some bytes; nil if none do.
        func fewestTokens(spelling bytes: [UInt8]) -> Int? {
            var fewest = [Int?](repeating: nil, count: bytes.count + 1)
            fewest[bytes.count] = 0
            for start in bytes.indices.reversed() {
                var node = 0
                var position = start
                while position < bytes.count,
                    let child = child(from: node, depth: position - start, bytes[position])
                {
                    position += 1
                    if nodes[child].tokenCount > 0, let rest = fewest[position],
                        rest + 1 < fewest[start] ?? .max
                    {
                        fewest[start] = rest + 1
                    }
                    node = child + 1
                }
            }
            return fewest[0]
        }

        /// The node for a byte among the siblings that begin at `node`, `depth` bytes below the root.
        private func child(from node: Int, depth: Int, _ byte: UInt8) -> Int? {
            var node = node
            while node < nodes.count, Int(nodes[node].depth) == depth + 1 {
                if nodes[node].byte == byte { return node }
                node = Int(nodes[node].skip)
            }
            return nil
        }
    }
}
