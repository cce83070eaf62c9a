// Matrix factorization as on paper, in double.

#include <math.h>
#include <stdlib.h>

#include "CTensorKernels.h"

static double get(mml_type type, const void *p, ptrdiff_t i) {
    return type == MML_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}
static void put(mml_type type, void *p, ptrdiff_t i, double value) {
    if (type == MML_F32) ((float *)p)[i] = (float)value;
    else ((double *)p)[i] = value;
}

void mml_reference_factor_gram(mml_type type, ptrdiff_t rows, ptrdiff_t width, const void *x, void *gram) {
    for (ptrdiff_t i = 0; i < width; i++)
        for (ptrdiff_t j = i; j < width; j++) {
            double sum = 0;
            for (ptrdiff_t r = 0; r < rows; r++) sum += get(type, x, r * width + i) * get(type, x, r * width + j);
            put(type, gram, i * width + j, sum);
        }
}

// In doubles: the matrix, the right side.
ptrdiff_t mml_reference_als_scratch(mml_type type, const mml_als *s, ptrdiff_t longest) {
    (void)longest;
    return (s->factors * s->factors + s->factors) * (type == MML_F32 ? 2 : 1);
}

// Every solver's limit: the normal equations, by Gauss' elimination.
ptrdiff_t mml_reference_als_solve(mml_type type, const mml_als *s, ptrdiff_t first, ptrdiff_t last, void *scratch) {
    const ptrdiff_t n = s->factors, w = s->width;
    double *a = scratch, *b = a + n * n;
    for (ptrdiff_t row = first; row < last; row++) {
        for (ptrdiff_t i = 0; i < n; i++) {
            b[i] = 0;
            for (ptrdiff_t j = 0; j < n; j++) a[i * n + j] = get(type, s->gram, i * w + j);
            a[i * n + i] += get(type, s->penalties, row);
        }
        for (ptrdiff_t k = s->offsets[row]; k < s->offsets[row + 1]; k++) {
            const ptrdiff_t y = s->indices[k] * w;
            const double pull = s->alpha * (double)s->confidences[k];
            for (ptrdiff_t i = 0; i < n; i++) {
                b[i] += pull * get(type, s->fixed, y + i);
                for (ptrdiff_t j = 0; j < n; j++)
                    a[i * n + j] += (s->slope * (double)s->confidences[k] - s->base) * get(type, s->fixed, y + i) * get(type, s->fixed, y + j);
            }
        }
        for (ptrdiff_t i = 0; i < n; i++) {
            if (!(a[i * n + i] > 0)) return row;
            for (ptrdiff_t q = i + 1; q < n; q++) {
                const double factor = a[q * n + i] / a[i * n + i];
                for (ptrdiff_t j = i; j < n; j++) a[q * n + j] -= factor * a[i * n + j];
                b[q] -= factor * b[i];
            }
        }
        for (ptrdiff_t i = n - 1; i >= 0; i--) {
            for (ptrdiff_t j = i + 1; j < n; j++) b[i] -= a[i * n + j] * b[j];
            b[i] /= a[i * n + i];
        }
        for (ptrdiff_t i = 0; i < w; i++) put(type, s->solved, row * w + i, i < n ? b[i] : 0);
    }
    return -1;
}

double mml_reference_als_loss(mml_type type, const mml_als *s, ptrdiff_t first, ptrdiff_t last) {
    double total = 0;
    for (ptrdiff_t row = first; row < last; row++)
        for (ptrdiff_t k = s->offsets[row]; k < s->offsets[row + 1]; k++) {
            double p = 0;
            for (ptrdiff_t i = 0; i < s->factors; i++)
                p += get(type, s->solved, row * s->width + i) * get(type, s->fixed, s->indices[k] * s->width + i);
            const double a = s->slope * (double)s->confidences[k] - s->base, b = s->alpha * (double)s->confidences[k];
            total += a * p * p - 2 * b * p + b;
        }
    return total;
}

