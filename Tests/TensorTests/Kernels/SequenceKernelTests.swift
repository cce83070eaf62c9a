import CTensorKernels
import Testing

/// Transposes and maxima of columns against the plain reference.
@Suite struct SequenceKernelTests {
    @Test(arguments: [0, 1, 2, 5, 17, 40], [0, 1, 3, 16, 33]) func shapes(_ rows: Int, _ columns: Int) {
        func check<Scalar: KernelScalar>(_: Scalar.Type) {
            var numbers = TestNumbers(rows * 100 + columns)
            var values: [Scalar] = numbers.array(rows * columns, 2)
            // Equal elements: the first one counts.
            for index in values.indices where index % 3 == 0 { values[index] = 1 }
            if values.count > 7 { values[7] = .nan }
            let x = Guarded(values)
            let (y, expected) = (Guarded(values), Guarded(values))
            mml_transpose_rows(Scalar.mmlType, rows, columns, x.pointer, y.pointer)
            mml_reference_transpose_rows(Scalar.mmlType, rows, columns, x.pointer, expected.pointer)
            expectSame(y, expected, "transpose \(rows) x \(columns)", within: 0)
            let (best, expectedBest) = (Guarded<Scalar>(zeros: columns), Guarded<Scalar>(zeros: columns))
            var places = [Int32](repeating: -1, count: columns), expectedPlaces = places
            mml_column_maxima(Scalar.mmlType, rows, columns, x.pointer, best.pointer, &places)
            mml_reference_column_maxima(
                Scalar.mmlType, rows, columns, x.pointer, expectedBest.pointer, &expectedPlaces)
            expectSame(best, expectedBest, "maxima \(rows) x \(columns)", within: 0)
            #expect(places == expectedPlaces)
        }
        check(Float.self)
        check(Double.self)
    }
}
