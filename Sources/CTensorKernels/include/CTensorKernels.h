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

// Dropout by counter: element i of a call keeps its value when draw `first + i` of the stream (seed, stream) is at
// least t, which is rate * 2^16 to the nearest integer, at most 2^16 - 1; it is then scaled by 2^16 / (2^16 - t).
// Nothing is stored: the backward pass draws the same again. rate 0 means no dropout. (Draws of 16 bits: drawing is
// what dropout costs, and rates finer than 1/65536 make no difference.)
typedef struct mml_dropout_spec {
    uint64_t seed;
    uint64_t stream;
    double rate;
} mml_dropout_spec;

static inline uint32_t mml_dropout_threshold(const mml_dropout_spec *spec) {
    const double threshold = spec->rate * 0x1p16 + 0.5;
    return threshold < 65535 ? (uint32_t)threshold : 65535;
}
static inline double mml_dropout_scale(const mml_dropout_spec *spec) {
    return 65536.0 / (65536.0 - mml_dropout_threshold(spec));
}

// What a product does with its result before it leaves the cache:
// C = act(alpha A B + (accumulate ? C : 0) + bias); the value before `act` goes to preactivation.
typedef struct mml_epilogue {
    double alpha;
    int accumulate;
    int activation;        // mml_activation
    const void *bias;      // one per column, or NULL
    void *preactivation;   // same shape and leading dimension as C, or NULL
} mml_epilogue;

// The two sides of a product of bytes (templates/integer.inc).
typedef struct mml_quantized_rows {
    const uint8_t *values;  // rows of `stride` bytes
    ptrdiff_t stride;
    const void *scales;
    const int32_t *zeros;
} mml_quantized_rows;
typedef struct mml_quantized_panels {
    const int8_t *values;
    const void *scales;
    const int32_t *sums;
} mml_quantized_panels;

typedef struct mml_adamw_step {
    double learning_rate, beta1, beta2, epsilon;
    double weight_decay, l2;          // decoupled; as a part of the gradient
    double correction1, correction2;  // 1 - beta1^t, 1 - beta2^t
    double gradient_scale;            // multiplies the gradient first (clipping, accumulation)
} mml_adamw_step;

// The other optimizers; each says in kernels.def which of these it reads.
typedef struct mml_optimizer_step {
    double learning_rate, gradient_scale, l2;
    double decay, decay2, momentum, epsilon;
    int variant;  // Nesterov's of SGD, Keras' of the others
} mml_optimizer_step;

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

// Distinct strings of bytes: key k is bytes[ends[k - 1] ..< ends[k]] (from 0 for the first). Its slot is the first one from
// hash & mask on that is not another key's; in a free slot the number is -1, and some are free.
typedef struct mml_key_slot {
    uint32_t hash;
    int32_t number;
} mml_key_slot;

typedef struct mml_key_table {
    const uint8_t *bytes;
    const ptrdiff_t *ends;
    const mml_key_slot *slots;
    ptrdiff_t mask;
} mml_key_table;

// A sparse matrix row by row: row i has the elements values[k] in the columns indices[k], distinct, for k from
// offsets[i] to below offsets[i + 1]; and, unless `constant` is 0, one more element `constant` in the column after the
// last, so that vectors by column then have columns + 1 elements.
typedef struct mml_csr {
    ptrdiff_t columns;
    const ptrdiff_t *offsets;
    const int32_t *indices;
    const void *values;
    int wide;  // 1: the values are double, 0: float
    double constant;
} mml_csr;

// What is distributed around a margin m: the loss against a target y, up to what does not depend on m.
typedef enum mml_family {
    MML_LOGISTIC,  // log(1 + e^m) - y m, y 0 or 1
    MML_POISSON,   // e^m - y m
    MML_GAMMA,     // y e^-m + m
    MML_TWEEDIE,   // e^((2-p) m) / (2-p) - y e^((1-p) m) / (1-p), power p other than 1 and 2
} mml_family;

// The loss of a linear model's value z = x · w + offset against a target y.
typedef enum mml_loss {
    MML_LOSS_LOGISTIC,         // log(1 + exp(-y z)), y = -1 or 1
    MML_LOSS_HINGE,            // max(0, 1 - y z)
    MML_LOSS_SQUARED_HINGE,    // max(0, 1 - y z)^2
    MML_LOSS_EPSILON,          // max(0, |y - z| - epsilon)
    MML_LOSS_SQUARED_EPSILON,  // max(0, |y - z| - epsilon)^2
} mml_loss;

