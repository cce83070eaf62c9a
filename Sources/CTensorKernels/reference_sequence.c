// Plain references of the kernels for convolution and pooling.

#include <math.h>

#include "CTensorKernels.h"

static double get(mml_type type, const void *p, ptrdiff_t i) {
    return type == MML_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static void set(mml_type type, void *p, ptrdiff_t i, double value) {
    if (type == MML_F32) ((float *)p)[i] = (float)value;
    else ((double *)p)[i] = value;
}

void mml_reference_transpose_rows(mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, void *y) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < columns; c++) set(type, y, c * rows + r, get(type, x, r * columns + c));
}

void mml_reference_column_maxima(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, void *y, int32_t *places) {
    for (ptrdiff_t c = 0; c < columns; c++) {
        double best = rows == 0 ? 0 : -INFINITY;
        places[c] = 0;
        for (ptrdiff_t r = 0; r < rows; r++) {
            const double value = get(type, x, r * columns + c);
            if (r > 0 && !isnan(value) && value <= best) continue;
            best = value;
            places[c] = (int32_t)r;
            if (isnan(value)) break;
        }
        set(type, y, c, best);
    }
}
