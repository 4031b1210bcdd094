/*
 * Longspan's C ABI on CUDA devices: the rules of longspan.h, but that a call enqueues work for whole tensors on a stream and
 * returns. All pointers are the device's unless said otherwise; structs lie on the host and are read before the call returns.
 * `stream` is the last argument, a CUstream of the current context, NULL its default one. Nothing is allocated and nothing waited
 * for; the same call gives the same bits. A fault in a kernel surfaces at a later call, with LS_CUDA_FAULT. Scratch is aligned to
 * 16 bytes; its size in bytes is that of the function beside it. With `half` not 0 all tensors of a call are bfloat16, moments and
 * sums float.
 */
#ifndef LONGSPAN_CUDA_H
#define LONGSPAN_CUDA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#pragma GCC visibility push(default)
#endif

#define LS_CUDA_ABI_VERSION 3

#ifndef LONGSPAN_H
typedef int32_t ls_status;
enum { LS_OK = 0, LS_CANCELLED = 1, LS_BAD_ARGUMENT = 2 };
/* Operands of a product that are half, added up. */
enum { LS_HALF_A = 1, LS_HALF_B = 2, LS_HALF_BIAS = 4, LS_HALF_C = 8 };
enum { LS_RELU = 0, LS_GELU = 1, LS_GELU_TANH = 2, LS_SILU = 3, LS_TANH = 4 };
#endif
enum { LS_CUDA_FAULT = 3 };

/* LS_CUDA_ABI_VERSION of the library; a caller built for another one must not call anything else. */
int32_t ls_cuda_abi_version(void);

/* A line for each function and struct: name, then types or size and fields, as the library was compiled. */
const char *ls_cuda_abi(void);

/* What was wrong with this thread's last call that did not return LS_OK, the kernel named. */
const char *ls_cuda_last_error(void);

/* ---- attention ---- */

/*
 * Some queries and keys of one head. Query t is row query_start + t / query_run · query_period + t % query_run of q, out and lse;
 * keys and their positions alike. At most INT32_MAX queries and keys; within a branch the tasks of a head share no rows.
 */
struct ls_cuda_attention_task {
    int64_t head;
    int64_t query_start, query_run, query_period, queries;
    int64_t key_start, key_run, key_period, keys;
    int64_t position_start, position_run, position_period;
    int64_t pads; /* extra keys of score 0 and value 0 */
};

/*
 * One branch: every task for every row of the batch. q [B, Nq, H, D], k [B, Nk, H, D], v [B, Nk, H, Dv], out [B, Nq, H, Dv] by
 * strides of batch, row and head, columns neighbours; D at most 256, Dv at most 2,048. Query row i stands at position
 * p = first_query + i and sees of its task's keys those at positions from the greatest of
 *     max(0, p / block − before) · block,   (p / (blockwise / 2) − 1) · blockwise / 2   and   its document's start
 * to below the least of (p / block + after + 1) · block, p + 1 where causal, and the next document's start.
 */
struct ls_cuda_attention_params {
    int64_t size;
    int64_t batch, heads, queries, keys, dim, value_dim;
    const void *q, *k, *v;
    int64_t q_batch, q_row, q_head, k_batch, k_row, k_head, v_batch, v_row, v_head;
    void *out;
    int64_t out_batch, out_row, out_head;
    float *lse; /* [B, H, Nq] by strides */
    int64_t lse_batch, lse_head, lse_row;
    const struct ls_cuda_attention_task *tasks; /* of the device */
    int64_t task_count, most_queries, most_keys; /* the greatest of a task */
    /*
     * Not 0: all tasks' keys are runs of 1 at this period, and bfloat16 may go through the kernel for compute capability 9.0, which no
     * device has run yet.
     */
    int64_t key_period;
    int64_t first_query;
    int64_t block, before, after; /* block: 0 for no limit; after: −1 for positions before the own block only */
    int64_t blockwise;            /* 0 for no limit */
    const int64_t *documents;     /* NULL, or [B, document_count] starts that increase, the first 0; INT64_MAX behind the last */
    int64_t document_count, documents_batch; /* stride of the batch; 0 where one row serves all */
    const uint8_t *mask; /* NULL, or 0 hides: batch row · mask_batch + row of q · mask_row + row of k · mask_col */
    int64_t mask_batch, mask_row, mask_col;
    int64_t epoch;       /* 0 without decay */
    const double *decay; /* [D], log₂ per epoch between query and key */
    double scale;
    double drop_rate; /* 0 without dropout */
    int64_t drop_seed, drop_stream; /* the plan's: kernels mix batch · H + head and the rows into them */
    void *scratch;                  /* ls_cuda_attention_scratch bytes, aligned to 256 */
    /* backward */
    const void *d_out;
    int64_t d_out_batch, d_out_row, d_out_head;
    const float *d_lse; /* NULL, or [B, H, Nq] by strides */
    int64_t d_lse_batch, d_lse_head, d_lse_row;
    float *delta; /* [B, H, Nq] contiguous, from one of the two functions below */
    float *dq, *dk, *dv;
    int64_t dq_batch, dq_row, dq_head, dk_batch, dk_row, dk_head, dv_batch, dv_row, dv_head;
    int32_t causal;
    int32_t half; /* q, k, v, out and d_out are bfloat16 */
};