// The dual of min ||w||^2 / 2 + Σ costs[i] loss(targets[i], x_i · w + offset) over w = Σ beta[i] x_i.
typedef struct mml_dual {
    int loss;  // mml_loss
    double epsilon, offset;
    const double *targets, *costs, *squared_norms;  // of the rows; those with cost 0 are left out
    double *beta;
    uint8_t *active;  // NULL, or set to 0 for rows at a bound that they are unlikely to leave: with beta 0 and a slack
                      // 1 - y z below -shrink_beyond, or with |beta| = cost and a slack above shrink_beyond
    double shrink_beyond;
} mml_dual;

// What a pass over rows finds: the sum of their shares of the duality gap, each just before its step (logistic: to second
// order), and the largest step, as a change of x · w.
typedef struct mml_dual_sums {
    double gap, violation;
} mml_dual_sums;
// --- Kernel machines ---

typedef enum mml_kernel_kind { MML_LINEAR, MML_RBF, MML_POLYNOMIAL, MML_SIGMOID_KERNEL } mml_kernel_kind;

// k(x, z): x z; exp(-gamma |x - z|^2); (gamma x z + constant)^degree; tanh(gamma x z + constant).
typedef struct mml_kernel_function {
    int kind;  // mml_kernel_kind
    int degree;
    double gamma, constant;
} mml_kernel_function;

// Minimises 1/2 b'Kb + p'a over 0 <= a <= bound, b = sign a, with sum b kept in each group, from the `alpha` given.
// n and ld are padded by the caller to a multiple of 8 with variables whose bound is 0 and columns of zeros.
typedef struct mml_smo_problem {
    ptrdiff_t n;
    const void *kernel;        // n rows of the call's type, ld apart
    ptrdiff_t ld;
    const double *sign;        // 1 or -1
    const double *bound;
    int groups;                // 1 or 2: a pair is chosen among the variables of one group
    const uint8_t *group;
    double *alpha;
    double *value;             // -sign * (gradient of the objective), kept up to date
    double tolerance;          // stop when the largest violation is below
    ptrdiff_t limit;           // or after so many steps
    double *scratch;           // (1 + 2 groups) n elements
    ptrdiff_t steps;           // out: steps made
    double violation;          // out: the largest violation at the end
} mml_smo_problem;
// Bits of a key that one pass of sorting looks at: counts are arrays of 2^MML_DIGIT_BITS.
enum { MML_DIGIT_BITS = 11 };

// --- Recurrent networks ---

// With x an input projection (bias included) and p a recurrent product, gates in the order given:
typedef enum mml_cell {
    MML_CELL_TANH,              // h' = tanh(x + p)
    MML_CELL_RELU,              // h' = max(0, x + p)
    MML_CELL_LSTM,              // i f g o: c' = f c + i g, h' = o tanh(c'); i, f, o sigmoid, g tanh of x + p
    MML_CELL_GRU,               // r z n: n = tanh(x + r (p + candidate_bias)), h' = (1 - z) n + z h
    MML_CELL_GRU_RESET_BEFORE,  // the same with n = tanh(x + W (r h))
} mml_cell;

// Packed sequences, G gates (1, 4 or 3) of U units: sequence s has the rows offsets[s] ..< offsets[s + 1]. A call runs those
// in `order`, the longest first. Arrays by row have a row for each row of the batch, arrays by sequence one for each sequence
// of the batch. What may be NULL is not there, or not wanted.
typedef struct mml_recurrent {
    int cell;
    int reversed;  // from the last row of a sequence to the first
    ptrdiff_t units;
    ptrdiff_t sequences;
    const ptrdiff_t *order;
    const ptrdiff_t *offsets;
    // The recurrent weight, packed: U x GU forward, GU x U backward. With a reset before the product that of r and z alone; the
    // candidate's is `candidate`.
    const void *recurrent;
    const void *candidate;
    const void *candidate_bias;    // [U], may be NULL
    const void *mask;              // by sequence, U: multiplies what the recurrent product reads; may be NULL
    const void *initial_hidden;    // by sequence, U; NULL: zeros
    const void *initial_state;     // LSTM alone
    // By row. Forward: input projections become gates, and `cells` (LSTM's cell state, GRU's p + candidate_bias or r h) and
    // `previous` (the state before the step) are written, if `previous` is not NULL. Backward: gates become the gradients of
    // the input projections; for MML_CELL_GRU `cells` becomes that of p.
    void *gates;
    // Forward without `previous`: instead of `gates`, row i has the input projections `projections + words[i] G U`. NULL: not.
    const int32_t *words;
    const void *projections;
    void *cells;
    void *previous;
    void *outputs;                 // forward: the states; backward: their gradients; may be NULL
    void *final_hidden;            // by sequence; backward: the gradients, may be NULL
    void *final_state;
    void *d_initial_hidden;        // backward alone, where there is an initial state
    void *d_initial_state;
} mml_recurrent;

// --- Matrix factorization ---

