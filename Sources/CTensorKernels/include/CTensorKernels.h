#ifndef CTENSORKERNELS_H
#define CTENSORKERNELS_H

// The C side of Tensor: a thread pool, and serial kernels that are compiled once for every instruction set
// and chosen at start. Every exported name begins with mml_.
//
// Rules that every kernel keeps:
// - serial: it works on the range that it is given; the caller cuts the work over the pool;
// - it neither allocates, prints nor aborts; scratch memory comes from the caller;
// - pointers need only the alignment of their element; outputs may alias inputs only where said so;
// - a count of zero is allowed and does nothing; NaN in gives NaN out.

#include <stddef.h>
#include <stdint.h>

// The element type of a kernel's `void *` arguments.
typedef enum mml_type { MML_F32 = 0, MML_F64 = 1 } mml_type;

// Instruction sets. The best one this machine has (and that is not held back) is chosen at the first call;
// MARKETINGML_ISA=baseline|avx2|avx512 forces one.
const char *mml_isa_name(void);
// Name of the i-th set that this machine can run, best last; NULL past the end.
const char *mml_isa_available(int i);
// 1 when this C code was compiled with optimisation; debug builds are some 30 times slower.
int mml_is_optimized(void);

// Thread pool (pool.c).
int mml_thread_count(void);
// Sets the number of threads, the caller's included (at least 1; at most 256).
void mml_set_thread_count(int count);
// Runs body(context, 0 ..< tasks) on the pool and returns when all are done. The caller works too. Which
// thread runs which task is not fixed. A nested call, or one that finds the pool busy, runs inline.
void mml_parallel(ptrdiff_t tasks, void (*body)(void *context, ptrdiff_t task), void *context);

typedef enum mml_activation {
    MML_IDENTITY = 0,
    MML_GELU = 1,       // x Φ(x)
    MML_GELU_TANH = 2,  // the tanh approximation
    MML_RELU = 3,
    MML_TANH = 4,
    MML_SIGMOID = 5,
} mml_activation;

typedef enum mml_unary_op {
    MML_NEGATE, MML_EXP, MML_LOG, MML_SQRT, MML_ERF, MML_ABS, MML_RECIPROCAL,
} mml_unary_op;

typedef enum mml_binary_op { MML_ADD, MML_SUBTRACT, MML_MULTIPLY, MML_DIVIDE, MML_MAXIMUM, MML_MINIMUM } mml_binary_op;

// Dropout by counter: element i of a call keeps its value (scaled by 1 / (1 - rate)) when word
// `first + i` of the stream (seed, stream) is at least rate * 2^32. Nothing is stored: the backward pass
// draws the same words again. rate 0 means no dropout.
typedef struct mml_dropout_spec {
    uint64_t seed;
    uint64_t stream;
    double rate;
} mml_dropout_spec;

// What a product does with its result before it leaves the cache:
// C = act(alpha A B + (accumulate ? C : 0) + bias); the value before `act` goes to preactivation.
typedef struct mml_epilogue {
    double alpha;
    int accumulate;
    int activation;        // mml_activation
    const void *bias;      // one per column, or NULL
    void *preactivation;   // same shape and leading dimension as C, or NULL
} mml_epilogue;

typedef struct mml_adamw_step {
    double learning_rate, beta1, beta2, epsilon, weight_decay;
    double correction1, correction2;  // 1 - beta1^t, 1 - beta2^t
    double gradient_scale;            // multiplies the gradient first (clipping, accumulation)
} mml_adamw_step;

// Bits of a key that one pass of sorting looks at: counts are arrays of 2^MML_DIGIT_BITS.
enum { MML_DIGIT_BITS = 11 };
// A field of a delimited text: where its text begins, and its length. The highest bit of the length is set where the text
// holds doubled quotes.
typedef struct mml_field {
    uint32_t start;
    uint32_t length;
} mml_field;
#define MML_DOUBLED_QUOTES 0x80000000u

typedef enum mml_scan_status {
    MML_SCAN_DONE,
    MML_SCAN_RAGGED,           // a row has not `columns` fields but `last_fields`
    MML_SCAN_UNCLOSED,         // the quote at error_offset is not closed
    MML_SCAN_TEXT_AFTER_QUOTE, // there is text behind a closing quote, at error_offset
} mml_scan_status;

// Finding the fields of whole rows.
typedef struct mml_scan {
    // Given: the format; whether the bytes are the text's last; how many fields a row must have (0: any) and how many rows are
    // wanted at most (-1: all); room for one field more than there are bytes.
    uint8_t separator;
    int allows_quotes;
    int is_last;
    ptrdiff_t columns;
    ptrdiff_t max_rows;
    mml_field *fields;
    // Found: the rows; their fields; the bytes that they take, empty lines included; the line ends in those; the fields
    // found of the row after them; how it ended.
    ptrdiff_t rows;
    ptrdiff_t field_count;
    ptrdiff_t used;
    ptrdiff_t lines;
    ptrdiff_t last_fields;
    int status;
    ptrdiff_t error_offset;
} mml_scan;

// Every kernel, declared as mml_<name>(mml_type type, ...): see kernels.def.
#define MML_UNPACK(...) __VA_ARGS__
#define KERNEL(result, name, parameters, arguments) result mml_##name(mml_type type, MML_UNPACK parameters);
#include "kernels.def"
#undef KERNEL

// Kernels without a floating element type.
// words[i] = word first + i of the Philox4x32-10 stream (seed, stream).
void mml_random_words(uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, uint32_t *words);
// IEEE half and bfloat16 to float (exact).
void mml_half_to_float(ptrdiff_t n, const uint16_t *x, float *y);
void mml_bfloat16_to_float(ptrdiff_t n, const uint16_t *x, float *y);
// The fields of the rows in n bytes (RFC 4180, see DelimitedFormat); 64 bytes behind them must be readable. A row that is not
// complete is left for later.
void mml_scan_fields(const uint8_t *bytes, ptrdiff_t n, mml_scan *scan);

#include "mml_reference.h"

#endif
