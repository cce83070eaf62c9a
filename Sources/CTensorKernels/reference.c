// Plain scalar references of the kernels except products and attention: double arithmetic, one loop a formula, no
// attempt at speed. The formulas stand in kernels.def.

#include <math.h>
#include <string.h>

#include "CTensorKernels.h"

static double get(mml_type type, const void *p, ptrdiff_t i) {
    return type == MML_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static void set(mml_type type, void *p, ptrdiff_t i, double value) {
    if (type == MML_F32) ((float *)p)[i] = (float)value;
    else ((double *)p)[i] = value;
}

static void add(mml_type type, void *p, ptrdiff_t i, double value) { set(type, p, i, get(type, p, i) + value); }

// --- Random words ---

void mml_reference_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]) {
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]}, k[2] = {key[0], key[1]};
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)c[0] * 0xD2511F53, p1 = (uint64_t)c[2] * 0xCD9E8D57;
        uint32_t next[4] = {
            (uint32_t)(p1 >> 32) ^ c[1] ^ k[0], (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c[3] ^ k[1], (uint32_t)p0,
        };
        memcpy(c, next, sizeof c);
        k[0] += 0x9E3779B9;
        k[1] += 0xBB67AE85;
    }
    memcpy(words, c, sizeof c);
}

static uint32_t word(uint64_t seed, uint64_t stream, uint64_t i) {
    uint64_t block = i / 64 * 16 + i % 16;
    uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)}, words[4];
    mml_reference_philox(counter, key, words);
    return words[i % 64 / 16];
}

void mml_reference_random_words(uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, uint32_t *words) {
    for (ptrdiff_t i = 0; i < n; i++) words[i] = word(seed, stream, first + (uint64_t)i);
}

static double dropout_factor(const mml_dropout_spec *spec, uint64_t position) {
    if (spec == NULL || spec->rate == 0) return 1;
    return word(spec->seed, spec->stream, position) >= (uint32_t)(spec->rate * 0x1p32) ? 1 / (1 - spec->rate) : 0;
}

// --- Element by element ---

void mml_reference_unary(mml_type type, int op, ptrdiff_t n, const void *x, void *y) {
    for (ptrdiff_t i = 0; i < n; i++) {
        double v = get(type, x, i);
        switch (op) {
        case MML_NEGATE: v = -v; break;
        case MML_EXP: v = exp(v); break;
        case MML_LOG: v = log(v); break;
        case MML_SQRT: v = sqrt(v); break;
        case MML_ERF: v = erf(v); break;
        case MML_ABS: v = fabs(v); break;
        case MML_RECIPROCAL: v = 1 / v; break;
        }
        set(type, y, i, v);
    }
}

void mml_reference_binary(
    mml_type type, int op, ptrdiff_t n, const void *a, ptrdiff_t a_stride, const void *b, ptrdiff_t b_stride,
    void *y) {
    for (ptrdiff_t i = 0; i < n; i++) {
        double u = get(type, a, i * a_stride), v = get(type, b, i * b_stride), result = 0;
        switch (op) {
        case MML_ADD: result = u + v; break;
        case MML_SUBTRACT: result = u - v; break;
        case MML_MULTIPLY: result = u * v; break;
        case MML_DIVIDE: result = u / v; break;
        case MML_MAXIMUM: result = isnan(u) || isnan(v) ? NAN : u > v ? u : v; break;
        case MML_MINIMUM: result = isnan(u) || isnan(v) ? NAN : u < v ? u : v; break;
        }
        set(type, y, i, result);
    }
}

void mml_reference_scale_add(mml_type type, ptrdiff_t n, double alpha, const void *x, double beta, void *y) {
    for (ptrdiff_t i = 0; i < n; i++)
        set(type, y, i, alpha * get(type, x, i) + (beta == 0 ? 0 : beta * get(type, y, i)));
}

static double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }

static double activation_value(int activation, double x) {
    switch (activation) {
    case MML_GELU: return x * 0.5 * erfc(-x / sqrt(2));
    case MML_GELU_TANH: return x * sigmoid(2 * sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x));
    case MML_RELU: return x < 0 ? 0 : x;
    case MML_TANH: return tanh(x);
    case MML_SIGMOID: return sigmoid(x);
    default: return x;
    }
}

static double activation_slope(int activation, double x) {
    const double pi = acos(-1);
    switch (activation) {
    case MML_GELU:
        return 0.5 * erfc(-x / sqrt(2)) + (isinf(x) ? 0 : x * exp(-x * x / 2) / sqrt(2 * pi));
    case MML_GELU_TANH: {
        if (fabs(x) > 1e3) return x > 0;
        double u = 2 * sqrt(2 / pi) * (x + 0.044715 * x * x * x), s = sigmoid(u);
        return s + x * s * sigmoid(-u) * 2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x);
    }
    case MML_RELU: return isnan(x) ? x : x > 0;
    case MML_TANH: return 1 - tanh(x) * tanh(x);
    case MML_SIGMOID: return sigmoid(x) * sigmoid(-x);
    default: return 1;
    }
}