/* Bytes of scratch that any of the functions below needs for these params; reads sizes only. */
int64_t ls_cuda_attention_scratch(const struct ls_cuda_attention_params *params);
/* Merges softmax(scale · q kᵀ) v into out and lse, which hold what earlier keys gave, or 0 and −∞. Few queries: splits keys. */
ls_status ls_cuda_attention(const struct ls_cuda_attention_params *params, void *stream);
/*
 * Merges what another library gave for some keys, part [B, Nq, H, Dv] and part_lse [B, H, Nq], both contiguous, into out and lse.
 * Takes no tasks and reads neither q, k nor v.
 */
ls_status ls_cuda_attention_join(const struct ls_cuda_attention_params *params, const void *part, const float *part_lse,
                                 void *stream);
/* delta = dOut · out − dLse of every row: the exact gradient's, once for all branches. Takes no tasks. */
ls_status ls_cuda_attention_dots(const struct ls_cuda_attention_params *params, void *stream);
/* delta = Σ P dP / Σ P over the branch's keys, of its tasks' rows: constants as mixing weights. */
ls_status ls_cuda_attention_deltas(const struct ls_cuda_attention_params *params, void *stream);
/*
 * Replaces the dots in delta by the branch's Σ P dP / Σ P where the two differ by rounding only: where the branch has all keys,
 * what is left of Σ dS, which is zero, is rounding. For few keys: the gradient of a key's bias consists of nothing else.
 */
ls_status ls_cuda_attention_centre(const struct ls_cuda_attention_params *params, void *stream);
/* Adds to dq, dk and dv; lse is the final one, delta holds the rows'. */
ls_status ls_cuda_attention_backward(const struct ls_cuda_attention_params *params, void *stream);

/* ---- matrix products ---- */

/*
 * c = a·b + bias, or c += a·b when accumulating; a and b have stride 1 in either dimension. Products of floats keep their whole
 * precision. An infinite operand may give NaN. Without `blas` a row of c has the same bits wherever it stands among the rows and
 * whatever the others hold, but not for another number of rows or columns: up to 8 rows, or columns, are summed by lanes of warps,
 * more by tensor cores, small products over parts of the depth. So decode and prefill agree within rounding, not in bits.
 */
struct ls_cuda_gemm_params {
    int64_t size;
    int64_t rows, cols, depth;
    const void *a; /* [rows, depth] */
    int64_t a_row, a_col;
    const void *b; /* [depth, cols] */
    int64_t b_row, b_col;
    const void *bias; /* NULL, or [cols] with stride 1 */
    void *c;          /* [rows, cols], column stride 1 */
    int64_t c_row;
    void *scratch; /* ls_cuda_gemm_scratch bytes */
    void *blas;    /* of ls_cuda_blas_open, on the host; NULL for the kernels of this library */
    int32_t accumulate;
    int32_t halves; /* LS_HALF_… */
};
int64_t ls_cuda_gemm_scratch(const struct ls_cuda_gemm_params *params);
ls_status ls_cuda_gemm(const struct ls_cuda_gemm_params *params, void *stream);

/*
 * cuBLASLt of the current context, as LONGSPAN_CUBLASLT in the environment says (a file's name, or "off") or where the loader finds it;
 * *blas is NULL where there is none, which is no error: ls_cuda_last_error says why. Keeps a plan for each shape; any thread may use it.
 */
ls_status ls_cuda_blas_open(void **blas);
ls_status ls_cuda_blas_close(void *blas);

/* sums[j] += Σᵢ x[i, j]. */
int64_t ls_cuda_add_column_sums_scratch(int64_t rows, int64_t cols);
ls_status ls_cuda_add_column_sums(const float *x, int64_t x_row, int64_t rows, int64_t cols, float *sums, void *scratch,
                                  void *stream);

/* ---- norms over the last dimension ---- */

