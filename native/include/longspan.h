/*
 * Longspan's C ABI.
 *
 * Every kernel computes one range of work on the caller's thread; the caller splits the work and owns all memory. Sizes,
 * strides and offsets count elements. Pointers that may be NULL say so. A function returns LS_OK or a status whose text
 * ls_last_error gives, per thread. Structs start with their own size in bytes. `cancel` may be NULL; when what it points to
 * is not 0, kernels that take it stop at their next tile with LS_CANCELLED and leave their outputs undefined. What is said to
 * be half is stored as bfloat16, the upper half of a float; sums are float everywhere.
 */
#ifndef LONGSPAN_H
#define LONGSPAN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#pragma GCC visibility push(default)
#endif

#define LS_ABI_VERSION 6

typedef int32_t ls_status;

enum { LS_OK = 0, LS_CANCELLED = 1, LS_BAD_ARGUMENT = 2 };

/* LS_ABI_VERSION of the library; a caller built for another one must not call anything else. */
int32_t ls_abi_version(void);

/* A line for each function and struct: name, then types or size and fields, as the library was compiled. */
const char *ls_abi(void);

/* Which kernels run: avx512_bf16, avx512, avx2 or portable. LONGSPAN_TIER in the environment caps the choice. */
const char *ls_tier(void);

/* What was wrong with this thread's last call that did not return LS_OK. */
const char *ls_last_error(void);

/* ---- matrix products ---- */

/* Columns of a packed panel. */
int64_t ls_gemm_panel(void);

/* Packs columns of b into panels of [depth, ls_gemm_panel()], zeros behind the last column. */
ls_status ls_gemm_pack(const void *b, int32_t half, int64_t b_row, int64_t b_col, int64_t cols, int64_t depth,
                       float *packed);

/* Elements of scratch that ls_gemm needs for so many rows and columns. */
int64_t ls_gemm_scratch(int64_t rows, int64_t cols, int64_t depth);

/* Operands of a product that are half, added up. */
enum { LS_HALF_A = 1, LS_HALF_B = 2, LS_HALF_BIAS = 4, LS_HALF_C = 8 };

/* c = a·b + bias, or c += a·b when accumulating; then y = f(c) ⊙ up, if y is given: c is float then. */
struct ls_gemm_params {
    int64_t size;
    int64_t rows, cols, depth;
    const void *a; /* [rows, depth], one of the strides 1 */
    int64_t a_row, a_col;
    const void *b; /* [depth, cols] for up to 4 rows, otherwise NULL */
    int64_t b_row, b_col;
    const float *packed; /* ls_gemm_pack's panels, where b is NULL */
    const void *bias;    /* NULL, or [cols] with stride 1 */
    void *c;             /* [rows, cols], column stride 1 */
    int64_t c_row;
    const float *up; /* NULL: 1; or [rows, cols], column stride 1 */
    int64_t up_row;
    float *y; /* NULL, or [rows, cols], column stride 1; may be c */
    int64_t y_row;
    float *scratch;
    const int32_t *cancel;
    int32_t accumulate;
    int32_t halves; /* LS_HALF_… */
    int32_t f;      /* LS_RELU … */
};
ls_status ls_gemm(const struct ls_gemm_params *params);

/* sums[j] += Σᵢ x[i, j]. */
ls_status ls_add_column_sums(const float *x, int64_t x_row, int64_t rows, int64_t cols, float *sums);

/* ---- products with weights of eight bits ---- */

/* Bytes of a packed row of so many weights or inputs. */
int64_t ls_int8_row(int64_t depth);
/* Rows of weights as bytes with a scale each, and the sums of their bytes. */
ls_status ls_int8_weights(const void *w, int32_t half, int64_t w_row, int64_t rows, int64_t depth, int8_t *packed,
                          float *scales, int32_t *sums);
/* One row of inputs as bytes. */
ls_status ls_int8_inputs(const float *x, int64_t depth, uint8_t *packed, float *scale);
/* y[r] = w[r] · x + bias[r]; bias may be NULL. */
ls_status ls_int8_product(const uint8_t *x, float x_scale, const int8_t *w, const float *scales, const int32_t *sums,
                          const float *bias, float *y, int64_t rows, int64_t depth);

/* ---- attention ---- */

/*
 * Some queries and keys of a task of one head of one batch row. Query t is row query_start + t / query_run · query_period +
 * t % query_run of q, out and lse; keys and their positions alike. Rows have column stride 1. By
 * avx512_bf16, without a decay, weights and the gradients of scores of half operands are rounded to bfloat16 for products.
 */
