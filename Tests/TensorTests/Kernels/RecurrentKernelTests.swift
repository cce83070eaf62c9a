import CTensorKernels
import Testing

/// Recurrent cells against the plain reference: every cell, odd sizes, sequences of length 0, 1 and more.
@Suite struct RecurrentKernelTests {
    static let cells = [
        MML_CELL_TANH, MML_CELL_RELU, MML_CELL_LSTM, MML_CELL_GRU, MML_CELL_GRU_RESET_BEFORE,
    ]
    static let units = [1, 2, 3, 5, 7, 8, 16, 19, 33]

    /// Sequences of one slice with everything that a pass reads and writes.
    final class Problem<Scalar: KernelScalar> {
        static var order: [Int] { [6, 3, 4, 0, 5, 2, 1] }
        static var offsets: [Int] { [0, 3, 3, 4, 9, 14, 16, 23] }
        let cell: mml_cell, units: Int, gates: Int
        var sequences: Int { Self.order.count }
        var rows: Int { 23 }
        let weight: Guarded<Scalar>, gate: Guarded<Scalar>, cells: Guarded<Scalar>, previous: Guarded<Scalar>
        let outputs: Guarded<Scalar>, hidden: Guarded<Scalar>, state: Guarded<Scalar>, bias: Guarded<Scalar>
        let mask: Guarded<Scalar>, initialHidden: Guarded<Scalar>, initialState: Guarded<Scalar>
        let dOutputs: Guarded<Scalar>, dHidden: Guarded<Scalar>, dState: Guarded<Scalar>
        let dInitialHidden: Guarded<Scalar>, dInitialState: Guarded<Scalar>

        init(_ cell: mml_cell, _ units: Int) {
            (self.cell, self.units) = (cell, units)
            gates = cell == MML_CELL_LSTM ? 4 : cell.rawValue >= MML_CELL_GRU.rawValue ? 3 : 1
            var numbers = TestNumbers(units)
            let (rows, sequences) = (23, 7)
            weight = Guarded(numbers.array(gates * units * units, 0.5))
            gate = Guarded(numbers.array(rows * gates * units, 1))
            (bias, mask) = (Guarded(numbers.array(units, 1)), Guarded(numbers.array(sequences * units, 1)))
            initialHidden = Guarded(numbers.array(sequences * units, 1))
            initialState = Guarded(numbers.array(sequences * units, 1))
            dOutputs = Guarded(numbers.array(rows * units, 1))
            dHidden = Guarded(numbers.array(sequences * units, 1))
            dState = Guarded(numbers.array(sequences * units, 1))
            func empty(_ count: Int) -> Guarded<Scalar> { Guarded([Scalar](repeating: 5, count: count)) }
            (cells, previous, outputs) = (empty(rows * units), empty(rows * units), empty(rows * units))
            (hidden, state) = (empty(sequences * units), empty(sequences * units))
            (dInitialHidden, dInitialState) = (empty(sequences * units), empty(sequences * units))
        }

        func packed(_ rows: Range<Int>, transposed: Bool) -> Guarded<Scalar> {
            let part = Guarded(Array(weight.values[rows.lowerBound * units..<rows.upperBound * units]))
            let (k, n) = transposed ? (units, rows.count) : (rows.count, units)
            return GemmTests.packed(
                part, k, n, transposed ? .init(row: 1, column: units) : .init(row: units, column: 1))
        }

        /// Runs both passes by the kernels or by the reference; `options` turns on what a call may leave out.
        func run(reference: Bool, options: Int) {
            let before = cell == MML_CELL_GRU_RESET_BEFORE
            let first = 0..<(before ? 2 : gates) * units
            let rest = before ? 2 * units..<3 * units : 0..<0
            let scratch = Guarded(
                [Scalar](
                    repeating: .nan,
                    count: mml_recurrent_scratch(
                        Scalar.mmlType, Int32(cell.rawValue), sequences, units)))
            Self.order.withUnsafeBufferPointer { order in
                Self.offsets.withUnsafeBufferPointer { offsets in
                    var r = mml_recurrent()
                    (r.cell, r.units, r.sequences) = (Int32(cell.rawValue), units, sequences)
                    (r.order, r.offsets) = (order.baseAddress, offsets.baseAddress)
                    r.reversed = Int32(options & 1)
                    if options & 2 != 0, cell == MML_CELL_GRU {
                        r.candidate_bias = UnsafeRawPointer(bias.pointer)
                    }
                    if options & 4 != 0 { r.mask = UnsafeRawPointer(mask.pointer) }
                    if options & 8 != 0 {
                        r.initial_hidden = UnsafeRawPointer(initialHidden.pointer)
                        if cell == MML_CELL_LSTM {
                            r.initial_state = UnsafeRawPointer(initialState.pointer)
                        }
                    }
                    r.gates = UnsafeMutableRawPointer(gate.pointer)
                    if gates > 1 { r.cells = UnsafeMutableRawPointer(cells.pointer) }
                    r.previous = UnsafeMutableRawPointer(previous.pointer)
                    r.outputs = UnsafeMutableRawPointer(outputs.pointer)
                    r.final_hidden = UnsafeMutableRawPointer(hidden.pointer)
                    if cell == MML_CELL_LSTM { r.final_state = UnsafeMutableRawPointer(state.pointer) }
                    r.d_initial_hidden = UnsafeMutableRawPointer(dInitialHidden.pointer)
                    r.d_initial_state = UnsafeMutableRawPointer(dInitialState.pointer)
                    for backward in [false, true] {
                        let main = packed(first, transposed: !backward)
                        let candidate = packed(rest, transposed: !backward)
                        r.recurrent = UnsafeRawPointer(main.pointer)
                        r.candidate = UnsafeRawPointer(candidate.pointer)
                        if backward {
                            r.outputs = options & 2 != 0 ? UnsafeMutableRawPointer(dOutputs.pointer) : nil
                            r.final_hidden = UnsafeMutableRawPointer(dHidden.pointer)
                            r.final_state = UnsafeMutableRawPointer(dState.pointer)
                        }
                        let call =
                            backward
                            ? (reference ? mml_reference_recurrent_backward : mml_recurrent_backward)
                            : (reference ? mml_reference_recurrent_forward : mml_recurrent_forward)
                        call(Scalar.mmlType, &r, scratch.pointer)
                        withExtendedLifetime((main, candidate)) {}
                    }
                }
            }
            #expect(scratch.isIntact)
        }

