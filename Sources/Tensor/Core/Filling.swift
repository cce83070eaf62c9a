extension UnsafeMutablePointer where Pointee: TensorScalar {
    /// Writes zeros to `count` elements: as bytes, since a generic loop takes a call an element.
    func clear(count: Int) {
        UnsafeMutableRawPointer(self).initializeMemory(
            as: UInt8.self, repeating: 0, count: count * MemoryLayout<Pointee>.stride)
    }

    /// Writes `value` to `count` elements: what is written already is copied, twice as much each time.
    func fill(with value: Pointee, count: Int) {
        guard count > 0 else { return }
        pointee = value
        var done = 1
        while done < count {
            let more = Swift.min(done, count - done)
            UnsafeMutableRawPointer(self + done).copyMemory(
                from: self, byteCount: more * MemoryLayout<Pointee>.stride)
            done += more
        }
    }
}