struct ls_attention_params {
    int64_t size;
    int64_t dim, value_dim;
    const void *q, *k, *v;
    int64_t q_row, k_row, v_row;
    void *out;
    float *lse;
    int64_t out_row, lse_row;
    int64_t query_start, query_run, query_period;
    int64_t key_start, key_run, key_period;
    int64_t position_start, position_run, position_period;
    int64_t queries_from, queries_to, keys_from, keys_to; /* what this call computes; forward: all keys from 0 to keys_to */
    int64_t keys;               /* of the task */
    int64_t first_query;        /* position of row 0 of q */
    const int32_t *first, *end; /* of each query from queries_from on: the keys that it sees, within 0 to keys */
    double scale;
    int64_t pads;        /* extra keys of score 0 and value 0 */
    const uint8_t *mask; /* NULL, or 0 hides: row of q · mask_row + row of k · mask_col */
    int64_t mask_row, mask_col;
    int64_t epoch;       /* 0 without decay */
    const double *decay; /* [dim], log₂ per epoch between query and key */
    double drop_rate;    /* 0 without dropout */
    int64_t drop_seed, drop_stream;
    float *scratch;
    const int32_t *cancel;
    /* backward */
    const void *d_out;
    const float *d_lse; /* may be NULL */
    int64_t d_out_row, d_lse_row;
    float *delta; /* [rows of q] of a branch, from ls_attention_deltas; NULL for dOut · out − dLse */
    float *dq, *dk, *dv;
    int64_t dq_row, dk_row, dv_row;
    int32_t keys_too, queries_too; /* whether dk and dv, and dq, are wanted */
    int32_t dense;                 /* whether the task's keys are all that its queries see */
    int32_t half;                  /* 1: q, k, v, out and d_out are half; 2: k and v alone */
};

/* Rows between which work items may be cut. */
int64_t ls_attention_span(int64_t dim, int64_t value_dim);
/* Elements of scratch that the functions below need. */
int64_t ls_attention_scratch(int64_t dim, int64_t value_dim);
/* Merges softmax(scale · q kᵀ) v into out and lse, which hold what earlier keys gave, or 0 and −∞. */
ls_status ls_attention(const struct ls_attention_params *params);
/* Adds to dq, and to dk and dv; out and lse are the final ones. */
ls_status ls_attention_backward(const struct ls_attention_params *params);
/* delta = Σ P dP / Σ P over the task's keys: constants as mixing weights. */
ls_status ls_attention_deltas(const struct ls_attention_params *params);

/* ---- pointwise ---- */

enum { LS_RELU = 0, LS_GELU = 1, LS_GELU_TANH = 2, LS_SILU = 3, LS_TANH = 4 };

ls_status ls_fill(float value, float *y, int64_t n);
/* y = alpha·x + beta·y; beta = 0 ignores what y holds. */
ls_status ls_axpby(float alpha, const float *x, float beta, float *y, int64_t n);
ls_status ls_add(const float *a, const float *b, float *y, int64_t n);
/* y = a ⊙ b, or y += a ⊙ b. */
ls_status ls_multiply(const float *a, const float *b, float *y, int64_t n, int32_t accumulate);
ls_status ls_add_scalar(float value, float *y, int64_t n);
ls_status ls_clamp(float limit, float *x, int64_t n);
/* Σ x, Σ x² and the number of NaN and infinities; sums in double. */
ls_status ls_sum(const float *x, int64_t n, double *sum);
ls_status ls_sum_squares(const float *x, int64_t n, double *sum);
ls_status ls_count_non_finite(const float *x, int64_t n, int64_t *count);
/*
 * A call of ls_activation, ls_norm, ls_sum_norm or ls_softmax for 65,536 elements or more writes y past the caches, which is for
 * results larger than they are: who reads y soon asks for fewer at a time.
 */
/* y = f(x); dx += f'(x) ⊙ dy. */
ls_status ls_activation(int32_t f, const float *x, float *y, int64_t n);
ls_status ls_activation_backward(int32_t f, const float *x, const float *dy, float *dx, int64_t n);
/* y = f(gate) ⊙ up; d_gate += dy ⊙ up ⊙ f'(gate), d_up += dy ⊙ f(gate), either may be NULL. */
ls_status ls_gated(int32_t f, const float *gate, const float *up, float *y, int64_t n);
ls_status ls_gated_backward(int32_t f, const float *gate, const float *up, const float *dy, float *d_gate, float *d_up,
                            int64_t n);
/* Element i is kept where Philox(seed, stream, first + i) says so, and divided by 1 - rate. */
ls_status ls_dropout(double rate, int64_t seed, int64_t stream, int64_t first, const float *x, float *y, int64_t n,
                     int32_t accumulate);

/* ---- norms over the last dimension ---- */

/* y = (x - mean)·rstd·(weight + offset) + bias; without mean (NULL) nothing is subtracted; weight and bias may be NULL. */
ls_status ls_norm(const float *x, const float *weight, const float *bias, float weight_offset, double eps, float *y,
                  float *mean, float *rstd, int64_t rows, int64_t d);
/* The same of sum = alpha·x + f, with the bits of a sum and a norm each on its own; sum may be y. */
ls_status ls_sum_norm(const float *x, float alpha, const float *f, float *sum, const float *weight, const float *bias,
                      float weight_offset, double eps, float *y, float *mean, float *rstd, int64_t rows, int64_t d);
