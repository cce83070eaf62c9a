// Products with sparse matrices as on paper, in double.

#include "CTensorKernels.h"

static double get(mml_type type, const void *p, ptrdiff_t i) {
    return type == MML_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}
static void put(mml_type type, void *p, ptrdiff_t i, double value) {
    if (type == MML_F32) ((float *)p)[i] = (float)value;
    else ((double *)p)[i] = value;
}
static double element(const mml_csr *x, ptrdiff_t k) {
    return x->wide ? ((const double *)x->values)[k] : (double)((const float *)x->values)[k];
}

static double row_dot(mml_type type, const mml_csr *x, ptrdiff_t i, const void *v) {
    double total = x->constant == 0 ? 0 : x->constant * get(type, v, x->columns);
    for (ptrdiff_t k = x->offsets[i]; k < x->offsets[i + 1]; k++) total += element(x, k) * get(type, v, x->indices[k]);
    return total;
}
static void row_add(mml_type type, const mml_csr *x, ptrdiff_t i, double u, void *out) {
    for (ptrdiff_t k = x->offsets[i]; k < x->offsets[i + 1]; k++)
        put(type, out, x->indices[k], get(type, out, x->indices[k]) + u * element(x, k));
    if (x->constant != 0) put(type, out, x->columns, get(type, out, x->columns) + u * x->constant);
}

void mml_reference_sparse_times(
    mml_type type, const mml_csr *x, ptrdiff_t first, ptrdiff_t last, const void *v, void *out) {
    for (ptrdiff_t i = first; i < last; i++) put(type, out, i, row_dot(type, x, i, v));
}

void mml_reference_sparse_transposed_add(
    mml_type type, const mml_csr *x, ptrdiff_t first, ptrdiff_t last, const void *u, void *out) {
    for (ptrdiff_t i = first; i < last; i++) row_add(type, x, i, get(type, u, i), out);
}

void mml_reference_sparse_gram_add(
    mml_type type, const mml_csr *x, ptrdiff_t first, ptrdiff_t last, const void *d, const void *v, void *out) {
    for (ptrdiff_t i = first; i < last; i++)
        row_add(type, x, i, (d == NULL ? 1 : get(type, d, i)) * row_dot(type, x, i, v), out);
}

void mml_reference_sparse_squares_add(
    mml_type type, const mml_csr *x, ptrdiff_t first, ptrdiff_t last, const void *d, void *out) {
    for (ptrdiff_t i = first; i < last; i++) {
        const double u = d == NULL ? 1 : get(type, d, i);
        for (ptrdiff_t k = x->offsets[i]; k < x->offsets[i + 1]; k++)
            put(type, out, x->indices[k], get(type, out, x->indices[k]) + u * element(x, k) * element(x, k));
        if (x->constant != 0) put(type, out, x->columns, get(type, out, x->columns) + u * x->constant * x->constant);
    }
}

void mml_reference_sparse_squared_norms(
    mml_type type, const mml_csr *x, ptrdiff_t first, ptrdiff_t last, void *out) {
    for (ptrdiff_t i = first; i < last; i++) {
        double total = x->constant * x->constant;
        for (ptrdiff_t k = x->offsets[i]; k < x->offsets[i + 1]; k++) total += element(x, k) * element(x, k);
        put(type, out, i, total);
    }
}
