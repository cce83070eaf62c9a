// Plain scalar references of the optimizers of templates/optimizer.inc.

#include <math.h>
#include <stdlib.h>

#include "CTensorKernels.h"

static double get(mml_type type, const void *p, ptrdiff_t i) {
    return type == MML_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static void set(mml_type type, void *p, ptrdiff_t i, double value) {
    if (type == MML_F32) ((float *)p)[i] = (float)value;
    else ((double *)p)[i] = value;
}

static double gradient(mml_type type, const mml_optimizer_step *step, const void *g, const void *w, ptrdiff_t i) {
    return step->gradient_scale * get(type, g, i) + step->l2 * get(type, w, i);
}

void mml_reference_sgd(
    mml_type type, ptrdiff_t n, const mml_optimizer_step *step, const void *g, void *w, void *b) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const double d = gradient(type, step, g, w, i);
        double move = d;
        if (b != NULL) {
            const double momentum = step->decay * get(type, b, i) + d;
            set(type, b, i, momentum);
            move = step->variant ? d + step->decay * momentum : momentum;
        }
        set(type, w, i, get(type, w, i) - step->learning_rate * move);
    }
}

void mml_reference_rmsprop(
    mml_type type, ptrdiff_t n, const mml_optimizer_step *step, const void *g, void *w, void *v, void *m, void *b) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const double d = gradient(type, step, g, w, i);
        const double square = step->decay * get(type, v, i) + (1 - step->decay) * d * d;
        double spread = square;
        set(type, v, i, square);
        if (m != NULL) {
            const double mean = step->decay * get(type, m, i) + (1 - step->decay) * d;
            set(type, m, i, mean);
            spread -= mean * mean;
        }
        double move = step->variant ? d / sqrt(spread + step->epsilon) : d / (sqrt(spread) + step->epsilon);
        if (b != NULL) {
            move += step->momentum * get(type, b, i);
            set(type, b, i, move);
        }
        set(type, w, i, get(type, w, i) - step->learning_rate * move);
    }
}

void mml_reference_adagrad(
    mml_type type, ptrdiff_t n, const mml_optimizer_step *step, const void *g, void *w, void *s) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const double d = gradient(type, step, g, w, i);
        const double sum = get(type, s, i) + d * d;
        set(type, s, i, sum);
        const double root = step->variant ? sqrt(sum + step->epsilon) : sqrt(sum) + step->epsilon;
        set(type, w, i, get(type, w, i) - step->learning_rate * d / root);
    }
}

void mml_reference_lion(
    mml_type type, ptrdiff_t n, const mml_optimizer_step *step, const void *g, void *w, void *m) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const double d = step->gradient_scale * get(type, g, i);
        const double weight = get(type, w, i), mean = get(type, m, i);
        const double blend = step->decay * mean + (1 - step->decay) * d;
        const double sign = blend > 0 ? 1 : blend < 0 ? -1 : blend;
        set(type, w, i, weight - step->learning_rate * (sign + step->l2 * weight));
        set(type, m, i, step->decay2 * mean + (1 - step->decay2) * d);
    }
}

void mml_reference_adamw_rows(
    mml_type type, ptrdiff_t count, ptrdiff_t width, const int32_t *rows, const int32_t *done, const mml_adamw_step *steps,
    ptrdiff_t last, const void *g, void *w, void *m, void *v) {
    const size_t row_size = (size_t)width * (type == MML_F32 ? sizeof(float) : sizeof(double));
    void *zeros = calloc(1, row_size);
    for (ptrdiff_t k = 0; k < count; k++) {
        char *row_w = (char *)w + (size_t)rows[k] * row_size, *row_m = (char *)m + (size_t)rows[k] * row_size;
        char *row_v = (char *)v + (size_t)rows[k] * row_size;
        for (ptrdiff_t t = done[k]; t < last; t++)
            mml_reference_adamw(type, width, steps + t, zeros, row_w, row_m, row_v);
        if (g != NULL)
            mml_reference_adamw(type, width, steps + last, (const char *)g + (size_t)k * row_size, row_w, row_m, row_v);
    }
    free(zeros);
}
