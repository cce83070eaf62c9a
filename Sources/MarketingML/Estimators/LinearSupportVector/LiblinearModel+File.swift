#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

// The format: lines `key value…` in any order up to a line `w`, then one line a feature with the weights of all rows, and one
// more for the bias if it is not negative.
extension LiblinearModel {
    /// Reads a model that LIBLINEAR's `train` or `write` wrote.
    ///
    /// - Throws: `.fileNotFound`, `.inputOutput`, `.tooLarge`; `.unsupported` for a solver that is not known;
    ///   `.malformedFile` for anything that the format does not allow, with the line; `.notFinite`.
    public init(_ url: URL) throws {
        let path = url.path
        var lines = Lines(try InputFile.read(path), path: path)
        let header = try Header(&lines)
        let columns = header.rowCount
        let count = header.featureCount + (header.bias >= 0 ? 1 : 0)
        // A weight takes two bytes at least: what the header claims must fit into the file before room is made for it.
        let (needed, overflow) = count.multipliedReportingOverflow(by: 2 * columns)
        guard !overflow, needed <= lines.bytesLeft + 1 else {
            throw lines.malformed("\(count) rows of \(columns) weights do not fit into the rest of the file")
        }
        var weights = [[Double]](repeating: [], count: columns)
        for row in 0..<columns { weights[row].reserveCapacity(count) }
        for _ in 0..<count {
            guard let line = lines.next() else {
                throw lines.malformed("ends before all \(count) rows of weights")
            }
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count == columns else {
                throw lines.malformed("expected \(columns) weights, found \(fields.count)")
            }
            for (row, field) in fields.enumerated() {
                weights[row].append(try lines.number(field, "a weight"))
            }
        }
        while let line = lines.next() {
            guard line.allSatisfy({ $0 == UInt8(ascii: " ") }) else {
                throw lines.malformed("more than the \(count) rows of weights that the header announces")
            }
        }
        do {
            try self.init(
                solver: header.solver, labels: header.labels, featureCount: header.featureCount,
                bias: header.bias, weights: weights)
        } catch {
            throw MarketingMLError(error.code, error.message, at: .init(file: path))
        }
    }

    /// Writes the model so that LIBLINEAR's `predict` reads it, atomically. Numbers read back as the same bits.
    ///
    /// - Throws: `.inputOutput`.
    public func write(to url: URL) throws {
        var text = "solver_type \(solver.rawValue)\nnr_class \(solver.isRegression ? 2 : labels.count)\n"
        if !labels.isEmpty { text += "label " + labels.map { "\($0)" }.joined(separator: " ") + "\n" }
        text += "nr_feature \(featureCount)\nbias \(bias)\nw\n"
        for column in 0..<(weights.first?.count ?? 0) {
            for row in weights { text += "\(row[column]) " }
            text += "\n"
        }
        try AtomicFile.write(text, to: url.path)
    }

    /// What stands before the weights.
    private struct Header {
        var solver: Solver
        var labels: [Int] = []
        var featureCount: Int
        var bias: Double
        /// Weights a line.
        var rowCount: Int

