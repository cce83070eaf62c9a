// Plain scalar references of the kernels for linear models. The formulas stand in kernels.def.

#include "CTensorKernels.h"

static double get(mml_type type, const void *p, ptrdiff_t i) {
    return type == MML_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

// --- Gram matrices ---

ptrdiff_t mml_reference_gram_panel(mml_type type, int unused) { return mml_gram_panel(type, unused); }

static ptrdiff_t packed_place(mml_type type, ptrdiff_t rows, ptrdiff_t row, ptrdiff_t column) {
    const ptrdiff_t panel = mml_gram_panel(type, 0);
    return column / panel * panel * rows + row * panel + column % panel;
}

void mml_reference_gram_pack(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t ldx, const void *shift,
    const void *scale, ptrdiff_t first, void *packed) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t c = 0; c < columns; c++) {
            const double moved = get(type, x, r * ldx + c) - (shift == NULL ? 0 : get(type, shift, c));
            const double factor = scale == NULL ? 1 : get(type, scale, r);
            const ptrdiff_t place = packed_place(type, rows, r, first + c);
            if (type == MML_F32) ((float *)packed)[place] = (float)((float)moved * factor);
            else ((double *)packed)[place] = moved * factor;
        }
    }
}

void mml_reference_gram_add(
    mml_type type, ptrdiff_t rows, ptrdiff_t width, ptrdiff_t first_panel, ptrdiff_t last_panel, const void *packed,
    double *sum, ptrdiff_t ld) {
    const ptrdiff_t panel = mml_gram_panel(type, 0);
    for (ptrdiff_t j = first_panel * panel; j < last_panel * panel && j < width; j++)
        for (ptrdiff_t i = 0; i <= j; i++)
            for (ptrdiff_t r = 0; r < rows; r++)
                sum[i * ld + j] += get(type, packed, packed_place(type, rows, r, i))
                    * get(type, packed, packed_place(type, rows, r, j));
}