/* y = (x - mean)·rstd·(weight + offset) + bias; without mean (NULL) nothing is subtracted; weight and bias may be NULL. */
ls_status ls_cuda_norm(const void *x, const void *weight, const void *bias, float weight_offset, double eps, void *y,
                       float *mean, float *rstd, int64_t rows, int64_t d, int32_t half, void *stream);
/* y = x·factor·(weight + offset) + bias. */
ls_status ls_cuda_affine(const void *x, const void *weight, const void *bias, float weight_offset, float factor, void *y,
                         int64_t rows, int64_t d, int32_t half, void *stream);

/* Adds to dx, d_weight and d_bias, each of which may be NULL; without rstd (NULL) rows were multiplied by factor. */
struct ls_cuda_norm_backward_params {
    int64_t size;
    int64_t rows, d;
    const float *x, *weight, *mean, *rstd;
    const float *dy;
    float *dx, *d_weight, *d_bias;
    void *scratch;
    float weight_offset, factor;
};
int64_t ls_cuda_norm_backward_scratch(int64_t rows, int64_t d);
ls_status ls_cuda_norm_backward(const struct ls_cuda_norm_backward_params *params, void *stream);

/* y = exp(x - max) / Σ exp(x - max); dx += y ⊙ (dy - Σ dy ⊙ y). */
ls_status ls_cuda_softmax(const void *x, void *y, int64_t rows, int64_t d, int32_t half, void *stream);
ls_status ls_cuda_softmax_backward(const float *y, const float *dy, float *dx, int64_t rows, int64_t d, void *stream);

/* ---- pointwise ---- */

ls_status ls_cuda_fill(float value, void *y, int64_t n, int32_t half, void *stream);
/* y = alpha·x + beta·y; beta = 0 ignores what y holds. */
ls_status ls_cuda_axpby(float alpha, const void *x, float beta, void *y, int64_t n, int32_t half, void *stream);
ls_status ls_cuda_add(const void *a, const void *b, void *y, int64_t n, int32_t half, void *stream);
/* y = a ⊙ b, or y += a ⊙ b. */
ls_status ls_cuda_multiply(const void *a, const void *b, void *y, int64_t n, int32_t accumulate, int32_t half, void *stream);
/* y[i] += alpha·scalar[0]. */
ls_status ls_cuda_add_scalar(double alpha, const float *scalar, float *y, int64_t n, void *stream);
/* x = min(max(x, -limit), limit); NaN stays. */
ls_status ls_cuda_clamp(float limit, float *x, int64_t n, void *stream);

int64_t ls_cuda_sum_scratch(int64_t n);
/* y[0] = alpha · Σ x, summed in double, as below. */
ls_status ls_cuda_sum(double alpha, const float *x, int64_t n, float *y, void *scratch, void *stream);
ls_status ls_cuda_sum_squares(const float *x, int64_t n, double *sum, void *scratch, void *stream);
/* How many are NaN or infinite. */
ls_status ls_cuda_count_non_finite(const float *x, int64_t n, int64_t *count, void *scratch, void *stream);

/* y = f(x); dx += f'(x) ⊙ dy. */
ls_status ls_cuda_activation(int32_t f, const void *x, void *y, int64_t n, int32_t half, void *stream);
ls_status ls_cuda_activation_backward(int32_t f, const float *x, const float *dy, float *dx, int64_t n, void *stream);
/* y = f(gate) ⊙ up; d_gate += dy ⊙ up ⊙ f'(gate), d_up += dy ⊙ f(gate), either may be NULL. */
ls_status ls_cuda_gated(int32_t f, const void *gate, const void *up, void *y, int64_t n, int32_t half, void *stream);
ls_status ls_cuda_gated_backward(int32_t f, const float *gate, const float *up, const float *dy, float *d_gate, float *d_up,
                                 int64_t n, void *stream);

/* Element i is kept where Philox(seed, stream_number, i) says so, and divided by 1 - rate. */
ls_status ls_cuda_dropout(double rate, int64_t seed, int64_t stream_number, const void *x, void *y, int64_t n,
                          int32_t accumulate, int32_t half, void *stream);
/* y = x + ε, ε of N(0, std²) by Philox(seed, stream_number, i). */
ls_status ls_cuda_noise(double std, int64_t seed, int64_t stream_number, const void *x, void *y, int64_t n, int32_t half,
                        void *stream);

/* ---- rotary positions ---- */

