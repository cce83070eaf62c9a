import CTensorKernels
import Tensor
import TestSupport
import Testing

/// Fields and numbers against the plain references, on random texts of the bytes that matter.
@Suite struct DelimitedKernelTests {
    private struct Scanned: Equatable {
        var fields: [[UInt32]]
        var rows: Int
        var used: Int
        var lines: Int
        var status: Int32
        var lastFields: Int
        var errorOffset: Int
    }

    private func scan(
        _ bytes: [UInt8], quotes: Bool, isLast: Bool, columns: Int, maximumRows: Int, reference: Bool
    ) -> Scanned {
        let padded = bytes + [UInt8](repeating: 0x22, count: 64)
        let unused = mml_field(start: 7, length: 7)
        var fields = [mml_field](repeating: unused, count: bytes.count + 2)
        return fields.withUnsafeMutableBufferPointer { buffer in
            var scan = mml_scan()
            scan.separator = UInt8(ascii: ",")
            scan.allows_quotes = quotes ? 1 : 0
            scan.is_last = isLast ? 1 : 0
            scan.columns = columns
            scan.max_rows = maximumRows
            scan.fields = buffer.baseAddress
            padded.withUnsafeBufferPointer {
                if reference {
                    mml_reference_scan_fields($0.baseAddress, bytes.count, &scan)
                } else {
                    mml_scan_fields($0.baseAddress, bytes.count, &scan)
                }
            }
            #expect(buffer.last?.start == 7, "written beyond the end")
            let failed = scan.status != 0
            return Scanned(
                fields: buffer[..<scan.field_count].map { [$0.start, $0.length] }, rows: scan.rows,
                used: scan.used, lines: scan.lines, status: scan.status,
                lastFields: scan.status == Int32(MML_SCAN_RAGGED.rawValue) ? scan.last_fields : 0,
                errorOffset: failed ? scan.error_offset : 0)
        }
    }

    @Test func fieldsAsTheReference() {
        var random = SeededGenerator(seed: 11)
        for round in 0..<20_000 {
            let rare =
                random.next(below: 3) == 0 ? Array(",\n\r\"x".utf8) : Array(",,\n\r\"xyzxyzabc12\u{E9}".utf8)
            let bytes = (0..<random.next(below: 140)).map { _ in rare[random.next(below: rare.count)] }
            let quotes = random.next(below: 2) == 0
            let isLast = random.next(below: 2) == 0
            let columns = random.next(below: 4)
            let rows = random.next(below: 3) == 0 ? 1 + random.next(below: 4) : -1
            let (actual, expected) = (
                scan(
                    bytes, quotes: quotes, isLast: isLast, columns: columns, maximumRows: rows,
                    reference: false),
                scan(
                    bytes, quotes: quotes, isLast: isLast, columns: columns, maximumRows: rows,
                    reference: true)
            )
            #expect(
                actual == expected,
                "round \(round): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
            if actual != expected { break }
        }
    }

    private func parse<Scalar: TensorFloatingPoint>(_ text: String, as type: Scalar.Type) -> Scalar? {
        let bytes = Array(text.utf8) + Array(",123456789012345".utf8)
        let field = mml_field(start: 0, length: UInt32(text.utf8.count))
        var value = Scalar.nan
        let kind = MemoryLayout<Scalar>.size == 4 ? MML_F32 : MML_F64
        let done = withUnsafePointer(to: field) { field in
            bytes.withUnsafeBufferPointer {
                mml_parse_numbers(kind, 1, $0.baseAddress, field, 1, Int32(UInt8(ascii: ".")), &value, 1)
            }
        }
        return done == 1 ? value : nil
    }

