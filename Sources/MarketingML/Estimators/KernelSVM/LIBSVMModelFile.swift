#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Tensor

/// A model in LIBSVM's text format: lines of a name and its values, then a line a support vector: its coefficients and its
/// elements as `column:value`, columns from 1; for a precomputed kernel `0:n`, the number of its training example.
///
/// Signs are LIBSVM's here: a positive decision value favours the first class of a pair.
struct LIBSVMModelFile {
    enum Machine: String {
        case classification = "c_svc"
        case nuClassification = "nu_svc"
        case oneClass = "one_class"
        case regression = "epsilon_svr"
        case nuRegression = "nu_svr"
    }

    var machine: Machine
    /// nil for a precomputed kernel.
    var function: KernelFunction?
    /// The classes' numbers; empty for machines without classes.
    var labels: [Int] = []
    /// How many support vectors each class has; one number for machines without classes.
    var counts: [Int]
    /// ρ of each pair.
    var rho: [Double]
    /// Coefficients: a row for each other class, of a number for each support vector.
    var coefficients: [[Double]]
    /// Elements of each support vector: columns from 0, increasing; for a precomputed kernel empty.
    var rows: [[(column: Int, value: Double)]]
    /// For a precomputed kernel: the training example of each support vector, from 0.
    var indices: [Int] = []

    // MARK: Reading

    /// The most features or examples that a file may speak of.
    private static var largestColumn: Int { 1 << 30 }

    /// - Throws: `.fileNotFound`, `.inputOutput`, `.malformedFile`, `.notFinite`, `.unsupported`, all with the line.
    init(_ url: URL) throws(MarketingMLError) {
        let bytes = try InputFile.read(url.path)
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        func error(
            _ message: String, line: Int? = nil, name: String? = nil,
            _ code: MarketingMLError.Code = .malformedFile
        ) -> MarketingMLError {
            MarketingMLError(code, message, at: .init(file: url.path, row: line.map { $0 + 1 }, name: name))
        }

        var header: [String: (values: [Substring], line: Int)] = [:]
        var start = 0
        while true {
            guard start < lines.count else { throw error("ends before the line SV") }
            let text = String(decoding: lines[start], as: UTF8.self)
            let words = text.split(whereSeparator: \.isWhitespace)
            start += 1
            guard let name = words.first else {
                throw error("an empty line before the line SV", line: start - 1)
            }
            if name == "SV" { break }
            guard header.updateValue((Array(words.dropFirst()), start - 1), forKey: String(name)) == nil
            else {
                throw error("occurs twice", line: start - 1, name: String(name))
            }
        }
        func numbers(_ name: String, _ count: Int) throws(MarketingMLError) -> [Double] {
            guard let entry = header[name] else { throw error("is missing", name: name) }
            let values = entry.values.compactMap { Double($0) }
            guard values.count == entry.values.count, values.count == count else {
                throw error("expected \(count) numbers, found \(entry.values)", line: entry.line, name: name)
            }
            guard values.allSatisfy(\.isFinite) else {
                throw error("is not finite: \(entry.values)", line: entry.line, name: name, .notFinite)
            }
            return values
        }
        func counts(_ name: String, _ count: Int) throws(MarketingMLError) -> [Int] {
            guard let entry = header[name] else { throw error("is missing", name: name) }
            let values = entry.values.compactMap { Int($0) }
            guard values.count == entry.values.count, values.count == count else {
                throw error(
                    "expected \(count) whole numbers, found \(entry.values)", line: entry.line, name: name)
            }
            return values
        }
        func word(_ name: String) throws(MarketingMLError) -> (text: String, line: Int) {
            guard let entry = header[name] else { throw error("is missing", name: name) }
            guard entry.values.count == 1 else {
                throw error("expected one word, found \(entry.values)", line: entry.line, name: name)
            }
            return (String(entry.values[0]), entry.line)
        }

        let kind = try word("svm_type")
        guard let machine = Machine(rawValue: kind.text) else {
            throw error(
                "\"\(kind.text)\" is none of LIBSVM's machines", line: kind.line, name: "svm_type",
                .unsupported)
        }
        self.machine = machine
        let kernel = try word("kernel_type")
        switch kernel.text {
        case "linear": function = .linear
        case "rbf": function = .rbf(gamma: try numbers("gamma", 1)[0])
        case "polynomial":
            function = .polynomial(
                degree: try counts("degree", 1)[0], gamma: try numbers("gamma", 1)[0],
                constant: try numbers("coef0", 1)[0])
        case "sigmoid":
            function = .sigmoid(gamma: try numbers("gamma", 1)[0], constant: try numbers("coef0", 1)[0])
        case "precomputed": function = nil
        default:
            throw error(
                "\"\(kernel.text)\" is none of LIBSVM's kernels", line: kernel.line, name: "kernel_type",
                .unsupported)
        }
        do {
            _ = try function.map { SupportVectorKernel($0) }?.function()
        } catch {
            throw MarketingMLError(
                .unsupported, error.description,
                at: .init(file: url.path, row: kernel.line + 1, name: "kernel_type"))
        }

        let total = try counts("total_sv", 1)[0]
        let classCount = try counts("nr_class", 1)[0]
        guard 0...bytes.count ~= total else {
            throw error("is \(total), the file is smaller", name: "total_sv")
        }
        // A pair of classes has a number in the file.
        guard 2...bytes.count ~= classCount, classCount * (classCount - 1) / 2 <= bytes.count else {
            throw error("is \(classCount), the file is smaller", name: "nr_class")
        }
        let hasClasses = machine == .classification || machine == .nuClassification
        guard hasClasses || classCount == 2 else {
            throw error("is \(classCount), expected 2", name: "nr_class")
        }
        rho = try numbers("rho", hasClasses ? classCount * (classCount - 1) / 2 : 1)
        if hasClasses {
            labels = try counts("label", classCount)
            guard Set(labels).count == classCount else { throw error("a label occurs twice", name: "label") }
            self.counts = try counts("nr_sv", classCount)
            // Each at most the total first, so that the sum cannot overflow.
            guard self.counts.allSatisfy({ 0...total ~= $0 }), self.counts.reduce(0, +) == total else {
                throw error("\(self.counts) are not \(total) together", name: "nr_sv")
            }
        } else {
            self.counts = [total]
        }

        let kinds = hasClasses ? classCount - 1 : 1
        coefficients = [[Double]](repeating: [], count: kinds)
        rows = []
        for line in lines[start...].indices {
            let words = String(decoding: lines[line], as: UTF8.self).split(whereSeparator: \.isWhitespace)
            if words.isEmpty { continue }
            guard rows.count < total else { throw error("more than \(total) support vectors", line: line) }
            guard words.count >= kinds else {
                throw error("expected \(kinds) coefficients, found \(words.count)", line: line)
            }
            for (kind, word) in words.prefix(kinds).enumerated() {
                guard let value = Double(word), value.isFinite else {
                    throw error("coefficient \"\(word)\" is no finite number", line: line)
                }
                coefficients[kind].append(value)
            }
            var row: [(column: Int, value: Double)] = []
            for word in words.dropFirst(kinds) {
                let parts = word.split(separator: ":", omittingEmptySubsequences: false)
                guard parts.count == 2, let column = Int(parts[0]), let value = Double(parts[1]),
                    value.isFinite,
                    0...Self.largestColumn ~= column
                else { throw error("\"\(word)\" is no column:value with a finite value", line: line) }
                if function == nil {
                    // What follows the number in a file of old are the kernel values, which nobody needs.
                    guard row.isEmpty, column == 0 else { continue }
                    guard value == value.rounded(), 1...Double(Self.largestColumn) ~= value else {
                        throw error("\"\(word)\" is no number of a training example", line: line)
                    }
                    indices.append(Int(value) - 1)
                    row.append((0, value))
                } else {
                    guard column >= 1, column - 1 > row.last?.column ?? -1 else {
                        throw error("columns must increase from 1 on, found \"\(word)\"", line: line)
                    }
                    row.append((column - 1, value))
                }
            }
            rows.append(row)
            guard function != nil || indices.count == rows.count else {
                throw error("expected 0: and the number of a training example", line: line)
            }
        }
        guard rows.count == total else {
            throw error("expected \(total) support vectors, found \(rows.count)")
        }
    }