/* y = x·factor·(weight + offset) + bias. */
ls_status ls_affine(const float *x, const float *weight, const float *bias, float weight_offset, float factor, float *y,
                    int64_t rows, int64_t d);
/* Adds to dx, d_weight and d_bias, each of which may be NULL; without rstd (NULL) rows were multiplied by factor. */
ls_status ls_norm_backward(const float *x, const float *weight, float weight_offset, const float *mean, const float *rstd,
                           float factor, const float *dy, float *dx, float *d_weight, float *d_bias, int64_t rows,
                           int64_t d);
/* sums[j] += Σᵢ blocks[i, j], in double and in order. */
ls_status ls_add_blocks(const float *blocks, int64_t count, int64_t d, float *sums);
/* y = exp(x - max) / Σ exp(x - max); dx += y ⊙ (dy - Σ dy ⊙ y). */
ls_status ls_softmax(const float *x, float *y, int64_t rows, int64_t d);
ls_status ls_softmax_backward(const float *y, const float *dy, float *dx, int64_t rows, int64_t d);

/* ---- recurrences ---- */

/*
 * CEMA over some neighbouring channels of one sequence: s = q⊙s + x, y = Σₙ Re(c⊙s) + ω⊙x. Step t takes row t, or row
 * rows − 1 − t when reversed. All pointers are at the first channel; rows of all tensors lie `width` apart.
 */
struct ls_cema_params {
    int64_t size;
    int64_t rows, width, channels, modes;
    const float *x;
    const double *q, *c; /* [modes, 2, width] */
    const float *omega;
    const float *start;    /* [modes, 2, width], NULL for zeros */
    float *y, *last;
    float *kept;           /* [⌈rows / 64⌉, modes, 2, width] states before every 64 steps, NULL at inference */
    const int64_t *resets; /* steps that forget the state before them, in order, and `rows` behind the last */
    float *scratch;
    const int32_t *cancel;
    /* backward; adds to what is not NULL */
    const float *dy, *d_last;
    float *dx;
    double *dq, *dc;
    float *d_omega, *d_start;
    int32_t reversed;
};

/* Elements of scratch, on the boundary of a cache line, that the functions below need. */
int64_t ls_cema_scratch(int64_t modes, int64_t channels);
ls_status ls_cema(const struct ls_cema_params *params);
ls_status ls_cema_backward(const struct ls_cema_params *params);

/* Timestep norm of some neighbouring groups of d channels of one sequence. All pointers are at the first group. */
struct ls_timestep_norm_params {
    int64_t size;
    int64_t rows, row, d, n, groups; /* rows of x and y lie `row` apart, of means and rstds `groups` */
    const float *x, *weight, *bias;  /* weight and bias may be NULL */
    float weight_offset;
    double eps;
    const int64_t *counts;         /* timesteps seen after each row */
    const uint8_t *fresh, *padded; /* of each row: starts afresh; does not count */
    const double *fresh_mean, *fresh_var, *start_mean, *start_var;
    float *y;
    double *last_mean, *last_var;
    double *means, *rstds; /* NULL at inference */
    const int32_t *cancel;
    /* backward */
    const float *dy;
    float *dx, *d_weight, *d_bias; /* adds to what is not NULL */
    double *d_mean, *d_var;        /* gradients of the moments behind the last row; become those before the first */
    double *d_fresh_mean, *d_fresh_var;
    double *scratch; /* [2, n, d] */
};

ls_status ls_timestep_norm(const struct ls_timestep_norm_params *params);
ls_status ls_timestep_norm_backward(const struct ls_timestep_norm_params *params);

/* ---- embedding, loss, optimiser ---- */

/* Ids and targets are int32_t, or int64_t where wide is not 0. */
ls_status ls_embedding(const float *table, int64_t table_row, int64_t vocabulary, const void *ids, int32_t wide,
                       float scale, float *y, int64_t y_row, int64_t n, int64_t d);
ls_status ls_embedding_backward(const void *ids, int32_t wide, float scale, const float *dy, int64_t dy_row,
                                float *d_table, int64_t table_row, int64_t vocabulary, int64_t n, int64_t d);

/* A negative target is ignored. */
ls_status ls_cross_entropy(const float *logits, int64_t logits_row, const void *targets, int32_t wide, float *losses,
                           float *lse, int64_t rows, int64_t classes);
ls_status ls_cross_entropy_backward(const float *logits, int64_t logits_row, const void *targets, int32_t wide,
                                    const float *lse, const float *d_losses, float *d_logits, int64_t d_row,
                                    int64_t rows, int64_t classes);

/* m = beta1·m + rest1·g, v = beta2·v + rest2·g², w -= rate·m / (√v + eps) + decay·w with g = scale·gradient. */
ls_status ls_adamw(float scale, float beta1, float rest1, float beta2, float rest2, float rate, float eps, float decay,
                   float *weight, const float *gradient, float *m, float *v, int64_t n);

#ifdef __cplusplus
#pragma GCC visibility pop
}
#endif

#endif
