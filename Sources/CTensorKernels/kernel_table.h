#ifndef MML_KERNEL_TABLE_H
#define MML_KERNEL_TABLE_H

#include "CTensorKernels.h"

// One table for every instruction set and element type.
typedef struct mml_kernel_table {
#define KERNEL(result, name, parameters, arguments) result(*name) parameters;
#include "kernels.def"
#undef KERNEL
} mml_kernel_table;

// What one instruction set offers.
typedef struct mml_isa {
    const char *name;
    const mml_kernel_table *tables[2];  // by mml_type
    void (*random_words)(uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, uint32_t *words);
    void (*random_draws)(uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, uint16_t *draws);
    void (*half_to_float)(ptrdiff_t n, const uint16_t *x, float *y);
    void (*scan_fields)(const uint8_t *bytes, ptrdiff_t n, mml_scan *scan);
} mml_isa;

extern const mml_isa mml_isa_baseline;
#if defined(__x86_64__)
extern const mml_isa mml_isa_avx2;
extern const mml_isa mml_isa_avx512;
#endif

#endif
