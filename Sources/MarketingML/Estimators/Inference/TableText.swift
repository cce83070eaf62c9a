import Foundation

/// Numbers and columns as tables of results show them.
enum TableText {
    /// A number to some significant digits.
    static func number(_ value: Double, digits: Int = 5) -> String {
        String(format: "%.\(digits)g", locale: nil, value)
    }

    /// A number to some decimals.
    static func fixed(_ value: Double, decimals: Int) -> String {
        String(format: "%.\(decimals)f", locale: nil, value)
    }

    /// A probability: four decimals, or the magnitude of a small one.
    static func probability(_ value: Double) -> String {
        value < 0.0001 ? String(format: "%.1e", locale: nil, value) : fixed(value, decimals: 4)
    }

    /// Lines of cells: the first column to the left, the others to the right.
    static func aligned(_ lines: [[String]]) -> String {
        let columns = lines.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            lines.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return lines.map { line in
            let cells = line.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }
            let text = cells.joined(separator: "  ")
            return String(text.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}
