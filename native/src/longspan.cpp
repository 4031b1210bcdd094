#include "tier.h"

/*
 * The exported kernels: each checks what it can of its arguments and calls the chosen tier's. Memory and lengths are the
 * caller's word.
 */

#define LS_NEEDS(condition) \
    if (!(condition)) { \
        return ls::bad("%s: needs %s", __func__, #condition); \
    }

using ls::kernels;

int64_t ls_gemm_panel(void) { return kernels().gemm_panel(); }

ls_status ls_gemm_pack(const void *b, int32_t half, int64_t b_row, int64_t b_col, int64_t cols, int64_t depth,
                       float *packed) {
    LS_NEEDS(cols >= 0 && depth >= 0 && packed)
    return kernels().gemm_pack(b, half, b_row, b_col, cols, depth, packed);
}

int64_t ls_gemm_scratch(int64_t rows, int64_t cols, int64_t depth) { return kernels().gemm_scratch(rows, cols, depth); }

ls_status ls_gemm(const ls_gemm_params *params) {
    LS_NEEDS(params && params->size == sizeof(ls_gemm_params))
    LS_NEEDS(params->rows >= 0 && params->cols >= 0 && params->depth >= 0)
    LS_NEEDS(params->c && params->scratch && (params->b == nullptr) != (params->packed == nullptr))
    LS_NEEDS(!params->y || (params->f >= LS_RELU && params->f <= LS_TANH && !(params->halves & LS_HALF_C)))
    return kernels().gemm(params);
}

ls_status ls_add_column_sums(const float *x, int64_t x_row, int64_t rows, int64_t cols, float *sums) {
    LS_NEEDS(rows >= 0 && cols >= 0)
    return kernels().add_column_sums(x, x_row, rows, cols, sums);
}

int64_t ls_int8_row(int64_t depth) { return kernels().int8_row(depth); }

/* A sum of more products of bytes could leave 32 bits. */
constexpr int64_t MOST_DEPTH = 65536;

ls_status ls_int8_weights(const void *w, int32_t half, int64_t w_row, int64_t rows, int64_t depth, int8_t *packed,
                          float *scales, int32_t *sums) {
    LS_NEEDS(rows >= 0 && depth >= 0 && depth <= MOST_DEPTH)
    return kernels().int8_weights(w, half, w_row, rows, depth, packed, scales, sums);
}

ls_status ls_int8_inputs(const float *x, int64_t depth, uint8_t *packed, float *scale) {
    LS_NEEDS(depth >= 0 && depth <= MOST_DEPTH && scale)
    return kernels().int8_inputs(x, depth, packed, scale);
}

ls_status ls_int8_product(const uint8_t *x, float x_scale, const int8_t *w, const float *scales, const int32_t *sums,
                          const float *bias, float *y, int64_t rows, int64_t depth) {
    LS_NEEDS(rows >= 0 && depth >= 0 && depth <= MOST_DEPTH)
    return kernels().int8_product(x, x_scale, w, scales, sums, bias, y, rows, depth);
}

int64_t ls_attention_span(int64_t dim, int64_t value_dim) { return kernels().attention_span(dim, value_dim); }

int64_t ls_attention_scratch(int64_t dim, int64_t value_dim) { return kernels().attention_scratch(dim, value_dim); }

ls_status ls_attention(const ls_attention_params *params) {
    LS_NEEDS(params && params->size == sizeof(ls_attention_params) && params->scratch)
    return kernels().attention(params);
}

ls_status ls_attention_backward(const ls_attention_params *params) {
    LS_NEEDS(params && params->size == sizeof(ls_attention_params) && params->scratch && params->d_out)
    return kernels().attention_backward(params);
}

ls_status ls_attention_deltas(const ls_attention_params *params) {
    LS_NEEDS(params && params->size == sizeof(ls_attention_params) && params->scratch && params->delta)
    return kernels().attention_deltas(params);
}

ls_status ls_fill(float value, float *y, int64_t n) {
    LS_NEEDS(n >= 0)
    return kernels().fill(value, y, n);
}

ls_status ls_axpby(float alpha, const float *x, float beta, float *y, int64_t n) {
    LS_NEEDS(n >= 0)
    return kernels().axpby(alpha, x, beta, y, n);
}

ls_status ls_add(const float *a, const float *b, float *y, int64_t n) {
    LS_NEEDS(n >= 0)
    return kernels().add(a, b, y, n);
}

ls_status ls_multiply(const float *a, const float *b, float *y, int64_t n, int32_t accumulate) {
    LS_NEEDS(n >= 0)
    return kernels().multiply(a, b, y, n, accumulate);
}

ls_status ls_add_scalar(float value, float *y, int64_t n) {
    LS_NEEDS(n >= 0)
    return kernels().add_scalar(value, y, n);
}

ls_status ls_clamp(float limit, float *x, int64_t n) {
    LS_NEEDS(n >= 0)
    return kernels().clamp(limit, x, n);
}

ls_status ls_sum(const float *x, int64_t n, double *sum) {
    LS_NEEDS(n >= 0 && sum)
    return kernels().sum(x, n, sum);
}

ls_status ls_sum_squares(const float *x, int64_t n, double *sum) {
    LS_NEEDS(n >= 0 && sum)
    return kernels().sum_squares(x, n, sum);
}

ls_status ls_count_non_finite(const float *x, int64_t n, int64_t *count) {
    LS_NEEDS(n >= 0 && count)
    return kernels().count_non_finite(x, n, count);
}

ls_status ls_activation(int32_t f, const float *x, float *y, int64_t n) {
    LS_NEEDS(n >= 0)
    return kernels().activation(f, x, y, n);
}

ls_status ls_activation_backward(int32_t f, const float *x, const float *dy, float *dx, int64_t n) {
    LS_NEEDS(n >= 0)
    return kernels().activation_backward(f, x, dy, dx, n);
}

ls_status ls_gated(int32_t f, const float *gate, const float *up, float *y, int64_t n) {
    LS_NEEDS(n >= 0)
    return kernels().gated(f, gate, up, y, n);
}

ls_status ls_gated_backward(int32_t f, const float *gate, const float *up, const float *dy, float *d_gate, float *d_up,
                            int64_t n) {
    LS_NEEDS(n >= 0)
    return kernels().gated_backward(f, gate, up, dy, d_gate, d_up, n);
}

ls_status ls_dropout(double rate, int64_t seed, int64_t stream, int64_t first, const float *x, float *y, int64_t n,
                     int32_t accumulate) {
    LS_NEEDS(n >= 0 && rate >= 0 && rate < 1)
    return kernels().dropout(rate, seed, stream, first, x, y, n, accumulate);
}

ls_status ls_norm(const float *x, const float *weight, const float *bias, float weight_offset, double eps, float *y,
                  float *mean, float *rstd, int64_t rows, int64_t d) {
    LS_NEEDS(rows >= 0 && d >= 0 && rstd)
    return kernels().norm(x, weight, bias, weight_offset, eps, y, mean, rstd, rows, d);
}

ls_status ls_sum_norm(const float *x, float alpha, const float *f, float *sum, const float *weight, const float *bias,
                      float weight_offset, double eps, float *y, float *mean, float *rstd, int64_t rows, int64_t d) {
    LS_NEEDS(rows >= 0 && d >= 0 && rstd)
    return kernels().sum_norm(x, alpha, f, sum, weight, bias, weight_offset, eps, y, mean, rstd, rows, d);
}

ls_status ls_affine(const float *x, const float *weight, const float *bias, float weight_offset, float factor, float *y,
                    int64_t rows, int64_t d) {
    LS_NEEDS(rows >= 0 && d >= 0)
    return kernels().affine(x, weight, bias, weight_offset, factor, y, rows, d);
}

ls_status ls_norm_backward(const float *x, const float *weight, float weight_offset, const float *mean, const float *rstd,
                           float factor, const float *dy, float *dx, float *d_weight, float *d_bias, int64_t rows,
                           int64_t d) {
    LS_NEEDS(rows >= 0 && d >= 0)
    return kernels().norm_backward(x, weight, weight_offset, mean, rstd, factor, dy, dx, d_weight, d_bias, rows, d);
}

ls_status ls_add_blocks(const float *blocks, int64_t count, int64_t d, float *sums) {
    LS_NEEDS(count >= 0 && d >= 0)
    return kernels().add_blocks(blocks, count, d, sums);
}

ls_status ls_softmax(const float *x, float *y, int64_t rows, int64_t d) {
    LS_NEEDS(rows >= 0 && d >= 0)
    return kernels().softmax(x, y, rows, d);
}

ls_status ls_softmax_backward(const float *y, const float *dy, float *dx, int64_t rows, int64_t d) {
    LS_NEEDS(rows >= 0 && d >= 0)
    return kernels().softmax_backward(y, dy, dx, rows, d);
}

int64_t ls_cema_scratch(int64_t modes, int64_t channels) { return kernels().cema_scratch(modes, channels); }

ls_status ls_cema(const ls_cema_params *params) {
    LS_NEEDS(params && params->size == sizeof(ls_cema_params) && params->scratch && params->resets)
    return kernels().cema(params);
}

ls_status ls_cema_backward(const ls_cema_params *params) {
    LS_NEEDS(params && params->size == sizeof(ls_cema_params) && params->scratch && params->resets && params->kept)
    return kernels().cema_backward(params);
}

ls_status ls_timestep_norm(const ls_timestep_norm_params *params) {
    LS_NEEDS(params && params->size == sizeof(ls_timestep_norm_params) && params->d > 0)
    return kernels().timestep_norm(params);
}

ls_status ls_timestep_norm_backward(const ls_timestep_norm_params *params) {
    LS_NEEDS(params && params->size == sizeof(ls_timestep_norm_params) && params->d > 0 && params->means)
    return kernels().timestep_norm_backward(params);
}

ls_status ls_embedding(const float *table, int64_t table_row, int64_t vocabulary, const void *ids, int32_t wide,
                       float scale, float *y, int64_t y_row, int64_t n, int64_t d) {
    LS_NEEDS(n >= 0 && d >= 0)
    return kernels().embedding(table, table_row, vocabulary, ids, wide, scale, y, y_row, n, d);
}

ls_status ls_embedding_backward(const void *ids, int32_t wide, float scale, const float *dy, int64_t dy_row,
                                float *d_table, int64_t table_row, int64_t vocabulary, int64_t n, int64_t d) {
    LS_NEEDS(n >= 0 && d >= 0)
    return kernels().embedding_backward(ids, wide, scale, dy, dy_row, d_table, table_row, vocabulary, n, d);
}

ls_status ls_cross_entropy(const float *logits, int64_t logits_row, const void *targets, int32_t wide, float *losses,
                           float *lse, int64_t rows, int64_t classes) {
    LS_NEEDS(rows >= 0 && classes > 0)
    return kernels().cross_entropy(logits, logits_row, targets, wide, losses, lse, rows, classes);
}

ls_status ls_cross_entropy_backward(const float *logits, int64_t logits_row, const void *targets, int32_t wide,
                                    const float *lse, const float *d_losses, float *d_logits, int64_t d_row,
                                    int64_t rows, int64_t classes) {
    LS_NEEDS(rows >= 0 && classes > 0)
    return kernels().cross_entropy_backward(logits, logits_row, targets, wide, lse, d_losses, d_logits, d_row, rows,
                                            classes);
}

ls_status ls_adamw(float scale, float beta1, float rest1, float beta2, float rest2, float rate, float eps, float decay,
                   float *weight, const float *gradient, float *m, float *v, int64_t n) {
    LS_NEEDS(n >= 0)
    return kernels().adamw(scale, beta1, rest1, beta2, rest2, rate, eps, decay, weight, gradient, m, v, n);
}