typedef enum mml_als_solver { MML_ALS_CHOLESKY, MML_ALS_CONJUGATE_GRADIENT, MML_ALS_BLOCKS, MML_ALS_NONNEGATIVE } mml_als_solver;

// Rows x that minimise x (gram + penalty) x + sum of a (y x)^2 - 2 b y x over the row's elements k, where y is the fixed row
// indices[k], b = alpha confidences[k], a = slope confidences[k] - base. Rows have `width` elements, a multiple of 16; those beyond `factors`, and of
// gram (symmetric, whole), are zero.
typedef struct mml_als {
    int solver;         // mml_als_solver
    ptrdiff_t steps;    // of conjugate gradients, or most sweeps of coordinate descent, from the `solved` that is there
    ptrdiff_t block;    // coordinates that the block solver takes at a time, a multiple of 16
    ptrdiff_t factors, width;
    const ptrdiff_t *offsets;
    const int32_t *indices;
    const float *confidences;
    double alpha, slope, base;
    const void *fixed;
    const void *gram;       // G, width x width; for conjugate gradients its diagonal, width, and the rest is zero
    double share;           // for conjugate gradients: what weight 1 on an average row y adds to G, as a part of G
    const void *penalties;  // one a row
    void *solved;
} mml_als;

// Rows of users and items (width, a multiple of 16, padded with zeros) and biases of items, all changed in place.
typedef struct mml_bpr {
    ptrdiff_t width;
    double learning_rate, regularization;
    const ptrdiff_t *offsets;  // what each user took, increasing
    const int32_t *indices;
    const int32_t *candidates;  // the items that are drawn from, each place equally likely
    ptrdiff_t candidate_count;  // 1 ... 2^31
    uint64_t seed;
    void *users, *items, *biases;
} mml_bpr;

// The prediction of a rating is mean + user bias + item bias + y (x + sum of the rows z of what the user rated / sqrt(their number)).
// Rows of users x, items y and history z (NULL: none) have `width` elements, a multiple of 16; all is changed in place.
typedef struct mml_rating_steps {
    ptrdiff_t width;
    const ptrdiff_t *offsets;
    const int32_t *indices;
    const float *ratings;
    double mean, learning_rate, regularization;
    void *users, *items, *history, *user_biases, *item_biases;
} mml_rating_steps;

// Every kernel, declared as mml_<name>(mml_type type, ...): see kernels.def.
#define MML_UNPACK(...) __VA_ARGS__
#define KERNEL(result, name, parameters, arguments) result mml_##name(mml_type type, MML_UNPACK parameters);
#include "kernels.def"
#undef KERNEL

// Kernels without a floating element type.
// words[i] = word first + i of the Philox4x32-10 stream (seed, stream).
void mml_random_words(uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, uint32_t *words);
// draws[i] = draw first + i of the same stream cut into halves: draws 128 g ..< 128 g + 64 are the low halves of words
// 64 g ..< 64 g + 64, the next 64 their high halves.
void mml_random_draws(uint64_t seed, uint64_t stream, uint64_t first, ptrdiff_t n, uint16_t *draws);
// IEEE half and bfloat16 to float (exact).
void mml_half_to_float(ptrdiff_t n, const uint16_t *x, float *y);
void mml_bfloat16_to_float(ptrdiff_t n, const uint16_t *x, float *y);
// The fields of the rows in n bytes (RFC 4180, see DelimitedFormat); 64 bytes behind them must be readable. A row that is not
// complete is left for later.
void mml_scan_fields(const uint8_t *bytes, ptrdiff_t n, mml_scan *scan);
// The hash of a key, its slot or the free one where it belongs (key_table.c).
uint32_t mml_key_hash(const uint8_t *key, ptrdiff_t n);
ptrdiff_t mml_key_place(const mml_key_table *table, const uint8_t *key, ptrdiff_t n, uint32_t hash);
// numbers[i] = the number of field i*field_step as a key. Returns how many at the front were found: the next one is not in the
// table, or is too long to look it up here.
ptrdiff_t mml_find_fields(
    const mml_key_table *table, ptrdiff_t n, const uint8_t *bytes, const mml_field *fields, ptrdiff_t field_step,
    int32_t *numbers);
// Returns Σ costs[i] loss(targets[i], z[i]); slope and curvature (both or neither NULL) get each term's first and second
// derivative by z[i] (linear_loss.c).
double mml_linear_loss(
    int loss, double epsilon, ptrdiff_t n, const double *targets, const double *costs, const double *z, double *slope,
    double *curvature);
// The duality gap of an mml_dual at beta, for z = X w + offset: the sum over examples of loss, conjugate and beta z.
double mml_linear_gap(
    int loss, double epsilon, ptrdiff_t n, const double *targets, const double *costs, const double *z,
    const double *beta);

#include "mml_reference.h"

#endif