    @Test(arguments: [
        "0", "-0", "1", "-1.5", "+2", ".5", "5.", "1e5", "1E-5", "123456.789", "9007199254740992",
        "0.1", "0.30000000000000004", "2.2250738585072014e-20", "1.7976931348623157e27",
        "9007199254740993e0", "9007199254740993.0", "9007199254740991.5", "1234567890123456789e-19",
        "9999999999999999999e-27", "9999999999999999999e27", "1e22", "1e23", "8.5e22", "0.500000029802322388",
        "1.00000017881393432617187499", "16777217", "16777217.0", "33554431.5e0", "3.4028235e38", "1e-45",
        "7e-46",
        "12345678", "1234567.8", ".12345678", "12345678.", "+.5", "-1.", "123456789", "12345678.9",
        "-00000001", "40962306",
        "000000000000000000001.5", "0e999", "123456789012345678901234567890",
    ])
    func hardNumbersAreRoundedCorrectlyOrLeft(_ text: String) throws {
        if let value = parse(text, as: Double.self) { #expect(value == Double(text), "\(text)") }
        if let value = parse(text, as: Float.self) { #expect(value == Float(text), "\(text)") }
    }

    @Test(arguments: [
        "", ".", "-", "+", "e5", "1e", "1e+", "--1", "1.2.3", "1,5", "0x10", "inf", "nan", "1 ", " 1",
        "1e5.0", "1_0", "١", "5x", "x5", "5.x", "1;5", "1234567:", "-", "+.", "12345678x", "12/4", "1.5.",
        "..1",
    ])
    func whatIsNoNumberIsLeft(_ text: String) {
        let value = parse(text, as: Double.self)
        #expect(text.isEmpty ? value?.isNaN == true : value == nil, "\(text): \(value ?? 0)")
    }

    /// Fields of keys of every length and alignment, some with doubled quotes, against a dictionary.
    @Test func fieldsAreFoundAsInADictionary() {
        var random = SeededGenerator(seed: 14)
        func key(_ number: Int) -> [UInt8] {
            (0..<number % 41).map { UInt8(ascii: "a") + UInt8((number / 41 + $0 * $0) % 26) }
                + Array("\(number)".utf8)
        }
        var table = ByteTable()
        var numbers: [[UInt8]: Int32] = [:]
        for number in 0..<3000 {
            numbers[key(number)] = key(number).withUnsafeBufferPointer { table.insert($0) }
        }
        numbers[[]] = table.insert("")
        numbers[Array("say \"\"".utf8)] = table.insert("say \"\"")
        #expect(table.count == 3002)
        for _ in 0..<3000 {
            let wanted = key(random.next(below: 6000))
            #expect(wanted.withUnsafeBufferPointer { table.find($0) } == numbers[wanted])
        }
        #expect(table.find("") == 3000 && table.find("say \"\"") == 3001 && table.find("say \"") == nil)
    }

    @Test func randomNumbersAreRoundedCorrectly() {
        var random = SeededGenerator(seed: 12)
        var left = 0
        for _ in 0..<200_000 {
            let digits = 1 + random.next(below: 19)
            var text = random.next(below: 2) == 0 ? "-" : ""
            let point = random.next(below: digits + 1)
            for place in 0..<digits {
                if place == point { text += "." }
                text += "\(random.next(below: 10))"
            }
            if random.next(below: 2) == 0 { text += "e\(random.next(below: 60) - 30)" }
            if let value = parse(text, as: Double.self) {
                #expect(value == Double(text), "\(text)")
            } else {
                left += 1
            }
            if let value = parse(text, as: Float.self) { #expect(value == Float(text), "\(text)") }
        }
        #expect(left < 40_000)
    }

    /// Doubles that lie on or next to the middle between two floats, in all their digits.
    @Test func middlesBetweenFloats() {
        var random = SeededGenerator(seed: 13)
        for _ in 0..<20_000 {
            let float = Float(bitPattern: UInt32(0x3000_0000 + random.next(below: 0x2000_0000)))
            let middle = Double(bitPattern: Double(float).bitPattern | 0x1000_0000)
            for text in ["\(middle)", "\(middle.nextUp)", "\(middle.nextDown)"] {
                if let value = parse(text, as: Float.self) { #expect(value == Float(text), "\(text)") }
                if let value = parse(text, as: Double.self) { #expect(value == Double(text), "\(text)") }
            }
        }
    }
}
