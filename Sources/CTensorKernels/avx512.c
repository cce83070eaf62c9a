// Kernels for x86-64 with AVX-512 (F, BW, DQ, VL): 64-byte vectors.

#include <math.h>
#include <string.h>

#include "kernel_table.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define ISA avx512
#define VECTOR_BYTES 64
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#include "templates/isa.inc"
#pragma clang attribute pop
#endif
