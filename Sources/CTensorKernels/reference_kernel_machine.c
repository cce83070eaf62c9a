// Plain scalar references of the kernels of kernel machines: double arithmetic, one loop a formula.

#include <math.h>

#include "CTensorKernels.h"

static double get(mml_type type, const void *p, ptrdiff_t i) {
    return type == MML_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static void set(mml_type type, void *p, ptrdiff_t i, double value) {
    if (type == MML_F32) ((float *)p)[i] = (float)value;
    else ((double *)p)[i] = value;
}

void mml_reference_center_rows(
    mml_type type, int source, ptrdiff_t rows, ptrdiff_t columns, const void *x, const double *center, void *y,
    double *squares) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        squares[r] = 0;
        for (ptrdiff_t c = 0; c < columns; c++) {
            const ptrdiff_t at = r * columns + c;
            set(type, y, at, get((mml_type)source, x, at) - (center == NULL ? 0 : center[c]));
            squares[r] += get(type, y, at) * get(type, y, at);
        }
    }
}

void mml_reference_kernel_values(
    mml_type type, const mml_kernel_function *f, ptrdiff_t n, const void *products, double square,
    const void *squares, void *values) {
    for (ptrdiff_t j = 0; j < n; j++) {
        const double product = get(type, products, j);
        double value = product;
        switch (f->kind) {
        case MML_RBF: value = exp(-f->gamma * fmax(0, square + get(type, squares, j) - 2 * product)); break;
        case MML_POLYNOMIAL: value = pow(f->gamma * product + f->constant, f->degree); break;
        case MML_SIGMOID_KERNEL: value = tanh(f->gamma * product + f->constant); break;
        default: break;
        }
        set(type, values, j, value);
    }
}

void mml_reference_sparse_products(
    mml_type type, ptrdiff_t first, ptrdiff_t last, const ptrdiff_t *offsets, const int32_t *columns,
    const float *elements, ptrdiff_t width, const void *b, void *products, ptrdiff_t ld) {
    for (ptrdiff_t r = first; r < last; r++)
        for (ptrdiff_t q = 0; q < width; q++) {
            double sum = 0;
            for (ptrdiff_t e = offsets[r]; e < offsets[r + 1]; e++)
                sum += elements[e] * get(type, b, columns[e] * width + q);
            set(type, products, q * ld + r - first, sum);
        }
}

void mml_reference_spread_row(
    mml_type type, ptrdiff_t n, const int32_t *columns, const float *elements, ptrdiff_t stride, void *b) {
    for (ptrdiff_t e = 0; e < n; e++) set(type, b, columns[e] * stride, elements == NULL ? 0 : elements[e]);
}

void mml_reference_weighted_rows(
    mml_type type, ptrdiff_t rows, const void *const *x, const double *weights, ptrdiff_t from, ptrdiff_t to,
    double *y) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t j = from; j < to; j++) y[j] += weights[r] * get(type, x[r], j);
}

double mml_reference_weighted_sum(mml_type type, ptrdiff_t n, const void *x, const double *weights) {
    double sum = 0;
    for (ptrdiff_t i = 0; i < n; i++) sum += weights[i] * get(type, x, i);
    return sum;
}

void mml_reference_gather_elements(mml_type type, ptrdiff_t n, const void *x, const int32_t *indices, void *y) {
    for (ptrdiff_t i = 0; i < n; i++) set(type, y, i, get(type, x, indices[i]));
}

static int moves_up(const mml_smo_problem *p, ptrdiff_t k) {
    return p->sign[k] > 0 ? p->alpha[k] < p->bound[k] : p->alpha[k] > 0;
}

static int moves_down(const mml_smo_problem *p, ptrdiff_t k) {
    return p->sign[k] > 0 ? p->alpha[k] > 0 : p->alpha[k] < p->bound[k];
}

void mml_reference_smo(mml_type type, mml_smo_problem *p) {
    for (p->steps = 0;; p->steps++) {
        ptrdiff_t first = -1, second = -1;
        double best = 0, curvature = 1;
        p->violation = 0;
        for (int g = 0; g < p->groups; g++) {
            ptrdiff_t i = -1;
            for (ptrdiff_t k = 0; k < p->n; k++)
                if ((p->groups == 1 || p->group[k] == g) && moves_up(p, k) && (i < 0 || p->value[k] > p->value[i])) i = k;
            for (ptrdiff_t j = 0; i >= 0 && j < p->n; j++) {
                if ((p->groups > 1 && p->group[j] != g) || !moves_down(p, j)) continue;
                const double difference = p->value[i] - p->value[j];
                if (difference <= 0) continue;
                double c = get(type, p->kernel, i * p->ld + i) + get(type, p->kernel, j * p->ld + j)
                    - 2 * get(type, p->kernel, i * p->ld + j);
                if (c <= 0) c = 1e-12;
                p->violation = fmax(p->violation, difference);
                if (difference * difference / c > best) {
                    best = difference * difference / c;
                    first = i;
                    second = j;
                    curvature = c;
                }
            }
        }
        if (first < 0 || p->violation < p->tolerance || p->steps >= p->limit) return;
        const double room_first = p->sign[first] > 0 ? p->bound[first] - p->alpha[first] : p->alpha[first];
        const double room_second = p->sign[second] > 0 ? p->alpha[second] : p->bound[second] - p->alpha[second];
        const double step = fmin((p->value[first] - p->value[second]) / curvature, fmin(room_first, room_second));
        p->alpha[first] += p->sign[first] * step;
        p->alpha[second] -= p->sign[second] * step;
        if (step == room_first) p->alpha[first] = p->sign[first] > 0 ? p->bound[first] : 0;
        if (step == room_second) p->alpha[second] = p->sign[second] > 0 ? 0 : p->bound[second];
        for (ptrdiff_t k = 0; k < p->n; k++)
            p->value[k] += step * (get(type, p->kernel, second * p->ld + k) - get(type, p->kernel, first * p->ld + k));
    }
}
