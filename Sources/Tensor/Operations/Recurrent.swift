internal import CTensorKernels

extension Tensor where Scalar: TensorFloatingPoint {
    /// A recurrent cell over packed sequences, all steps as one operation.
    ///
    /// `self` is [Σ lengths, D]: sequence s has the rows `offsets[s] ..< offsets[s + 1]`, and one that has ended costs
    /// nothing more. A sequence of length 0 has no output and keeps its initial state. W x of all steps is one product;
    /// the rest of a step, R h and the gates, runs for a slice of the batch in one thread after the other steps.
    ///
    /// - Parameters:
    ///   - cell: What a step does.
    ///   - weights: Its weights.
    ///   - offsets: Where each of the N sequences begins, and at the end the number of all rows.
    ///   - initial: The state before the first step; nil for zeros.
    ///   - reversed: From the last row of a sequence to its first; outputs stand beside their inputs all the same.
    ///   - stateMask: [N, U], multiplies the state where R reads it, the same at each step (arXiv:1512.05287).
    ///   - returnsSequences: Whether outputs are wanted.
    /// - Returns: h after each step [Σ lengths, U], and the state after each sequence's last step.
    /// - Complexity: O(Σ lengths · G U (D + U)).
    public func recurrent(
        _ cell: RecurrentCellKind, _ weights: RecurrentWeights<Scalar>, offsets: [Int],
        initial: RecurrentState<Scalar>? = nil, reversed: Bool = false, stateMask: Tensor? = nil,
        returnsSequences: Bool = true
    ) -> (outputs: Tensor?, state: RecurrentState<Scalar>) {
        precondition(
            rank == 2 && offsets.first == 0 && offsets.last == shape[0],
            "recurrent of \(shape) and \(offsets)")
        weights.check(cell, inputs: shape[1])
        let units = weights.units
        let plan = RecurrentPlan(cell: cell, units: units, offsets: offsets, reversed: reversed)
        let stateShape = [plan.sequences, units]
        let states = [initial?.hidden, initial?.cell, stateMask].compactMap(\.self)
        precondition(
            states.allSatisfy { $0.shape == stateShape }
                && (initial.map { ($0.cell != nil) == cell.hasCellState } ?? true),
            "states of \(cell) must be \(stateShape), found \(states.map(\.shape))")
        let inputs: [Tensor?] = [
            self, weights.input, weights.recurrent, weights.inputBias, weights.recurrentBias, initial?.hidden,
            initial?.cell,
        ]
        let tracked = inputs.contains { $0?.isTracked == true }

        let words = tracked ? nil : projectedWords(cell, weights)
        let gates =
            words == nil
            ? projected(cell, weights, keepPacked: !tracked)
            : Tensor(uninitialized: [0, cell.gateCount * units])
        let run = RecurrentRun(
            plan: plan, gates: gates, words: words,
            cells: tracked && cell.savesCells ? Tensor(uninitialized: [plan.rows, units]) : nil,
            previous: tracked ? Tensor(uninitialized: [plan.rows, units]) : nil, mask: stateMask?.detached,
            initial: initial?.detached)
        let outputs = returnsSequences ? Tensor(uninitialized: [plan.rows, units]) : nil
        let final = run.forward(weights, keepPacked: !tracked, outputs: outputs)

        let wanted = inputs.map { $0?.isTracked == true }
        let (x, w) = (detached, weights)
        let results = Tensor.recorded(
            [final.hidden, final.cell, outputs].compactMap(\.self), from: inputs.compactMap(\.self)
        ) { gradients in
            let all = run.backward(
                input: x, weights: w, wanted: wanted, hidden: gradients[0],
                cell: cell.hasCellState ? gradients[1] : nil,
                outputs: returnsSequences ? gradients[gradients.count - 1] : nil)
            return zip(inputs.indices, all).compactMap { inputs[$0] == nil ? nil : .some($1) }
        }
        return (
            returnsSequences ? results.last : nil,
            RecurrentState(hidden: results[0], cell: cell.hasCellState ? results[1] : nil)
        )
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// Where the rows are words of a table whose projections are kept: the words, and the projections.
    private func projectedWords(
        _ cell: RecurrentCellKind, _ weights: RecurrentWeights<Scalar>
    ) -> (ids: Tensor<Int32>, projections: Tensor)? {
        guard storage.isLate, let rows = storage.late as? LookedUpRows<Scalar>,
            let projections = WordProjections.of(rows.table, cell, weights, count: rows.ids.count)
        else { return nil }
        return (Tensor<Int32>(rows.ids), projections)
    }
}

/// One pass over a batch, with what its way back needs.
private struct RecurrentRun<Scalar: TensorFloatingPoint>: Sendable {
    let plan: RecurrentPlan
    /// Input projections, then the gates, and on the way back the gradients of the projections.
    let gates: Tensor<Scalar>
    /// Instead of the input projections of each row: its word, and those of every word.
    let words: (ids: Tensor<Int32>, projections: Tensor<Scalar>)?
    let cells: Tensor<Scalar>?
    let previous: Tensor<Scalar>?
    let mask: Tensor<Scalar>?
    let initial: RecurrentState<Scalar>?

