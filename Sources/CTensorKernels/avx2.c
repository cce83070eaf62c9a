// Kernels for x86-64 with AVX2, FMA and F16C: 32-byte vectors.

#include <math.h>
#include <string.h>

#include "kernel_table.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define ISA avx2
#define VECTOR_BYTES 32
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "templates/isa.inc"
#pragma clang attribute pop
#endif