void mml_reference_activate(mml_type type, int activation, ptrdiff_t n, const void *x, void *y) {
    for (ptrdiff_t i = 0; i < n; i++) set(type, y, i, activation_value(activation, get(type, x, i)));
}

void mml_reference_activate_backward(
    mml_type type, int activation, ptrdiff_t n, const void *x, const void *dy, void *dx, void *y) {
    for (ptrdiff_t i = 0; i < n; i++) {
        double v = get(type, x, i);
        set(type, dx, i, activation_slope(activation, v) * get(type, dy, i));
        if (y != NULL) set(type, y, i, activation_value(activation, v));
    }
}

void mml_reference_dropout(
    mml_type type, const mml_dropout_spec *spec, uint64_t first, ptrdiff_t n, const void *x, void *y) {
    for (ptrdiff_t i = 0; i < n; i++)
        set(type, y, i, get(type, x, i) * dropout_factor(spec, first + (uint64_t)i));
}

void mml_reference_random_uniform(
    mml_type type, uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, void *y) {
    for (ptrdiff_t i = 0; i < n; i++) {
        uint64_t at = first + (uint64_t)i;
        double high = word(seed, stream, 2 * at) >> 5, low = word(seed, stream, 2 * at + 1) >> 6;
        if (type == MML_F32) set(type, y, i, (word(seed, stream, at) >> 8) / 16777216.0);
        else set(type, y, i, (high * 67108864 + low) / 9007199254740992.0);
    }
}

void mml_reference_random_normal(
    mml_type type, uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, void *y) {
    for (ptrdiff_t i = 0; i < n; i++) {
        uint64_t at = first + (uint64_t)i;
        double u = (word(seed, stream, 2 * at) + 0.5) / 4294967296.0;
        double v = word(seed, stream, 2 * at + 1) / 4294967296.0;
        set(type, y, i, sqrt(-2 * log(u)) * cos(2 * acos(-1) * v));
    }
}

// --- Reductions ---

double mml_reference_sum(mml_type type, ptrdiff_t n, const void *x) {
    double total = 0;
    for (ptrdiff_t i = 0; i < n; i++) total += get(type, x, i);
    return total;
}

double mml_reference_dot(mml_type type, ptrdiff_t n, const void *x, const void *y) {
    double total = 0;
    for (ptrdiff_t i = 0; i < n; i++) total += get(type, x, i) * get(type, y, i);
    return total;
}

double mml_reference_sum_squares(mml_type type, ptrdiff_t n, const void *x) {
    return mml_reference_dot(type, n, x, x);
}

void mml_reference_sum_rows(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t ldx, void *y) {
    for (ptrdiff_t c = 0; c < columns; c++) {
        double total = 0;
        for (ptrdiff_t r = 0; r < rows; r++) total += get(type, x, r * ldx + c);
        add(type, y, c, total);
    }
}

int mml_reference_all_finite(mml_type type, ptrdiff_t n, const void *x) {
    for (ptrdiff_t i = 0; i < n; i++)
        if (!isfinite(get(type, x, i))) return 0;
    return 1;
}

// --- Rows ---

void mml_reference_residual_layernorm(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, const void *y, const mml_dropout_spec *spec,
    uint64_t first, const void *gamma, const void *beta, double epsilon, void *sum, void *mean, void *rstd,
    void *out) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        const ptrdiff_t start = r * columns;
        for (ptrdiff_t i = start; i < start + columns; i++) {
            double residual = x == NULL ? 0 : get(type, x, i);
            set(type, sum, i, residual + get(type, y, i) * dropout_factor(spec, first + (uint64_t)i));
        }
        // Everything relative to the row's first element: exact enough for a large offset, in double too.
        const double origin = columns > 0 ? get(type, sum, start) : 0;
        double total = 0, squares = 0;
        for (ptrdiff_t i = start; i < start + columns; i++) total += get(type, sum, i) - origin;
        const double middle = total / (double)columns;
        for (ptrdiff_t i = start; i < start + columns; i++)
            squares += (get(type, sum, i) - origin - middle) * (get(type, sum, i) - origin - middle);
        const double inverse = 1 / sqrt(squares / (double)columns + epsilon);
        for (ptrdiff_t c = 0; c < columns; c++) {
            double normal = (get(type, sum, start + c) - origin - middle) * inverse;
            set(type, out, start + c, get(type, gamma, c) * normal + get(type, beta, c));
        }
        if (mean != NULL) set(type, mean, r, origin + middle);
        if (rstd != NULL) set(type, rstd, r, inverse);
    }
}