    private var units: Int { plan.units }
    private var isResetBefore: Bool { plan.cell == .gruResetBefore }

    private func problem() -> mml_recurrent {
        var problem = mml_recurrent()
        problem.gates = UnsafeMutableRawPointer(gates.pointer)
        problem.words = words.map { UnsafePointer($0.ids.pointer) }
        problem.projections = words.map { UnsafeRawPointer($0.projections.pointer) }
        problem.cells = cells.map { UnsafeMutableRawPointer($0.pointer) }
        problem.previous = previous.map { UnsafeMutableRawPointer($0.pointer) }
        problem.mask = mask.map { UnsafeRawPointer($0.pointer) }
        problem.initial_hidden = initial.map { UnsafeRawPointer($0.hidden.pointer) }
        problem.initial_state = initial?.cell.map { UnsafeRawPointer($0.pointer) }
        return problem
    }

    /// The packed rows `range` of R, as they stand or transposed.
    private func packed(_ r: Tensor<Scalar>, _ range: Range<Int>, transposed: Bool) -> PackedMatrix {
        PackedMatrix(
            UnsafePointer(r.pointer + range.lowerBound * units), rows: transposed ? units : range.count,
            columns: transposed ? range.count : units, rowStride: transposed ? 1 : units,
            columnStride: transposed ? units : 1, lasting: true)
    }

    func forward(
        _ weights: RecurrentWeights<Scalar>, keepPacked: Bool, outputs: Tensor<Scalar>?
    ) -> RecurrentState<Scalar> {
        let stateShape = [plan.sequences, units]
        let final = RecurrentState<Scalar>(
            hidden: Tensor(uninitialized: stateShape),
            cell: plan.cell.hasCellState ? Tensor(uninitialized: stateShape) : nil)
        let r = weights.recurrent
        let recurrent =
            isResetBefore
            ? packed(r, 0..<2 * units, transposed: true) : r.packedTranspose(keep: keepPacked)
        let candidate = isResetBefore ? packed(r, 2 * units..<3 * units, transposed: true) : nil
        var problem = problem()
        problem.recurrent = recurrent.pointer
        problem.candidate = candidate?.pointer
        if plan.cell == .gru, let bias = weights.recurrentBias {
            problem.candidate_bias = UnsafeRawPointer(bias.pointer + 2 * units)
        }
        problem.outputs = outputs.map { UnsafeMutableRawPointer($0.pointer) }
        problem.final_hidden = UnsafeMutableRawPointer(final.hidden.pointer)
        problem.final_state = final.cell.map { UnsafeMutableRawPointer($0.pointer) }
        withExtendedLifetime((recurrent, candidate)) {
            plan.run(mml_recurrent_forward, on: problem, Scalar.self)
        }
        return final
    }

