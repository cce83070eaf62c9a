// Plain references of the products with 8-bit weights.

#include <math.h>
#include <string.h>

#include "CTensorKernels.h"

#define WEIGHT_LIMIT 64

static double get(mml_type type, const void *p, ptrdiff_t i) {
    return type == MML_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static void set(mml_type type, void *p, ptrdiff_t i, double value) {
    if (type == MML_F32) ((float *)p)[i] = (float)value;
    else ((double *)p)[i] = value;
}

// In the element's own precision, as the kernels divide.
static double quotient(mml_type type, double a, double b) { return type == MML_F32 ? (float)a / (float)b : a / b; }
static double product(mml_type type, double a, double b) { return type == MML_F32 ? (float)a * (float)b : a * b; }

// The byte of column j and row p in the panels of the active instruction set.
static ptrdiff_t place(mml_type type, ptrdiff_t k, ptrdiff_t j, ptrdiff_t p) {
    const ptrdiff_t width = mml_integer_panel_width(type, 0), whole = (k + 3) / 4 * 4;
    return j / width * width * whole + p / 4 * 4 * width + j % width * 4 + p % 4;
}

ptrdiff_t mml_reference_integer_panel_width(mml_type type, int unused) { return mml_integer_panel_width(type, unused); }

void mml_reference_quantize_rows(
    mml_type type, ptrdiff_t rows, ptrdiff_t k, const void *x, ptrdiff_t ldx, uint8_t *q, ptrdiff_t ldq, void *scales,
    int32_t *zeros) {
    for (ptrdiff_t i = 0; i < rows; i++) {
        double low = 0, high = 0, bad = 0;
        for (ptrdiff_t p = 0; p < k; p++) {
            const double value = get(type, x, i * ldx + p);
            low = fmin(low, value);
            high = fmax(high, value);
            bad += value - value;
        }
        const double range = bad + (type == MML_F32 ? (float)high - (float)low : high - low);
        const double inverse = quotient(type, 254, range);
        const int sound = isfinite(range) && isfinite(inverse);
        set(type, scales, i, sound ? quotient(type, range, 254) : isfinite(range) ? 0 : NAN);
        zeros[i] = sound ? (int32_t)ceil(product(type, -low, inverse)) : 0;
        for (ptrdiff_t p = 0; p < (k + 3) / 4 * 4; p++)
            q[i * ldq + p] =
                sound && p < k ? (uint8_t)rint(product(type, get(type, x, i * ldx + p), inverse) + zeros[i]) : 0;
    }
}

void mml_reference_quantize_panels(
    mml_type type, ptrdiff_t k, ptrdiff_t n, const void *w, ptrdiff_t first_panel, ptrdiff_t last_panel, int8_t *packed,
    void *scales, int32_t *sums) {
    const ptrdiff_t width = mml_integer_panel_width(type, 0);
    for (ptrdiff_t j = first_panel * width; j < last_panel * width; j++) {
        double largest = 0, bad = 0;
        for (ptrdiff_t p = 0; j < n && p < k; p++) {
            const double value = get(type, w, j * k + p);
            largest = fmax(largest, fabs(value));
            bad += value - value;
        }
        const double inverse = quotient(type, WEIGHT_LIMIT, largest);
        const int sound = bad == 0 && isfinite(inverse);
        int32_t sum = 0;
        for (ptrdiff_t p = 0; p < (k + 3) / 4 * 4; p++) {
            const int used = sound && j < n && p < k;
            const double value = used ? rint(product(type, get(type, w, j * k + p), inverse)) : 0;
            packed[place(type, k, j, p)] = (int8_t)fmin(fmax(value, -WEIGHT_LIMIT), WEIGHT_LIMIT);
            sum += packed[place(type, k, j, p)];
        }
        if (j < n) {
            set(type, scales, j, bad != 0 ? NAN : sound ? quotient(type, largest, WEIGHT_LIMIT) : 0);
            sums[j] = sum;
        }
    }
}

void mml_reference_dequantize_panels(
    mml_type type, ptrdiff_t k, ptrdiff_t n, const int8_t *packed, const void *scales, ptrdiff_t first_panel,
    ptrdiff_t last_panel, void *w) {
    const ptrdiff_t width = mml_integer_panel_width(type, 0);
    for (ptrdiff_t j = first_panel * width; j < last_panel * width && j < n; j++)
        for (ptrdiff_t p = 0; p < k; p++)
            set(type, w, j * k + p, get(type, scales, j) * packed[place(type, k, j, p)]);
}

void mml_reference_gemm_quantized(
    mml_type type, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const mml_quantized_rows *a, const mml_quantized_panels *b,
    ptrdiff_t first_panel, ptrdiff_t last_panel, const mml_epilogue *epilogue, void *c, ptrdiff_t ldc) {
    const ptrdiff_t width = mml_integer_panel_width(type, 0);
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = first_panel * width; j < last_panel * width && j < n; j++) {
            int64_t sum = 0;
            for (ptrdiff_t p = 0; p < k; p++)
                sum += ((int64_t)a->values[i * a->stride + p] - a->zeros[i]) * b->values[place(type, k, j, p)];
            double value = (double)sum * get(type, a->scales, i) * get(type, b->scales, j);
            if (epilogue->bias != NULL) value += get(type, epilogue->bias, j);
            double y = value;
            mml_reference_activate(MML_F64, epilogue->activation, 1, &value, &y);
            set(type, c, i * ldc + j, y);
        }
}

void mml_reference_gather_quantized(
    mml_type type, ptrdiff_t rows, ptrdiff_t k, const mml_quantized_panels *b, const int32_t *ids, int accumulate, void *out) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t p = 0; p < k; p++) {
            const double weight = product(type, get(type, b->scales, ids[r]), b->values[place(type, k, ids[r], p)]);
            set(type, out, r * k + p, accumulate ? get(type, out, r * k + p) + weight : weight);
        }
}

void mml_reference_gather_packed(
    mml_type type, ptrdiff_t rows, ptrdiff_t k, const void *packed, const int32_t *ids, int accumulate, void *out) {
    const ptrdiff_t width = mml_panel_width(type, 0);
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t p = 0; p < k; p++) {
            const double value = get(type, packed, ids[r] / width * width * k + p * width + ids[r] % width);
            set(type, out, r * k + p, accumulate ? get(type, out, r * k + p) + value : value);
        }
}