/* y = R x, or y += Rᵀ x backwards; row n of x: [batch, rows, heads, head_dim] stands at position first + n. As kernel/Rotary.java. */
struct ls_cuda_rotary_params {
    int64_t size;
    int64_t batch, rows, heads, head_dim;
    const void *x; /* stride 1 within a head */
    int64_t x_batch, x_row, x_head;
    void *y;
    int64_t y_batch, y_row, y_head;
    int64_t first;
    double base;
    int64_t period;    /* 0 for none */
    double scale_base; /* 0 without scales */
    int64_t epoch, origin;
    int32_t sign;   /* of the scale's exponent: 1 or -1 */
    int32_t halves; /* pairs (m, m + head_dim / 2), otherwise neighbours */
    int32_t backward;
    int32_t half;
};
ls_status ls_cuda_rotary(const struct ls_cuda_rotary_params *params, void *stream);

/* ---- recurrences ---- */

/*
 * Of CEMA's tensors, all contiguous: x and y are [B, L, D], coefficients [n, 2, D] in double, real parts before imaginary ones,
 * states [B, n, 2, D]. Step t takes row t, or row L − 1 − t when reversed; where fresh[t] is not 0 it forgets the state before it.
 */

/* Coefficients of CEMA with n modes a channel and the way back: p = σ(α), q = (1 − p·σ(δ))·e^(iφ), φₖ = k·(2π/n)·σ(θ), c = p·γ/√n. */
struct ls_cuda_cema_coefficients_params {
    int64_t size;
    int64_t channels, modes;
    const float *alpha, *delta, *theta, *gamma; /* [D, n], [D, n], [D] or NULL for φ = 0, [D, n, 2] */
    double *q, *p, *c;                          /* [n, 2, D], [n, D], [n, 2, D] */
    /* backward; gradients of q, p and c may be NULL, and it adds to what is not NULL */
    const double *dq, *dp, *dc;
    float *d_alpha, *d_delta, *d_theta, *d_gamma;
};

ls_status ls_cuda_cema_coefficients(const struct ls_cuda_cema_coefficients_params *params, void *stream);
ls_status ls_cuda_cema_coefficients_backward(const struct ls_cuda_cema_coefficients_params *params, void *stream);

/* s = q⊙s + x, y = Σₙ Re(c⊙s) + ω⊙x over whole sequences. */
struct ls_cuda_cema_params {
    int64_t size;
    int64_t batch, rows, channels, modes;
    const float *x;
    const double *q, *c;
    const float *omega;   /* [D] */
    const float *start;   /* NULL for zeros */
    const uint8_t *fresh; /* [B, L], of steps; NULL for one endless document */
    float *y, *last;
    float *kept; /* B · ⌈L / 64⌉ · n · 2 · D elements, some states on the way in an order of their own; NULL at inference */
    void *scratch;
    /* backward; reads x, q, c, omega, fresh, kept and these, adds to what is not NULL */
    const float *dy, *d_last; /* d_last may be NULL */
    float *dx;
    double *dq, *dc; /* both or none */
    float *d_omega, *d_start;
    int32_t reversed;
};

int64_t ls_cuda_cema_scratch(const struct ls_cuda_cema_params *params);
ls_status ls_cuda_cema(const struct ls_cuda_cema_params *params, void *stream);
int64_t ls_cuda_cema_backward_scratch(const struct ls_cuda_cema_params *params);
ls_status ls_cuda_cema_backward(const struct ls_cuda_cema_params *params, void *stream);

/* h = a⊙h + b⊙x over whole sequences; sums in double. Complex rows are [2, D]. */
struct ls_cuda_recurrence_params {
    int64_t size;
    int64_t batch, rows, channels;
    const float *a, *b;   /* one for all steps, [D] or [2, D], or one a step, as x; b NULL for 1 */
    const float *x;       /* [B, L, D] or [B, L, 2, D] */
    const float *start;   /* [B, D] or [B, 2, D], NULL for zeros */
    const uint8_t *fresh; /* [B, L], of steps; NULL for one endless document */
    float *h;
    void *scratch;
    /* backward; adds to what is not NULL */
    const float *dh;
    float *da, *db, *dx, *d_start;
    int32_t complex, a_per_step, b_per_step, reversed;
};

int64_t ls_cuda_recurrence_scratch(const struct ls_cuda_recurrence_params *params);
ls_status ls_cuda_recurrence(const struct ls_cuda_recurrence_params *params, void *stream);
int64_t ls_cuda_recurrence_backward_scratch(const struct ls_cuda_recurrence_params *params);
ls_status ls_cuda_recurrence_backward(const struct ls_cuda_recurrence_params *params, void *stream);

/* ---- timestep norm ---- */