ptrdiff_t mml_reference_top_scores(
    mml_type type, ptrdiff_t n, const void *x, const int32_t *ids, int32_t first, ptrdiff_t k, ptrdiff_t count, void *best,
    int32_t *items) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const double score = get(type, x, i);
        const int32_t item = ids == NULL ? first + (int32_t)i : ids[i];
        if (isnan(score) || score == -INFINITY || k == 0) continue;
        if (count < k) {
            put(type, best, count, score);
            items[count++] = item;
            continue;
        }
        ptrdiff_t worst = 0;
        for (ptrdiff_t j = 1; j < k; j++) {
            const double a = get(type, best, j), b = get(type, best, worst);
            if (a < b || (a == b && items[j] > items[worst])) worst = j;
        }
        const double bound = get(type, best, worst);
        if (score > bound || (score == bound && item < items[worst])) {
            put(type, best, worst, score);
            items[worst] = item;
        }
    }
    return count;
}

ptrdiff_t mml_reference_bpr_pass(mml_type type, const mml_bpr *s, ptrdiff_t count, const int32_t *pairs) {
    uint64_t state = s->seed;
    ptrdiff_t right = 0;
    for (ptrdiff_t at = 0; at < count; at++) {
        const int32_t u = pairs[2 * at], p = pairs[2 * at + 1];
        uint64_t z = (state += 0x9E3779B97F4A7C15u);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        z ^= z >> 31;
        const int32_t n = s->candidates[(z >> 32) * (uint64_t)s->candidate_count >> 32];
        int taken = 0;
        for (ptrdiff_t k = s->offsets[u]; k < s->offsets[u + 1]; k++) taken |= s->indices[k] == n;
        if (taken) continue;
        double margin = get(type, s->biases, p) - get(type, s->biases, n);
        for (ptrdiff_t j = 0; j < s->width; j++)
            margin += get(type, s->users, u * s->width + j)
                * (get(type, s->items, p * s->width + j) - get(type, s->items, n * s->width + j));
        right += margin > 0;
        const double slope = s->learning_rate / (1 + exp(margin)), keep = 1 - s->learning_rate * s->regularization;
        for (ptrdiff_t j = 0; j < s->width; j++) {
            const double x = get(type, s->users, u * s->width + j), a = get(type, s->items, p * s->width + j),
                         b = get(type, s->items, n * s->width + j);
            put(type, s->users, u * s->width + j, keep * x + slope * (a - b));
            put(type, s->items, p * s->width + j, keep * a + slope * x);
            put(type, s->items, n * s->width + j, keep * b - slope * x);
        }
        put(type, s->biases, p, keep * get(type, s->biases, p) + slope);
        put(type, s->biases, n, keep * get(type, s->biases, n) - slope);
    }
    return right;
}

// As in the paper: every rating updates the rows of all that the user rated.
double mml_reference_rating_pass(
    mml_type type, const mml_rating_steps *s, ptrdiff_t first, ptrdiff_t last, void *scratch) {
    const ptrdiff_t w = s->width;
    const double rate = s->learning_rate, keep = 1 - rate * s->regularization;
    double total = 0;
    for (ptrdiff_t u = first; u < last; u++) {
        const ptrdiff_t start = s->offsets[u], end = s->offsets[u + 1];
        const double share = 1 / sqrt((double)(end - start));
        for (ptrdiff_t k = start; k < end; k++) {
            const ptrdiff_t item = s->indices[k];
            double error = (double)s->ratings[k] - s->mean - get(type, s->user_biases, u) - get(type, s->item_biases, item);
            for (ptrdiff_t j = 0; j < w; j++) {
                double h = 0;
                for (ptrdiff_t q = start; s->history != NULL && q < end; q++)
                    h += share * get(type, s->history, s->indices[q] * w + j);
                put(type, scratch, j, h);
                error -= get(type, s->items, item * w + j) * (get(type, s->users, u * w + j) + h);
            }
            total += error * error;
            put(type, s->user_biases, u, keep * get(type, s->user_biases, u) + rate * error);
            put(type, s->item_biases, item, keep * get(type, s->item_biases, item) + rate * error);
            for (ptrdiff_t j = 0; j < w; j++) {
                const double x = get(type, s->users, u * w + j), y = get(type, s->items, item * w + j);
                put(type, s->users, u * w + j, keep * x + rate * error * y);
                put(type, s->items, item * w + j, keep * y + rate * error * (x + get(type, scratch, j)));
                for (ptrdiff_t q = start; s->history != NULL && q < end; q++) {
                    const ptrdiff_t at = s->indices[q] * w + j;
                    put(type, s->history, at, keep * get(type, s->history, at) + rate * error * share * y);
                }
            }
        }
    }
    return total;
}
