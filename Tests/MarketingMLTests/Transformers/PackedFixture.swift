import MarketingML

extension SafeTensorsFile {
    /// The rows stored as `ids`, `token_types` and `lengths`, one behind the other.
    func packedRows() throws -> TokenBatch {
        let ids = try integers("ids").elements.map { Int32($0) }
        let types = try integers("token_types").elements.map { Int32($0) }
        var batch = TokenBatch()
        var start = 0
        for length in try integers("lengths").elements.map({ Int($0) }) {
            batch.append(Array(ids[start..<start + length]), typeIDs: Array(types[start..<start + length]))
            start += length
        }
        return batch
    }
}