        init(_ lines: inout Lines) throws {
            var solver: Solver?
            var classCount: Int?
            var featureCount: Int?
            var bias = -1.0
            while true {
                guard let line = lines.next() else { throw lines.malformed("ends before the line \"w\"") }
                var fields = line.split(separator: UInt8(ascii: " "))
                guard !fields.isEmpty else { throw lines.malformed("is empty") }
                let key = String(decoding: fields.removeFirst(), as: UTF8.self)
                if key == "w", fields.isEmpty { break }
                if key == "label" {
                    labels = try fields.map { field in try lines.integer(field, "a label") }
                    continue
                }
                guard fields.count == 1, let value = fields.first else {
                    throw lines.malformed("expected \"\(key)\" and one value, found \(fields.count)")
                }
                switch key {
                case "solver_type":
                    let name = String(decoding: value, as: UTF8.self)
                    solver = Solver(rawValue: name)
                    guard solver != nil else {
                        throw MarketingMLError(
                            .unsupported, "the solver \(name) is not known", at: lines.location)
                    }
                case "nr_class": classCount = try lines.integer(value, key)
                case "nr_feature": featureCount = try lines.integer(value, key)
                case "bias": bias = try lines.number(value, key)
                default: throw lines.malformed("\"\(key)\" is no part of the format")
                }
            }
            guard let solver, let classCount, let featureCount else {
                throw lines.malformed("solver_type, nr_class and nr_feature must stand before \"w\"")
            }
            guard featureCount > 0, featureCount < Int(Int32.max), classCount >= 2, classCount <= 1 << 20,
                bias.isFinite
            else {
                throw lines.malformed(
                    "nr_feature \(featureCount), nr_class \(classCount) and bias \(bias): at least 1, at least 2, finite"
                )
            }
            guard labels.count == (solver.isRegression ? 0 : classCount) else {
                throw lines.malformed(
                    "\(labels.count) labels for \(classCount) classes of \(solver.rawValue)")
            }
            (self.solver, self.featureCount, self.bias) = (solver, featureCount, bias)
            rowCount = LiblinearModel.rows(solver, classCount: labels.count)
        }
    }

    /// The lines of a file, one after the other.
    private struct Lines {
        private let bytes: [UInt8]
        private let path: String
        private var position = 0
        private var line = 0

        init(_ bytes: [UInt8], path: String) {
            self.bytes = bytes
            self.path = path
        }

        var bytesLeft: Int { bytes.count - position }
        var location: MarketingMLError.Location { .init(file: path, row: max(1, line)) }

        mutating func next() -> ArraySlice<UInt8>? {
            guard position < bytes.count else { return nil }
            let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            var result = bytes[position..<end]
            if result.last == UInt8(ascii: "\r") { result.removeLast() }
            position = end + 1
            line += 1
            return result
        }

        func malformed(_ message: String) -> MarketingMLError {
            MarketingMLError(.malformedFile, message, at: location)
        }

        func number(_ field: ArraySlice<UInt8>, _ what: String) throws(MarketingMLError) -> Double {
            let text = String(decoding: field, as: UTF8.self)
            guard let value = Double(text) else { throw malformed("expected \(what), found \"\(text)\"") }
            guard value.isFinite else {
                throw MarketingMLError(.notFinite, "\(what) is \(text); it must be finite", at: location)
            }
            return value
        }

        func integer(_ field: ArraySlice<UInt8>, _ what: String) throws(MarketingMLError) -> Int {
            let text = String(decoding: field, as: UTF8.self)
            guard let value = Int(text) else {
                throw malformed("expected \(what), a whole number, found \"\(text)\"")
            }
            return value
        }
    }
}

extension LinearSupportVectorModel where Label == Int {
    /// Takes the weights of a model that LIBLINEAR trained. It says nothing of how the solver ended: the reports name it, say
    /// `.exact` and hold zeros.
    ///
    /// - Throws: `.unsupported` for a regression.
    public init(_ model: LiblinearModel) throws {
        guard !model.solver.isRegression else {
            throw MarketingMLError(.unsupported, "a model of \(model.solver.rawValue) is a regression")
        }
        let classes = model.classes
        let order = try classes.indices(of: model.labels)
        var rows = Array(model.weights.indices)
        var sign = 1.0
        if model.weights.count == 1 {
            sign = order[0] == 1 ? 1 : -1
        } else {
            for (row, place) in order.enumerated() { rows[place] = row }
        }
        let report = SolverReport(
            solver: model.solver.rawValue, stopReason: .exact, iterations: 0, objective: 0, violation: 0)
        self.init(
            classes: classes, featureCount: model.featureCount,
            coefficients: rows.flatMap { row in
                model.weights[row].prefix(model.featureCount).map { sign * $0 }
            },
            intercepts: rows.map { sign * model.intercept(row: $0) }, reports: rows.map { _ in report })
    }
}
