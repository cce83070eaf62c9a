import Tensor

extension Table {
    /// A column of a table: numbers, or texts that are stored once for all rows that have the same.
    public struct Column: Sendable, Equatable {
        /// What a column holds.
        public enum Kind: String, Sendable, Codable {
            /// Finite numbers.
            case numeric
            /// Texts.
            case text
        }

        enum Values: Sendable {
            /// NaN where the number is missing.
            case numbers([Double])
            /// -1 where the text is missing, else its place in `levels`.
            case texts(codes: [Int32], levels: [String])
        }

        /// The column's name.
        public let name: String
        let values: Values

        init(_ name: String, _ values: Values) {
            self.name = name
            self.values = values
        }

        /// A column of numbers; NaN stands for one that is missing.
        ///
        /// - Throws: `.notFinite` for an infinite number.
        public init(_ name: String, _ numbers: [Double]) throws(MarketingMLError) {
            if let row = numbers.firstIndex(where: { $0.isInfinite }) {
                throw MarketingMLError(.notFinite, "is \(numbers[row])", at: .init(row: row + 1, name: name))
            }
            self.init(name, .numbers(numbers))
        }

        /// A column of texts; nil stands for one that is missing.
        public init(_ name: String, _ texts: [String?]) {
            var table = ByteTable()
            let codes = texts.map { text in text.map { table.insert($0) } ?? -1 }
            self.init(name, .texts(codes: codes, levels: table.texts))
        }

        /// What the column holds.
        public var kind: Kind {
            switch values {
            case .numbers: .numeric
            case .texts: .text
            }
        }

        /// The number of rows.
        public var count: Int {
            switch values {
            case .numbers(let numbers): numbers.count
            case .texts(let codes, _): codes.count
            }
        }

        /// How many values are missing.
        public var missingCount: Int {
            switch values {
            case .numbers(let numbers): numbers.count { $0.isNaN }
            case .texts(let codes, _): codes.count { $0 < 0 }
            }
        }

        /// The numbers; NaN where one is missing.
        ///
        /// - Throws: `.unsupported` for a column of texts.
        public func numbers() throws(MarketingMLError) -> [Double] {
            guard case .numbers(let numbers) = values else {
                throw MarketingMLError(
                    .unsupported, "holds texts, expected numbers; the first is \"\(text(at: 0) ?? "")\"",
                    at: .init(name: name))
            }
            return numbers
        }

        /// The numbers of a column that misses none: what a target must be.
        ///
        /// - Throws: `.unsupported` for a column of texts; `.notFinite` with the row of a missing number.
        public func presentNumbers() throws(MarketingMLError) -> [Double] {
            let numbers = try numbers()
            if let row = numbers.firstIndex(where: { $0.isNaN }) {
                throw MarketingMLError(
                    .notFinite, "the number is missing", at: .init(row: row + 1, name: name))
            }
            return numbers
        }

        /// The texts, nil where one is missing; numbers as they are written in decimal, whole ones without a point.
        public func texts() -> [String?] { (0..<count).map { text(at: $0) } }

        /// The texts of a column that misses none: the labels of a classification.
        ///
        /// - Throws: `.emptyData` with the row of a missing label.
        public func labels() throws(MarketingMLError) -> [String] {
            var labels: [String] = []
            labels.reserveCapacity(count)
            for row in 0..<count {
                guard let text = text(at: row) else {
                    throw MarketingMLError(
                        .emptyData, "the label is missing", at: .init(row: row + 1, name: name))
                }
                labels.append(text)
            }
            return labels
        }

        /// One row's text, as `texts` has it.
        func text(at row: Int) -> String? {
            switch values {
            case .numbers(let numbers): numbers[row].isNaN ? nil : decimalText(numbers[row])
            case .texts(let codes, let levels): codes[row] < 0 ? nil : levels[Int(codes[row])]
            }
        }

        /// The distinct values that occur, each as text, and which of them each row has (-1: missing).
        func levels() -> (codes: [Int32], levels: [String]) {
            switch values {
            case .texts(let codes, let levels): return (codes, levels)
            case .numbers(let numbers):
                var known: [Double: Int32] = [:]
                var levels: [String] = []
                let codes = numbers.map { number -> Int32 in
                    guard !number.isNaN else { return -1 }
                    if let code = known[number] { return code }
                    let code = Int32(levels.count)
                    known[number] = code
                    levels.append(decimalText(number))
                    return code
                }
                return (codes, levels)
            }
        }

        func rows(_ rows: [Int]) -> Column {
            switch values {
            case .numbers(let numbers): Column(name, .numbers(rows.map { numbers[$0] }))
            case .texts(let codes, let levels):
                Column(name, .texts(codes: rows.map { codes[$0] }, levels: levels))
            }
        }

        /// Same name and same values: NaN equals NaN, and texts are compared byte by byte, wherever they are stored.
        public static func == (a: Column, b: Column) -> Bool {
            guard a.name == b.name, a.count == b.count else { return false }
            switch (a.values, b.values) {
            case (.numbers(let a), .numbers(let b)):
                return zip(a, b).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
            case (.texts, .texts):
                return (0..<a.count).allSatisfy { row in
                    switch (a.text(at: row), b.text(at: row)) {
                    case (nil, nil): true
                    case (let a?, let b?): a.utf8.elementsEqual(b.utf8)
                    default: false
                    }
                }
            default: return false
            }
        }
    }
}

/// A number in decimal, whole ones without a point.
func decimalText(_ number: Double) -> String {
    Int(exactly: number).map { $0.magnitude < 1 << 53 ? "\($0)" : "\(number)" } ?? "\(number)"
}
