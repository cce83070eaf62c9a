// Plain references of the kernels for causal Transformers.

#include <math.h>

#include "CTensorKernels.h"

static double get(mml_type type, const void *p, ptrdiff_t i) {
    return type == MML_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static void set(mml_type type, void *p, ptrdiff_t i, double value) {
    if (type == MML_F32) ((float *)p)[i] = (float)value;
    else ((double *)p)[i] = value;
}

void mml_reference_rms_norm(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, const void *gamma, double epsilon, void *rrms,
    void *out) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        double square = 0;
        for (ptrdiff_t c = 0; c < columns; c++) square += get(type, x, r * columns + c) * get(type, x, r * columns + c);
        const double inverse = 1 / sqrt(square / (double)columns + epsilon);
        for (ptrdiff_t c = 0; c < columns; c++)
            set(type, out, r * columns + c, get(type, x, r * columns + c) * inverse * get(type, gamma, c));
        if (rrms != NULL) set(type, rrms, r, inverse);
    }
}

void mml_reference_rms_norm_backward(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, const void *rrms, const void *gamma,
    const void *dout, void *dx, void *dgamma) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        const double inverse = get(type, rrms, r);
        double mean = 0;
        for (ptrdiff_t c = 0; c < columns; c++) {
            const double d = get(type, dout, r * columns + c), n = get(type, x, r * columns + c) * inverse;
            mean += d * get(type, gamma, c) * n / (double)columns;
            set(type, dgamma, c, get(type, dgamma, c) + d * n);
        }
        for (ptrdiff_t c = 0; c < columns; c++) {
            const double g = get(type, dout, r * columns + c) * get(type, gamma, c);
            set(type, dx, r * columns + c, inverse * (g - get(type, x, r * columns + c) * inverse * mean));
        }
    }
}

void mml_reference_rotate(
    mml_type type, ptrdiff_t rows, ptrdiff_t heads, ptrdiff_t d, int neighbours, int inverse, const int32_t *positions,
    const void *cosines, const void *sines, void *x, ptrdiff_t ld) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t h = 0; h < heads; h++)
            for (ptrdiff_t i = 0; i < d / 2; i++) {
                const ptrdiff_t start = r * ld + h * d;
                const ptrdiff_t first = start + (neighbours ? 2 * i : i), second = start + (neighbours ? 2 * i + 1 : i + d / 2);
                const double c = get(type, cosines, positions[r] * (d / 2) + i);
                const double s = get(type, sines, positions[r] * (d / 2) + i) * (inverse ? -1 : 1);
                const double a = get(type, x, first), b = get(type, x, second);
                set(type, x, first, a * c - b * s);
                set(type, x, second, a * s + b * c);
            }
}

void mml_reference_swiglu(mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, void *y) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < columns; c++) {
            const double g = get(type, x, r * 2 * columns + c), u = get(type, x, (r * 2 + 1) * columns + c);
            set(type, y, r * columns + c, g / (1 + exp(-g)) * u);
        }
}

void mml_reference_swiglu_backward(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, const void *dy, void *dx) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < columns; c++) {
            const double g = get(type, x, r * 2 * columns + c), u = get(type, x, (r * 2 + 1) * columns + c);
            const double s = 1 / (1 + exp(-g)), d = get(type, dy, r * columns + c);
            set(type, dx, r * 2 * columns + c, d * u * (s + g * s * (1 - s)));
            set(type, dx, (r * 2 + 1) * columns + c, d * g * s);
        }
}

void mml_reference_attention_step(
    mml_type type, ptrdiff_t n, ptrdiff_t d, double scale, const void *q, const void *const *blocks, ptrdiff_t block,
    ptrdiff_t key, ptrdiff_t value, void *out, void *scratch) {
    double highest = -INFINITY, sum = 0;
    for (ptrdiff_t t = 0; t < n; t++) {
        double s = 0;
        for (ptrdiff_t i = 0; i < d; i++)
            s += scale * get(type, q, i) * get(type, blocks[t / block], key + i * block + t % block);
        set(type, scratch, t, s);
        highest = fmax(highest, s);
    }
    for (ptrdiff_t t = 0; t < n; t++) sum += exp(get(type, scratch, t) - highest);
    for (ptrdiff_t i = 0; i < d; i++) {
        double total = 0;
        for (ptrdiff_t t = 0; t < n; t++)
            total += exp(get(type, scratch, t) - highest) / sum
                * get(type, blocks[t / block], value + t % block * d + i);
        set(type, out, i, total);
    }
}

void mml_reference_cache_rows(
    mml_type type, ptrdiff_t rows, ptrdiff_t first, ptrdiff_t heads, ptrdiff_t d, const void *k, const void *v,
    ptrdiff_t ld, void *const *blocks, ptrdiff_t block, ptrdiff_t key, ptrdiff_t value) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t h = 0; h < heads; h++)
            for (ptrdiff_t i = 0; i < d; i++) {
                const ptrdiff_t t = first + r;
                set(type, blocks[t / block], key + (h * d + i) * block + t % block, get(type, k, r * ld + h * d + i));
                set(type, blocks[t / block], value + (h * block + t % block) * d + i, get(type, v, r * ld + h * d + i));
            }
}