    /// The gradients of x, W, R, b, b', h and c, those that are wanted.
    func backward(
        input x: Tensor<Scalar>, weights: RecurrentWeights<Scalar>, wanted: [Bool],
        hidden: Tensor<Scalar>?, cell: Tensor<Scalar>?, outputs: Tensor<Scalar>?
    ) -> [Tensor<Scalar>?] {
        let r = weights.recurrent
        let rows = plan.cell.gateCount * units
        let recurrent = packed(r, 0..<(isResetBefore ? 2 * units : rows), transposed: false)
        let candidate = isResetBefore ? packed(r, 2 * units..<3 * units, transposed: false) : nil
        let first = initial.map { initial in
            RecurrentState<Scalar>(
                hidden: Tensor(uninitialized: initial.hidden.shape),
                cell: initial.cell.map { Tensor(uninitialized: $0.shape) })
        }
        var problem = problem()
        problem.recurrent = recurrent.pointer
        problem.candidate = candidate?.pointer
        problem.outputs = outputs.map { UnsafeMutableRawPointer($0.pointer) }
        problem.final_hidden = hidden.map { UnsafeMutableRawPointer($0.pointer) }
        problem.final_state = cell.map { UnsafeMutableRawPointer($0.pointer) }
        problem.d_initial_hidden = first.map { UnsafeMutableRawPointer($0.hidden.pointer) }
        problem.d_initial_state = first?.cell.map { UnsafeMutableRawPointer($0.pointer) }
        withExtendedLifetime((recurrent, candidate)) {
            plan.run(mml_recurrent_backward, on: problem, Scalar.self)
        }
        let bias = wanted[3] || wanted[4] ? LinearGradients.bias(output: gates) : nil
        return [
            wanted[0] ? LinearGradients.input(weight: weights.input, output: gates) : nil,
            wanted[1] ? LinearGradients.weight(input: x, output: gates) : nil,
            wanted[2] ? recurrentWeightGradient() : nil,
            bias,
            wanted[4] ? bias.map(recurrentBiasGradient) : nil,
            first?.hidden,
            first?.cell,
        ]
    }

    /// dR = Σ over rows of (gradient of R h)ᵀ h, where the candidate's part of a GRU has factors of its own.
    private func recurrentWeightGradient() -> Tensor<Scalar> {
        guard let previous else { preconditionFailure("a gradient needs the states that were saved") }
        let fed = mask.map { previous.multipliedRows(of: plan.offsets, by: $0) } ?? previous
        guard let cells, !plan.cell.hasCellState else {
            return LinearGradients.weight(input: fed, output: gates)
        }
        let result = Tensor<Scalar>(uninitialized: [3 * units, units], lasting: true)
        func add(_ output: UnsafePointer<Scalar>, stride: Int, count: Int, input: Tensor<Scalar>, at row: Int)
        {
            let packed = PackedMatrix(
                UnsafePointer(input.pointer), rows: plan.rows, columns: units, rowStride: units,
                columnStride: 1,
                lasting: false)
            multiply(
                MatrixView(output, rowStride: 1, columnStride: stride), rows: count, by: packed,
                into: result.pointer + row * units)
        }
        add(gates.pointer, stride: 3 * units, count: 2 * units, input: fed, at: 0)
        if isResetBefore {
            add(gates.pointer + 2 * units, stride: 3 * units, count: units, input: cells, at: 2 * units)
        } else {
            add(cells.pointer, stride: units, count: units, input: fed, at: 2 * units)
        }
        return result
    }

    private func recurrentBiasGradient(_ bias: Tensor<Scalar>) -> Tensor<Scalar> {
        guard plan.cell == .gru, let cells else { return bias }
        return .concatenated([bias.rows(0..<2 * units), LinearGradients.bias(output: cells)])
    }
}

extension Tensor where Scalar: TensorFloatingPoint {
    /// Every row of a packed sequence times that sequence's row of `factors`.
    fileprivate func multipliedRows(of offsets: [Int], by factors: Tensor) -> Tensor {
        let result = Tensor(uninitialized: shape)
        let width = columnCount
        parallel(offsets.count - 1) { sequence in
            for row in offsets[sequence]..<offsets[sequence + 1] {
                mml_binary(
                    Scalar.kernelType, Int32(MML_MULTIPLY.rawValue), width, pointer + row * width, 1,
                    factors.pointer + sequence * width, 1, result.pointer + row * width)
            }
        }
        return result
    }
}
