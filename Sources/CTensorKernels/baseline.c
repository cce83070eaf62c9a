// Kernels for every processor: 16-byte vectors (SSE2 on x86-64, NEON on arm64), no target beyond the compiler's own.

#include <math.h>
#include <string.h>

#include "kernel_table.h"

#define ISA baseline
#define VECTOR_BYTES 16
#include "templates/isa.inc"
