#ifndef MML_REFERENCE_H
#define MML_REFERENCE_H

// Plain scalar versions of the kernels, in double and in the order of the formulas: what the tests compare with.
// mml_reference_<name> takes the arguments of mml_<name>.

#define KERNEL(result, name, parameters, arguments) \
    result mml_reference_##name(mml_type type, MML_UNPACK parameters);
#include "kernels.def"
#undef KERNEL

void mml_reference_random_words(uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, uint32_t *words);
void mml_reference_random_draws(uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, uint16_t *draws);
// One Philox4x32-10 block.
void mml_reference_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]);
void mml_reference_half_to_float(ptrdiff_t n, const uint16_t *x, float *y);
void mml_reference_scan_fields(const uint8_t *bytes, ptrdiff_t n, mml_scan *scan);

#endif