    /// The support vectors as an expansion, their classes in another order.
    ///
    /// - Parameters:
    ///   - order: For each class of the result its place in the file.
    ///   - featureCount: D; nil for the largest column that occurs.
    /// - Throws: `.shapeMismatch` for a column beyond `featureCount`; `.tooLarge`.
    func expansion(order: [Int], featureCount: Int?, url: URL) throws(MarketingMLError)
        -> SupportVectorExpansion
    {
        let largest =
            function == nil ? (indices.max() ?? 0) : rows.reduce(0) { max($0, $1.last?.column ?? 0) }
        let width = featureCount ?? largest + 1
        guard width > largest, width <= Self.largestColumn + 1 else {
            throw MarketingMLError(
                .shapeMismatch, "uses column \(largest + 1), expected at most \(width)",
                at: .init(file: url.path))
        }
        let starts = counts.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
        let places = order.flatMap { Array(starts[$0]..<starts[$0 + 1]) }
        var result = [[Double]](repeating: [], count: coefficients.count)
        for (place, old) in order.enumerated() {
            for row in 0..<coefficients.count {
                // Positive favours the second class of the new pair; in the file, the first of the old one.
                let other = row < place ? row : row + 1
                let otherOld = order.count > 1 ? order[other] : 0
                let oldRow = order.count > 1 ? (otherOld < old ? otherOld : otherOld - 1) : 0
                let flips = order.count > 1 && (place < other) == (old < otherOld)
                result[row] += coefficients[oldRow][starts[old]..<starts[old + 1]].map { flips ? -$0 : $0 }
            }
        }
        return try SupportVectorExpansion(
            function: function, featureCount: width, vectors: function == nil ? nil : vectors(places, width),
            indices: places.compactMap { function == nil ? indices[$0] : nil }, coefficients: result,
            segments: order.reduce(into: [0]) { $0.append(($0.last ?? 0) + counts[$1]) })
    }