        var results: [Guarded<Scalar>] {
            [gate, cells, previous, outputs, hidden, state, dInitialHidden, dInitialState]
        }
    }

    @Test(arguments: cells.map(\.rawValue), units) func cell(_ kind: UInt32, _ units: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            for options in 0..<16 {
                let actual = Problem<Scalar>(mml_cell(rawValue: kind), units)
                let expected = Problem<Scalar>(mml_cell(rawValue: kind), units)
                actual.run(reference: false, options: options)
                expected.run(reference: true, options: options)
                for (index, pair) in zip(actual.results, expected.results).enumerated() {
                    expectSame(
                        pair.0, pair.1, "cell \(kind), \(units) units, options \(options), result \(index)",
                        within: 4 * Scalar.closeness)
                }
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// Projections that are looked up by word, against the same ones row by row and against the reference.
    @Test(arguments: cells.map(\.rawValue), units) func words(_ kind: UInt32, _ units: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            let cell = mml_cell(rawValue: kind)
            let words: [Int32] = (0..<23).map { Int32($0 * 7 % 11) }
            func results(_ lookUp: Bool, reference: Bool) -> [Guarded<Scalar>] {
                let problem = Problem<Scalar>(cell, units)
                let width = problem.gates * units
                let table = Guarded(Array(problem.gate.values.prefix(11 * width)))
                for (row, word) in words.enumerated() {
                    for column in 0..<width {
                        problem.gate.pointer[row * width + column] =
                            lookUp ? .nan : table.pointer[Int(word) * width + column]
                    }
                }
                let before = cell == MML_CELL_GRU_RESET_BEFORE
                let main = problem.packed(0..<(before ? 2 : problem.gates) * units, transposed: true)
                let candidate = problem.packed(before ? 2 * units..<3 * units : 0..<0, transposed: true)
                let scratch = Guarded(
                    [Scalar](
                        repeating: .nan,
                        count: mml_recurrent_scratch(
                            Scalar.mmlType, Int32(kind), problem.sequences, units)))
                Problem<Scalar>.order.withUnsafeBufferPointer { order in
                    Problem<Scalar>.offsets.withUnsafeBufferPointer { offsets in
                        words.withUnsafeBufferPointer { words in
                            var r = mml_recurrent()
                            (r.cell, r.units, r.sequences) = (Int32(kind), units, problem.sequences)
                            (r.order, r.offsets) = (order.baseAddress, offsets.baseAddress)
                            r.gates = UnsafeMutableRawPointer(problem.gate.pointer)
                            if lookUp {
                                r.words = words.baseAddress
                                r.projections = UnsafeRawPointer(table.pointer)
                            }
                            r.recurrent = UnsafeRawPointer(main.pointer)
                            r.candidate = UnsafeRawPointer(candidate.pointer)
                            r.outputs = UnsafeMutableRawPointer(problem.outputs.pointer)
                            r.final_hidden = UnsafeMutableRawPointer(problem.hidden.pointer)
                            if cell == MML_CELL_LSTM {
                                r.final_state = UnsafeMutableRawPointer(problem.state.pointer)
                            }
                            let call = reference ? mml_reference_recurrent_forward : mml_recurrent_forward
                            call(Scalar.mmlType, &r, scratch.pointer)
                        }
                    }
                }
                #expect(scratch.isIntact && table.isIntact)
                withExtendedLifetime((main, candidate)) {}
                return [problem.outputs, problem.hidden, problem.state]
            }
            let looked = results(true, reference: false)
            for (actual, expected) in zip(looked, results(false, reference: false)) {
                #expect(actual.values == expected.values)
            }
            for (actual, expected) in zip(looked, results(true, reference: true)) {
                expectSame(
                    actual, expected, "cell \(kind), \(units) units, words", within: 4 * Scalar.closeness)
            }
        }
        check(Float.self)
        check(Double.self)
    }

    /// Gradients that have faded are nothing, rather than numbers below the normal range.
    @Test(arguments: cells.map(\.rawValue)) func fadedGradients(_ kind: UInt32) {
        let problem = Problem<Float>(mml_cell(rawValue: kind), 8)
        for index in 0..<56 {
            problem.dHidden.pointer[index] = 1e-32
            problem.dState.pointer[index] = 1e-32
        }
        problem.run(reference: false, options: 0)
        #expect(problem.gate.values.allSatisfy { $0 == 0 })
    }

    @Test(arguments: cells.map(\.rawValue)) func notANumberStays(_ kind: UInt32) {
        let problem = Problem<Float>(mml_cell(rawValue: kind), 8)
        problem.gate.pointer[0] = .nan
        problem.run(reference: false, options: 0)
        // Row 0 is in the first sequence: its state is lost, the others' are not.
        #expect(problem.hidden.values[0].isNaN)
        #expect(problem.hidden.values[8...].allSatisfy { !$0.isNaN })
    }
}
