// Products with sparse matrices as on paper, in double.

#include <math.h>

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
    mml_type type, const mml_csr *x, ptrdiff_t first, ptrdiff_t last, const void *v, int adds, void *out) {
    for (ptrdiff_t i = first; i < last; i++)
        put(type, out, i, (adds ? get(type, out, i) : 0) + row_dot(type, x, i, v));
}

void mml_reference_sparse_transposed_add(
    mml_type type, const mml_csr *x, ptrdiff_t first, ptrdiff_t last, const void *u, void *out) {
    for (ptrdiff_t i = first; i < last; i++) row_add(type, x, i, u == NULL ? 1 : get(type, u, i), out);
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

// The derivative of the dual in one coefficient at b, for the row's value z at the coefficient beta.
static double dual_slope(const mml_dual *p, ptrdiff_t i, double z, double b) {
    const double c = p->costs[i], y = p->targets[i], own = p->squared_norms[i] * (b - p->beta[i]) + z;
    switch (p->loss) {
        case MML_LOSS_LOGISTIC: return own + y * log(y * b / (c - y * b));
        case MML_LOSS_HINGE: return own - y;
        case MML_LOSS_SQUARED_HINGE: return own - y + b / (2 * c);
        case MML_LOSS_EPSILON: return own - y + (b > 0 ? p->epsilon : -p->epsilon);
        default: return own - y + (b > 0 ? p->epsilon : -p->epsilon) + b / (2 * c);
    }
}

// By bisection; leaves no row out.
void mml_reference_dual_pass(
    mml_type type, const mml_csr *x, const mml_dual *p, ptrdiff_t count, const int32_t *order, void *w,
    mml_dual_sums *sums) {
    for (ptrdiff_t t = 0; t < count; t++) {
        const ptrdiff_t i = order[t];
        const double c = p->costs[i], y = p->targets[i], z = row_dot(type, x, i, w) + p->offset, far = 1e9;
        if (c == 0) continue;
        double low, high;
        if (p->loss == MML_LOSS_EPSILON || p->loss == MML_LOSS_SQUARED_EPSILON) {
            high = p->loss == MML_LOSS_EPSILON ? c : far;
            low = -high;
        } else {
            const double limit = p->loss == MML_LOSS_SQUARED_HINGE ? far : c;
            low = y > 0 ? 0 : -limit;
            high = y > 0 ? limit : 0;
        }
        for (int round = 0; round < 200; round++) {
            const double middle = (low + high) / 2;
            if (dual_slope(p, i, z, middle) > 0) high = middle;
            else low = middle;
        }
        const double next = (low + high) / 2, change = next - p->beta[i];
        sums->gap += mml_linear_gap(p->loss, p->epsilon, 1, p->targets + i, p->costs + i, &z, p->beta + i);
        p->beta[i] = next;
        row_add(type, x, i, change, w);
    }
}
