// Plain references of the sorting kernels: one loop a sentence of kernels.def.

#include <math.h>
#include <string.h>

#include "CTensorKernels.h"

static uint64_t key_at(mml_type type, const void *keys, ptrdiff_t i) {
    return type == MML_F32 ? ((const uint32_t *)keys)[i] : ((const uint64_t *)keys)[i];
}

static void set_key(mml_type type, void *keys, ptrdiff_t i, uint64_t key) {
    if (type == MML_F32) ((uint32_t *)keys)[i] = (uint32_t)key;
    else ((uint64_t *)keys)[i] = key;
}

static uint64_t order_key(mml_type type, const void *x, ptrdiff_t i) {
    if (type == MML_F32) {
        float value = ((const float *)x)[i];
        if (value == 0) return 0x80000000u;
        uint32_t bits;
        memcpy(&bits, &value, 4);
        return value < 0 ? 0xFFFFFFFFu - bits : bits + 0x80000000u;
    }
    double value = ((const double *)x)[i];
    if (value == 0) return UINT64_C(1) << 63;
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return value < 0 ? ~UINT64_C(0) - bits : bits + (UINT64_C(1) << 63);
}

ptrdiff_t mml_reference_order_keys(
    mml_type type, ptrdiff_t n, const void *x, const uint8_t *is_chosen, void *chosen, void *others, uint64_t *bits) {
    ptrdiff_t taken = 0, left = 0, bad = -1;
    for (ptrdiff_t i = n - 1; i >= 0; i--)
        if (!isfinite(type == MML_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i])) bad = i;
    for (ptrdiff_t i = 0; i < n; i++) {
        uint64_t key = order_key(type, x, i);
        if (is_chosen != NULL && is_chosen[i]) set_key(type, chosen, taken++, key);
        else set_key(type, others, left++, key);
        bits[0] |= key;
        bits[1] &= key;
    }
    return bad;
}

static ptrdiff_t digit(uint64_t key, int shift) { return (ptrdiff_t)((key >> shift) % (1 << MML_DIGIT_BITS)); }

void mml_reference_digit_counts(mml_type type, ptrdiff_t n, const void *keys, int shift, ptrdiff_t *counts) {
    for (ptrdiff_t i = 0; i < n; i++) counts[digit(key_at(type, keys, i), shift)]++;
}

void mml_reference_digit_scatter(
    mml_type type, ptrdiff_t n, const void *keys, const int32_t *beside, int shift, ptrdiff_t *next, void *sorted,
    int32_t *sorted_beside) {
    for (ptrdiff_t i = 0; i < n; i++) {
        ptrdiff_t place = next[digit(key_at(type, keys, i), shift)]++;
        set_key(type, sorted, place, key_at(type, keys, i));
        if (beside != NULL) sorted_beside[place] = beside[i];
    }
}

ptrdiff_t mml_reference_insertion_sort(mml_type type, ptrdiff_t n, void *keys, ptrdiff_t limit) {
    ptrdiff_t inversions = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < i; j++) inversions += key_at(type, keys, j) > key_at(type, keys, i);
    if (inversions > limit) return -1;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = i; j > 0 && key_at(type, keys, j - 1) > key_at(type, keys, j); j--) {
            const uint64_t key = key_at(type, keys, j);
            set_key(type, keys, j, key_at(type, keys, j - 1));
            set_key(type, keys, j - 1, key);
        }
    return inversions;
}

int64_t mml_reference_ordered_pairs(
    mml_type type, ptrdiff_t a_count, const void *a, ptrdiff_t b_count, const void *b) {
    int64_t pairs = 0;
    for (ptrdiff_t i = 0; i < a_count; i++)
        for (ptrdiff_t j = 0; j < b_count; j++) {
            if (key_at(type, b, j) < key_at(type, a, i)) pairs += 2;
            if (key_at(type, b, j) == key_at(type, a, i)) pairs += 1;
        }
    return pairs;
}
