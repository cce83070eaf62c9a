// Plain references of the recurrent kernels: one sequence after the other, one unit after the other, in double.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "CTensorKernels.h"

static double get(mml_type type, const void *p, ptrdiff_t i) {
    if (p == NULL) return 0;
    return type == MML_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static void set(mml_type type, void *p, ptrdiff_t i, double value) {
    if (p == NULL) return;
    if (type == MML_F32) ((float *)p)[i] = (float)value;
    else ((double *)p)[i] = value;
}

// Element (p, j) of a packed matrix of k rows.
static double packed_at(mml_type type, const void *packed, ptrdiff_t k, ptrdiff_t p, ptrdiff_t j) {
    const ptrdiff_t width = mml_panel_width(type, 0);
    return get(type, packed, j / width * width * k + p * width + j % width);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static int gates_of(int cell) {
    return cell == MML_CELL_LSTM ? 4 : cell == MML_CELL_GRU || cell == MML_CELL_GRU_RESET_BEFORE ? 3 : 1;
}

ptrdiff_t mml_reference_recurrent_scratch(mml_type type, int cell, ptrdiff_t sequences, ptrdiff_t units) {
    (void)type, (void)cell, (void)sequences, (void)units;
    return 0;
}

static ptrdiff_t row_at(const mml_recurrent *r, ptrdiff_t s, ptrdiff_t t) {
    return r->reversed ? r->offsets[s + 1] - 1 - t : r->offsets[s] + t;
}

// p = sum over units of (mask h) times the recurrent weight's column.
static double product(mml_type type, const mml_recurrent *r, const void *weight, const double *fed, ptrdiff_t column) {
    double sum = 0;
    for (ptrdiff_t k = 0; k < r->units; k++) sum += fed[k] * packed_at(type, weight, r->units, k, column);
    return sum;
}

static double mask_at(mml_type type, const mml_recurrent *r, ptrdiff_t s, ptrdiff_t i) {
    return r->mask == NULL ? 1 : get(type, r->mask, s * r->units + i);
}

void mml_reference_recurrent_forward(mml_type type, const mml_recurrent *r, void *scratch) {
    (void)scratch;
    const ptrdiff_t u = r->units, g = gates_of(r->cell) * u;
    const int save = r->previous != NULL;
    const void *projections = r->words == NULL ? r->gates : r->projections;
    double *h = calloc((size_t)(5 * u + 1), sizeof *h), *c = h + u, *fed = c + u, *next = fed + u, *kept = next + u;
    for (ptrdiff_t slot = 0; slot < r->sequences; slot++) {
        const ptrdiff_t s = r->order[slot], length = r->offsets[s + 1] - r->offsets[s];
        for (ptrdiff_t i = 0; i < u; i++) {
            h[i] = get(type, r->initial_hidden, s * u + i);
            c[i] = get(type, r->initial_state, s * u + i);
        }
        for (ptrdiff_t t = 0; t < length; t++) {
            const ptrdiff_t row = row_at(r, s, t), z = (r->words == NULL ? row : r->words[row]) * g;
            for (ptrdiff_t i = 0; i < u; i++) fed[i] = h[i] * mask_at(type, r, s, i);
            if (r->cell == MML_CELL_GRU_RESET_BEFORE)
                for (ptrdiff_t i = 0; i < u; i++)
                    kept[i] = fed[i] * sigmoid(get(type, projections, z + i) + product(type, r, r->recurrent, fed, i));
            for (ptrdiff_t i = 0; i < u; i++) {
                double gate[4] = {0}, cell = 0;
                const int in_one = r->cell != MML_CELL_GRU_RESET_BEFORE;
                for (int k = 0; k < (in_one ? g / u : 2); k++) gate[k] = product(type, r, r->recurrent, fed, k * u + i);
                if (!in_one) gate[2] = product(type, r, r->candidate, kept, i);
                for (int k = 0; k < g / u; k++)
                    if (r->cell != MML_CELL_GRU || k < 2) gate[k] += get(type, projections, z + k * u + i);
                switch (r->cell) {
                case MML_CELL_TANH: next[i] = gate[0] = tanh(gate[0]); break;
                case MML_CELL_RELU: next[i] = gate[0] = gate[0] < 0 ? 0 : gate[0]; break;
                case MML_CELL_LSTM:
                    for (int k = 0; k < 4; k++) gate[k] = k == 2 ? tanh(gate[k]) : sigmoid(gate[k]);
                    cell = c[i] = gate[1] * c[i] + gate[0] * gate[2];
                    next[i] = gate[3] * tanh(c[i]);
                    break;
                default:
                    gate[0] = sigmoid(gate[0]);
                    gate[1] = sigmoid(gate[1]);
                    if (r->cell == MML_CELL_GRU) {
                        cell = gate[2] + get(type, r->candidate_bias, i);
                        gate[2] = tanh(get(type, projections, z + 2 * u + i) + gate[0] * cell);
                    } else {
                        cell = kept[i];
                        gate[2] = tanh(gate[2]);
                    }
                    next[i] = (1 - gate[1]) * gate[2] + gate[1] * h[i];
                }
                if (save) {
                    for (int k = 0; k < g / u; k++) set(type, r->gates, z + k * u + i, gate[k]);
                    set(type, r->cells, row * u + i, cell);
                    set(type, r->previous, row * u + i, h[i]);
                }
                set(type, r->outputs, row * u + i, next[i]);
            }
            memcpy(h, next, (size_t)u * sizeof *h);
        }
        for (ptrdiff_t i = 0; i < u; i++) {
            set(type, r->final_hidden, s * u + i, h[i]);
            set(type, r->final_state, s * u + i, c[i]);
        }
    }
    free(h);
}

void mml_reference_recurrent_backward(mml_type type, const mml_recurrent *r, void *scratch) {
    (void)scratch;
    const ptrdiff_t u = r->units, g = gates_of(r->cell) * u;
    double *dh = calloc((size_t)(9 * u + 1), sizeof *dh), *dc = dh + u, *dfed = dc + u, *dkept = dfed + u, *d = dkept + u;
    for (ptrdiff_t slot = 0; slot < r->sequences; slot++) {
        const ptrdiff_t s = r->order[slot], length = r->offsets[s + 1] - r->offsets[s];
        for (ptrdiff_t i = 0; i < u; i++) {
            dh[i] = get(type, r->final_hidden, s * u + i);
            dc[i] = get(type, r->final_state, s * u + i);
        }
        for (ptrdiff_t t = length - 1; t >= 0; t--) {
            const ptrdiff_t row = row_at(r, s, t), z = row * g;
            memset(dfed, 0, (size_t)(2 * u) * sizeof *dfed);
            // d: by gate, the gradient that the recurrent product gets.
            for (ptrdiff_t i = 0; i < u; i++) {
                const double up = dh[i] + get(type, r->outputs, row * u + i), before = get(type, r->previous, row * u + i);
                double a[4] = {0}, e[4] = {0};
                for (int k = 0; k < g / u; k++) a[k] = get(type, r->gates, z + k * u + i);
                dh[i] = 0;
                switch (r->cell) {
                case MML_CELL_TANH: e[0] = up * (1 - a[0] * a[0]); break;
                case MML_CELL_RELU: e[0] = a[0] > 0 ? up : 0; break;
                case MML_CELL_LSTM: {
                    const double bent = tanh(get(type, r->cells, row * u + i));
                    const double last = t > 0 ? get(type, r->cells, row_at(r, s, t - 1) * u + i)
                                              : get(type, r->initial_state, s * u + i);
                    const double slope = dc[i] + up * a[3] * (1 - bent * bent);
                    e[0] = slope * a[2] * a[0] * (1 - a[0]);
                    e[1] = slope * last * a[1] * (1 - a[1]);
                    e[2] = slope * a[0] * (1 - a[2] * a[2]);
                    e[3] = up * bent * a[3] * (1 - a[3]);
                    dc[i] = slope * a[1];
                    break;
                }
                default:
                    e[1] = up * (before - a[2]) * a[1] * (1 - a[1]);
                    e[2] = up * (1 - a[1]) * (1 - a[2] * a[2]);
                    dh[i] = up * a[1];
                    if (r->cell == MML_CELL_GRU) e[0] = e[2] * get(type, r->cells, row * u + i) * a[0] * (1 - a[0]);
                }
                for (int k = 0; k < g / u; k++) d[k * u + i] = e[k];
                if (r->cell == MML_CELL_GRU) d[2 * u + i] = e[2] * a[0];
                for (int k = 0; k < g / u; k++)
                    if (r->cell != MML_CELL_GRU_RESET_BEFORE || k > 0) set(type, r->gates, z + k * u + i, e[k]);
                if (r->cell == MML_CELL_GRU) set(type, r->cells, row * u + i, e[2] * a[0]);
            }
            if (r->cell == MML_CELL_GRU_RESET_BEFORE) {
                for (ptrdiff_t i = 0; i < u; i++)
                    for (ptrdiff_t k = 0; k < u; k++) dkept[i] += d[2 * u + k] * packed_at(type, r->candidate, u, k, i);
                for (ptrdiff_t i = 0; i < u; i++) {
                    const double reset = get(type, r->gates, z + i);
                    const double fed = get(type, r->previous, row * u + i) * mask_at(type, r, s, i);
                    d[i] = dkept[i] * fed * reset * (1 - reset);
                    dfed[i] = dkept[i] * reset;
                    set(type, r->gates, z + i, d[i]);
                }
            }
            const ptrdiff_t rows = r->cell == MML_CELL_GRU_RESET_BEFORE ? 2 * u : g;
            for (ptrdiff_t i = 0; i < u; i++) {
                for (ptrdiff_t k = 0; k < rows; k++) dfed[i] += d[k] * packed_at(type, r->recurrent, rows, k, i);
                dh[i] += dfed[i] * mask_at(type, r, s, i);
            }
        }
        for (ptrdiff_t i = 0; i < u; i++) {
            if (r->initial_hidden != NULL) set(type, r->d_initial_hidden, s * u + i, dh[i]);
            if (r->initial_state != NULL) set(type, r->d_initial_state, s * u + i, dc[i]);
        }
    }
    free(dh);
}
