// Chooses the instruction set once and forwards every kernel to its table.

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_table.h"

// Best last.
static const mml_isa *supported(int i) {
    const mml_isa *list[3] = {&mml_isa_baseline, NULL, NULL};
#if defined(__x86_64__)
    int count = 1;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"))
        list[count++] = &mml_isa_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl"))
        list[count++] = &mml_isa_avx512;
#endif
    return i >= 0 && i < 3 ? list[i] : NULL;
}

static const mml_isa *choose(void) {
    const char *wanted = getenv("MARKETINGML_ISA");
    const mml_isa *best = NULL;
    for (int i = 0; supported(i) != NULL; i++) {
        best = supported(i);
        if (wanted != NULL && strcmp(wanted, best->name) == 0) return best;
    }
    return best;
}

static const mml_isa *active(void) {
    static const mml_isa *_Atomic chosen;
    const mml_isa *isa = atomic_load_explicit(&chosen, memory_order_acquire);
    if (isa == NULL) {
        isa = choose();
        atomic_store_explicit(&chosen, isa, memory_order_release);
    }
    return isa;
}

const char *mml_isa_name(void) { return active()->name; }

const char *mml_isa_available(int i) {
    const mml_isa *isa = supported(i);
    return isa == NULL ? NULL : isa->name;
}

int mml_is_optimized(void) {
#if defined(__OPTIMIZE__)
    return 1;
#else
    return 0;
#endif
}

#define KERNEL(result, name, parameters, arguments)          \
    result mml_##name(mml_type type, MML_UNPACK parameters) { \
        return active()->tables[type]->name arguments;        \
    }
#include "kernels.def"
#undef KERNEL

void mml_random_words(uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, uint32_t *words) {
    active()->random_words(seed, stream, first, n, words);
}

void mml_random_draws(uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, uint16_t *draws) {
    active()->random_draws(seed, stream, first, n, draws);
}

void mml_half_to_float(ptrdiff_t n, const uint16_t *x, float *y) { active()->half_to_float(n, x, y); }

void mml_scan_fields(const uint8_t *bytes, ptrdiff_t n, mml_scan *scan) { active()->scan_fields(bytes, n, scan); }

void mml_bfloat16_to_float(ptrdiff_t n, const uint16_t *x, float *y) {
    for (ptrdiff_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)x[i] << 16;
        memcpy(&y[i], &bits, 4);
    }
}