    /// b of each pair of the new order, favouring the second class.
    func intercepts(order: [Int]) -> [Double] {
        guard order.count > 1 else { return rho.map { -$0 } }
        let count = order.count
        return (0..<count).flatMap { first in
            (first + 1..<count).map { second in
                let (a, b) = (min(order[first], order[second]), max(order[first], order[second]))
                // Pairs before those of class a, then those before b.
                let value = rho[a * (2 * count - a - 1) / 2 + b - a - 1]
                return order[first] < order[second] ? value : -value
            }
        }
    }

    /// Dense in double precision unless that is much larger than what is stored.
    private func vectors(_ places: [Int], _ width: Int) throws(MarketingMLError) -> Features {
        let stored = places.reduce(0) { $0 + rows[$1].count }
        if places.count * width <= max(1 << 20, 4 * stored) {
            var dense = Tensor<Double>.zeros([places.count, width])
            dense.withUnsafeMutableElements { elements in
                for (row, place) in places.enumerated() {
                    for (column, value) in rows[place] { elements[row * width + column] = value }
                }
            }
            return .double(dense)
        }
        return .sparse(
            try SparseMatrix(
                rowCount: places.count, columnCount: width,
                rowOffsets: places.reduce(into: [0]) { $0.append(($0.last ?? 0) + rows[$1].count) },
                columnIndices: places.flatMap { rows[$0].map { Int32($0.column) } },
                values: places.flatMap { rows[$0].map { Float($0.value) } }))
    }

    // MARK: Writing

    /// - Parameters:
    ///   - labels: The classes' numbers; empty for a machine without classes.
    init(
        _ machine: Machine, _ expansion: SupportVectorExpansion, labels: [Int], intercepts: [Double]
    ) throws(MarketingMLError) {
        self.machine = machine
        function = try expansion.kernel.function()
        self.labels = labels
        counts = zip(expansion.segments.dropFirst(), expansion.segments).map { $0 - $1 }
        let sign: Double = labels.isEmpty ? 1 : -1
        rho = intercepts.map { -sign * $0 }
        coefficients = expansion.coefficients.map { $0.map { sign * $0 } }
        indices = function == nil ? expansion.indices : []
        switch expansion.vectors {
        case .float(let matrix): rows = Self.rows(matrix)
        case .double(let matrix): rows = Self.rows(matrix)
        case .sparse(let matrix):
            rows = (0..<matrix.rowCount).map { row in
                (matrix.rowOffsets[row]..<matrix.rowOffsets[row + 1]).map {
                    (Int(matrix.columnIndices[$0]), Double(matrix.values[$0]))
                }
            }
        case nil: rows = [[(column: Int, value: Double)]](repeating: [], count: expansion.count)
        }
    }

    private static func rows<Scalar: TensorFloatingPoint>(
        _ matrix: Tensor<Scalar>
    ) -> [[(column: Int, value: Double)]] {
        let width = matrix.shape[1]
        return matrix.withUnsafeElements { elements in
            (0..<matrix.shape[0]).map { row in
                (0..<width).compactMap { column in
                    let value = elements[row * width + column]
                    return value == 0 ? nil : (column, Double(value))
                }
            }
        }
    }

    /// - Throws: `.inputOutput`.
    func write(to url: URL) throws {
        func list(_ values: [some Any]) -> String { values.map { "\($0)" }.joined(separator: " ") }
        try AtomicFile.write(to: url.path) { file in
            var text = "svm_type \(machine.rawValue)\nkernel_type "
            switch function {
            case .linear: text += "linear\n"
            case .rbf(let gamma): text += "rbf\ngamma \(gamma)\n"
            case .polynomial(let degree, let gamma, let constant):
                text += "polynomial\ndegree \(degree)\ngamma \(gamma)\ncoef0 \(constant)\n"
            case .sigmoid(let gamma, let constant): text += "sigmoid\ngamma \(gamma)\ncoef0 \(constant)\n"
            case nil: text += "precomputed\n"
            }
            text += "nr_class \(max(2, labels.count))\ntotal_sv \(rows.count)\nrho \(list(rho))\n"
            if !labels.isEmpty { text += "label \(list(labels))\nnr_sv \(list(counts))\n" }
            try file.write(text + "SV\n")
            for (place, row) in rows.enumerated() {
                var line = list(coefficients.map { $0[place] }) + " "
                line += function == nil ? "0:\(indices[place] + 1) " : ""
                for (column, value) in row { line += "\(column + 1):\(value) " }
                try file.write(line + "\n")
            }
        }
    }
}
