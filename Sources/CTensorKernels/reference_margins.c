// Plain scalar references of the kernels of templates/margins.inc.

#include <math.h>

#include "CTensorKernels.h"

static double get(mml_type type, const void *p, ptrdiff_t i) {
    return type == MML_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static void set(mml_type type, void *p, ptrdiff_t i, double value) {
    if (type == MML_F32) ((float *)p)[i] = (float)value;
    else ((double *)p)[i] = value;
}

void mml_reference_add_margins(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t ldx, const double *coefficients,
    double *margins) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        double sum = 0;
        for (ptrdiff_t c = 0; c < columns; c++) sum += get(type, x, r * ldx + c) * coefficients[c];
        margins[r] += sum;
    }
}

void mml_reference_add_weighted_rows(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t ldx, const double *factors,
    double *sums) {
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t c = 0; c < columns; c++) sums[c] += factors[r] * get(type, x, r * ldx + c);
}

void mml_reference_add_moments(
    mml_type type, ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t ldx, const double *pilots, double *first,
    double *second) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t c = 0; c < columns; c++) {
            const double d = get(type, x, r * ldx + c) - pilots[c];
            first[c] += d;
            second[c] += d * d;
        }
    }
}

double mml_reference_margin_losses(
    mml_type type, int loss, double power, ptrdiff_t n, const void *margins, const void *targets, const void *weights,
    void *slopes, void *curvatures) {
    double total = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const double m = get(type, margins, i), y = get(type, targets, i);
        const double weight = weights == NULL ? 1 : get(type, weights, i);
        double value, slope, curvature;
        switch (loss) {
        case MML_LOGISTIC:
            value = log1p(exp(-fabs(m))) + fmax(y > 0.5 ? -m : m, m != m ? m : 0);
            slope = y > 0.5 ? -1 / (1 + exp(m)) : 1 / (1 + exp(-m));
            curvature = 1 / (1 + exp(-m)) * (1 / (1 + exp(m)));
            break;
        case MML_POISSON:
            value = exp(m) - y * m;
            slope = exp(m) - y;
            curvature = exp(m);
            break;
        case MML_GAMMA:
            value = y * exp(-m) + m;
            slope = 1 - y * exp(-m);
            curvature = y * exp(-m);
            break;
        default:
            value = exp((2 - power) * m) / (2 - power) - y * exp((1 - power) * m) / (1 - power);
            slope = exp((2 - power) * m) - y * exp((1 - power) * m);
            curvature = power <= 2 ? (2 - power) * exp((2 - power) * m) - (1 - power) * y * exp((1 - power) * m)
                                   : exp((2 - power) * m);
        }
        total += weight * value;
        if (slopes != NULL) set(type, slopes, i, weight * slope);
        if (curvatures != NULL) set(type, curvatures, i, weight * curvature);
    }
    return total;
}

double mml_reference_softmax_losses(
    mml_type type, ptrdiff_t n, ptrdiff_t classes, ptrdiff_t ld, const void *margins, int reference,
    const int32_t *targets, const void *weights, void *probabilities) {
    double total = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        double largest = reference ? 0 : -INFINITY;
        for (ptrdiff_t k = 0; k < classes; k++) largest = fmax(largest, get(type, margins, k * ld + i));
        double sum = reference ? exp(-largest) : 0;
        for (ptrdiff_t k = 0; k < classes; k++) sum += exp(get(type, margins, k * ld + i) - largest);
        for (ptrdiff_t k = 0; k < classes; k++)
            set(type, probabilities, k * ld + i, exp(get(type, margins, k * ld + i) - largest) / sum);
        const ptrdiff_t k = targets[i] - (reference ? 1 : 0);
        const double own = k < 0 ? 0 : get(type, margins, k * ld + i);
        total += (weights == NULL ? 1 : get(type, weights, i)) * (log(sum) + largest - own);
    }
    return total;
}