void mml_reference_residual_layernorm_backward(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *sum, const void *mean, const void *rstd,
    const void *gamma, const mml_dropout_spec *spec, uint64_t first, const void *dout, void *dsum, void *dy,
    void *dgamma, void *dbeta) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        const double middle = get(type, mean, r), inverse = get(type, rstd, r);
        double g_mean = 0, gn_mean = 0;
        for (ptrdiff_t c = 0; c < columns; c++) {
            const ptrdiff_t i = r * columns + c;
            const double normal = (get(type, sum, i) - middle) * inverse, d = get(type, dout, i);
            g_mean += d * get(type, gamma, c) / (double)columns;
            gn_mean += d * get(type, gamma, c) * normal / (double)columns;
            add(type, dgamma, c, d * normal);
            add(type, dbeta, c, d);
        }
        for (ptrdiff_t c = 0; c < columns; c++) {
            const ptrdiff_t i = r * columns + c;
            const double normal = (get(type, sum, i) - middle) * inverse;
            const double d = inverse * (get(type, dout, i) * get(type, gamma, c) - g_mean - normal * gn_mean);
            set(type, dsum, i, d);
            if (dy != NULL) set(type, dy, i, d * dropout_factor(spec, first + (uint64_t)i));
        }
    }
}

static double log_sum_exp(mml_type type, ptrdiff_t n, const void *x, ptrdiff_t start) {
    double largest = -INFINITY, total = 0;
    for (ptrdiff_t i = start; i < start + n; i++) largest = fmax(largest, get(type, x, i));
    for (ptrdiff_t i = start; i < start + n; i++) total += exp(get(type, x, i) - largest);
    return largest + log(total);
}

void mml_reference_softmax(mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, void *y) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        const double whole = log_sum_exp(type, columns, x, r * columns);
        for (ptrdiff_t i = r * columns; i < (r + 1) * columns; i++) set(type, y, i, exp(get(type, x, i) - whole));
    }
}

void mml_reference_softmax_backward(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *y, const void *dy, void *dx) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        double total = 0;
        for (ptrdiff_t i = r * columns; i < (r + 1) * columns; i++) total += get(type, y, i) * get(type, dy, i);
        for (ptrdiff_t i = r * columns; i < (r + 1) * columns; i++)
            set(type, dx, i, get(type, y, i) * (get(type, dy, i) - total));
    }
}

ptrdiff_t mml_reference_cross_entropy(
    mml_type type, ptrdiff_t rows, ptrdiff_t classes, const void *logits, const int32_t *targets,
    const void *weights, double smoothing, double scale, void *loss, void *dlogits) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        const ptrdiff_t target = targets[r];
        if (target < 0 || target >= classes) return 1 + r;
        const double whole = log_sum_exp(type, classes, logits, r * classes);
        // The share of class c in the loss: (1-s) w[t] at the target and s/C w[c] everywhere.
        double total = 0, share_sum = 0;
        for (ptrdiff_t c = 0; c < classes; c++) {
            double share = smoothing / (double)classes + (c == target ? 1 - smoothing : 0);
            if (weights != NULL) share *= get(type, weights, c);
            share_sum += share;
            if (share != 0) total += share * (whole - get(type, logits, r * classes + c));
        }
        set(type, loss, r, total);
        if (dlogits == NULL) continue;
        for (ptrdiff_t c = 0; c < classes; c++) {
            double share = smoothing / (double)classes + (c == target ? 1 - smoothing : 0);
            if (weights != NULL) share *= get(type, weights, c);
            double p = exp(get(type, logits, r * classes + c) - whole);
            set(type, dlogits, r * classes + c, scale * (p * share_sum - share));
        }
    }
    return 0;
}

void mml_reference_gather(
    mml_type type, ptrdiff_t rows, ptrdiff_t width, const void *table, const int32_t *ids, int accumulate,
    void *out) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < width; c++) {
            const double before = accumulate ? get(type, out, r * width + c) : 0;
            set(type, out, r * width + c, before + get(type, table, ids[r] * width + c));
        }
}

void mml_reference_scatter_add(
    mml_type type, ptrdiff_t rows, ptrdiff_t from, ptrdiff_t to, const void *x, ptrdiff_t ldx, const int32_t *ids,
    void *table, ptrdiff_t ldt) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = from; c < to; c++) add(type, table, ids[r] * ldt + c, get(type, x, r * ldx + c));
}

// --- Optimizers and conversions ---

void mml_reference_adamw(
    mml_type type, ptrdiff_t n, const mml_adamw_step *step, const void *g, void *w, void *m, void *v) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const double gradient = step->gradient_scale * get(type, g, i) + step->l2 * get(type, w, i);
        const double mean = step->beta1 * get(type, m, i) + (1 - step->beta1) * gradient;
        const double square = step->beta2 * get(type, v, i) + (1 - step->beta2) * gradient * gradient;
        const double decayed = get(type, w, i) * (1 - step->learning_rate * step->weight_decay);
        const double corrected = (mean / step->correction1) / (sqrt(square / step->correction2) + step->epsilon);
        set(type, m, i, mean);
        set(type, v, i, square);
        set(type, w, i, decayed - step->learning_rate * corrected);
    }
}

void mml_reference_half_to_float(ptrdiff_t n, const uint16_t *x, float *y) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const int exponent = x[i] >> 10 & 31, fraction = x[i] & 1023;
        double value = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
        if (exponent == 31) value = fraction == 0 ? INFINITY : NAN;
        y[i] = (float)copysign(value, x[i] & 0x8000 ? -1 : 1);
    }
}