/*
 * Normalisation of x [B, L, D] by the moments of all timesteps so far, by groups of neighbouring channels; moments are doubles
 * [B, G], those of fresh [1, G]. A row with fresh[b, t] not 0 starts from fresh moments; one with padded[b, t] not 0 becomes 0
 * and does not count.
 */
struct ls_cuda_timestep_norm_params {
    int64_t size;
    int64_t batch, rows, channels, groups;
    const float *x, *weight, *bias; /* weight and bias may be NULL */
    double weight_offset, eps;
    const uint8_t *fresh, *padded;  /* [B, L], NULL for none */
    const int64_t *fresh_count;     /* [1] */
    const double *fresh_mean, *fresh_var;
    const int64_t *start_count;     /* [B]; NULL with the two below for fresh ones */
    const double *start_mean, *start_var;
    float *y;
    int64_t *last_count;
    double *last_mean, *last_var;
    double *means, *rstds; /* [B, L, G] of every row; NULL at inference */
    void *scratch;
    /* backward; reads means and rstds, adds to what is not NULL; without start moments their gradients are the fresh ones' */
    const float *dy;
    const double *d_last_mean, *d_last_var; /* may be NULL */
    float *dx, *d_weight, *d_bias;
    double *d_fresh_mean, *d_fresh_var, *d_start_mean, *d_start_var;
};

int64_t ls_cuda_timestep_norm_scratch(const struct ls_cuda_timestep_norm_params *params);
ls_status ls_cuda_timestep_norm(const struct ls_cuda_timestep_norm_params *params, void *stream);
int64_t ls_cuda_timestep_norm_backward_scratch(const struct ls_cuda_timestep_norm_params *params);
ls_status ls_cuda_timestep_norm_backward(const struct ls_cuda_timestep_norm_params *params, void *stream);

/* ---- embedding, loss, optimiser ---- */

/*
 * Ids and targets are int32_t, or int64_t where wide is not 0. One that is out of range is not followed: its row of y or its loss
 * is NaN, and it adds no gradient.
 */
ls_status ls_cuda_embedding(const void *table, int64_t table_row, int64_t vocabulary, const void *ids, int32_t wide,
                            float scale, void *y, int64_t y_row, int64_t n, int64_t d, int32_t half, void *stream);
/* d_table[ids[i]] += scale · dy[i]. */
int64_t ls_cuda_embedding_backward_scratch(int64_t n, int64_t d);
ls_status ls_cuda_embedding_backward(const void *ids, int32_t wide, float scale, const float *dy, int64_t dy_row,
                                     float *d_table, int64_t table_row, int64_t vocabulary, int64_t n, int64_t d,
                                     void *scratch, void *stream);

/* A negative target is ignored: loss 0, no gradient. */
ls_status ls_cuda_cross_entropy(const float *logits, int64_t logits_row, const void *targets, int32_t wide, float *losses,
                                float *lse, int64_t rows, int64_t classes, void *stream);
ls_status ls_cuda_cross_entropy_backward(const float *logits, int64_t logits_row, const void *targets, int32_t wide,
                                         const float *lse, const float *d_losses, float *d_logits, int64_t d_row,
                                         int64_t rows, int64_t classes, void *stream);

/* m = beta1·m + rest1·g, v = beta2·v + rest2·g², w -= rate·m / (√v + eps) + decay·w with g = scale·gradient. */
ls_status ls_cuda_adamw(float scale, float beta1, float rest1, float beta2, float rest2, float rate, float eps, float decay,
                        float *weight, const float *gradient, float *m, float *v, int64_t n, void *stream);

/* ---- copies ---- */

enum { LS_F32 = 0, LS_F64 = 1, LS_BF16 = 2, LS_I32 = 3, LS_I64 = 4, LS_F16 = 5, LS_BOOL = 6, LS_U8 = 7 };

/*
 * to = from, converted; outermost dimension first. Floats are rounded to nearest even, and towards 0 to integers, whose ends they
 * saturate at (0 for NaN); integers keep their low bits.
 */
struct ls_cuda_copy_params {
    int64_t size;
    int64_t rank; /* up to 6 */
    int64_t shape[6], from_stride[6], to_stride[6];
    const void *from;
    void *to;
    int32_t from_type, to_type; /* LS_F32 … */
};
ls_status ls_cuda_copy(const struct ls_cuda_copy_params *params, void *stream);
/* Bytes, from any address. */
ls_status ls_cuda_zero(void *to, int64_t bytes, void *stream);

#ifdef __cplusplus
#pragma GCC visibility pop
}
#endif

#endif
