#include "../abi.h"
#include "longspan_cuda.h"

namespace {

std::string gemm_params() {
    using P = ls_cuda_gemm_params;
    return "struct ls_cuda_gemm_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(rows) LS_MEMBER(cols)
           LS_MEMBER(depth) LS_MEMBER(a) LS_MEMBER(a_row) LS_MEMBER(a_col) LS_MEMBER(b) LS_MEMBER(b_row) LS_MEMBER(b_col)
           LS_MEMBER(bias) LS_MEMBER(c) LS_MEMBER(c_row) LS_MEMBER(scratch) LS_MEMBER(blas) LS_MEMBER(accumulate)
           LS_MEMBER(halves) + "\n";
}

std::string norm_backward_params() {
    using P = ls_cuda_norm_backward_params;
    return "struct ls_cuda_norm_backward_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(rows) LS_MEMBER(d)
           LS_MEMBER(x) LS_MEMBER(weight) LS_MEMBER(mean) LS_MEMBER(rstd) LS_MEMBER(dy) LS_MEMBER(dx) LS_MEMBER(d_weight)
           LS_MEMBER(d_bias) LS_MEMBER(scratch) LS_MEMBER(weight_offset) LS_MEMBER(factor) + "\n";
}

std::string copy_params() {
    using P = ls_cuda_copy_params;
    return "struct ls_cuda_copy_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(rank) LS_MEMBER(shape)
           LS_MEMBER(from_stride) LS_MEMBER(to_stride) LS_MEMBER(from) LS_MEMBER(to) LS_MEMBER(from_type) LS_MEMBER(to_type) + "\n";
}

std::string rotary_params() {
    using P = ls_cuda_rotary_params;
    return "struct ls_cuda_rotary_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(batch) LS_MEMBER(rows)
           LS_MEMBER(heads) LS_MEMBER(head_dim) LS_MEMBER(x) LS_MEMBER(x_batch) LS_MEMBER(x_row) LS_MEMBER(x_head) LS_MEMBER(y)
           LS_MEMBER(y_batch) LS_MEMBER(y_row) LS_MEMBER(y_head) LS_MEMBER(first) LS_MEMBER(base) LS_MEMBER(period)
           LS_MEMBER(scale_base) LS_MEMBER(epoch) LS_MEMBER(origin) LS_MEMBER(sign) LS_MEMBER(halves) LS_MEMBER(backward)
           LS_MEMBER(half) + "\n";
}

std::string attention_task() {
    using P = ls_cuda_attention_task;
    return "struct ls_cuda_attention_task " + std::to_string(sizeof(P)) LS_MEMBER(head) LS_MEMBER(query_start)
           LS_MEMBER(query_run) LS_MEMBER(query_period) LS_MEMBER(queries) LS_MEMBER(key_start) LS_MEMBER(key_run)
           LS_MEMBER(key_period) LS_MEMBER(keys) LS_MEMBER(position_start) LS_MEMBER(position_run)
           LS_MEMBER(position_period) LS_MEMBER(pads) + "\n";
}

std::string attention_params() {
    using P = ls_cuda_attention_params;
    return "struct ls_cuda_attention_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(batch) LS_MEMBER(heads)
           LS_MEMBER(queries) LS_MEMBER(keys) LS_MEMBER(dim) LS_MEMBER(value_dim) LS_MEMBER(q) LS_MEMBER(k) LS_MEMBER(v)
           LS_MEMBER(q_batch) LS_MEMBER(q_row) LS_MEMBER(q_head) LS_MEMBER(k_batch) LS_MEMBER(k_row) LS_MEMBER(k_head)
           LS_MEMBER(v_batch) LS_MEMBER(v_row) LS_MEMBER(v_head) LS_MEMBER(out) LS_MEMBER(out_batch) LS_MEMBER(out_row)
           LS_MEMBER(out_head) LS_MEMBER(lse) LS_MEMBER(lse_batch) LS_MEMBER(lse_head) LS_MEMBER(lse_row) LS_MEMBER(tasks)
           LS_MEMBER(task_count) LS_MEMBER(most_queries) LS_MEMBER(most_keys) LS_MEMBER(key_period) LS_MEMBER(first_query)
           LS_MEMBER(block) LS_MEMBER(before) LS_MEMBER(after) LS_MEMBER(blockwise) LS_MEMBER(documents) LS_MEMBER(document_count)
           LS_MEMBER(documents_batch) LS_MEMBER(mask) LS_MEMBER(mask_batch) LS_MEMBER(mask_row) LS_MEMBER(mask_col)
           LS_MEMBER(epoch) LS_MEMBER(decay) LS_MEMBER(scale) LS_MEMBER(drop_rate) LS_MEMBER(drop_seed)
           LS_MEMBER(drop_stream) LS_MEMBER(scratch) LS_MEMBER(d_out) LS_MEMBER(d_out_batch) LS_MEMBER(d_out_row)
           LS_MEMBER(d_out_head) LS_MEMBER(d_lse) LS_MEMBER(d_lse_batch) LS_MEMBER(d_lse_head) LS_MEMBER(d_lse_row)
           LS_MEMBER(delta) LS_MEMBER(dq) LS_MEMBER(dk) LS_MEMBER(dv) LS_MEMBER(dq_batch) LS_MEMBER(dq_row)
           LS_MEMBER(dq_head) LS_MEMBER(dk_batch) LS_MEMBER(dk_row) LS_MEMBER(dk_head) LS_MEMBER(dv_batch)
           LS_MEMBER(dv_row) LS_MEMBER(dv_head) LS_MEMBER(causal) LS_MEMBER(half) + "\n";
}

std::string cema_coefficients_params() {
    using P = ls_cuda_cema_coefficients_params;
    return "struct ls_cuda_cema_coefficients_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(channels)
           LS_MEMBER(modes) LS_MEMBER(alpha) LS_MEMBER(delta) LS_MEMBER(theta) LS_MEMBER(gamma) LS_MEMBER(q)
           LS_MEMBER(p) LS_MEMBER(c) LS_MEMBER(dq) LS_MEMBER(dp) LS_MEMBER(dc) LS_MEMBER(d_alpha) LS_MEMBER(d_delta)
           LS_MEMBER(d_theta) LS_MEMBER(d_gamma) + "\n";
}

std::string cema_params() {
    using P = ls_cuda_cema_params;
    return "struct ls_cuda_cema_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(batch) LS_MEMBER(rows)
           LS_MEMBER(channels) LS_MEMBER(modes) LS_MEMBER(x) LS_MEMBER(q) LS_MEMBER(c) LS_MEMBER(omega)
           LS_MEMBER(start) LS_MEMBER(fresh) LS_MEMBER(y) LS_MEMBER(last) LS_MEMBER(kept) LS_MEMBER(scratch)
           LS_MEMBER(dy) LS_MEMBER(d_last) LS_MEMBER(dx) LS_MEMBER(dq) LS_MEMBER(dc) LS_MEMBER(d_omega)
           LS_MEMBER(d_start) LS_MEMBER(reversed) + "\n";
}

std::string recurrence_params() {
    using P = ls_cuda_recurrence_params;
    return "struct ls_cuda_recurrence_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(batch)
           LS_MEMBER(rows) LS_MEMBER(channels) LS_MEMBER(a) LS_MEMBER(b) LS_MEMBER(x) LS_MEMBER(start)
           LS_MEMBER(fresh) LS_MEMBER(h) LS_MEMBER(scratch) LS_MEMBER(dh) LS_MEMBER(da) LS_MEMBER(db) LS_MEMBER(dx)
           LS_MEMBER(d_start) LS_MEMBER(complex) LS_MEMBER(a_per_step) LS_MEMBER(b_per_step) LS_MEMBER(reversed) + "\n";
}

std::string timestep_norm_params() {
    using P = ls_cuda_timestep_norm_params;
    return "struct ls_cuda_timestep_norm_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(batch)
           LS_MEMBER(rows) LS_MEMBER(channels) LS_MEMBER(groups) LS_MEMBER(x) LS_MEMBER(weight) LS_MEMBER(bias)
           LS_MEMBER(weight_offset) LS_MEMBER(eps) LS_MEMBER(fresh) LS_MEMBER(padded) LS_MEMBER(fresh_count)
           LS_MEMBER(fresh_mean) LS_MEMBER(fresh_var) LS_MEMBER(start_count) LS_MEMBER(start_mean)
           LS_MEMBER(start_var) LS_MEMBER(y) LS_MEMBER(last_count) LS_MEMBER(last_mean) LS_MEMBER(last_var)
           LS_MEMBER(means) LS_MEMBER(rstds) LS_MEMBER(scratch) LS_MEMBER(dy) LS_MEMBER(d_last_mean)
           LS_MEMBER(d_last_var) LS_MEMBER(dx) LS_MEMBER(d_weight) LS_MEMBER(d_bias) LS_MEMBER(d_fresh_mean)
           LS_MEMBER(d_fresh_var) LS_MEMBER(d_start_mean) LS_MEMBER(d_start_var) + "\n";
}

} // namespace

int32_t ls_cuda_abi_version(void) { return LS_CUDA_ABI_VERSION; }

const char *ls_cuda_abi(void) {
    static const std::string text = [] {
        std::string lines;
#define LS_LINE(name) lines += ls::signature("ls_cuda_" #name, &ls_cuda_##name);
        LS_LINE(abi_version) LS_LINE(abi) LS_LINE(last_error)
        LS_LINE(attention_scratch) LS_LINE(attention) LS_LINE(attention_join) LS_LINE(attention_dots)
        LS_LINE(attention_deltas) LS_LINE(attention_centre) LS_LINE(attention_backward)
        LS_LINE(gemm_scratch) LS_LINE(gemm) LS_LINE(blas_open) LS_LINE(blas_close) LS_LINE(add_column_sums_scratch)
        LS_LINE(add_column_sums)
        LS_LINE(fill) LS_LINE(axpby) LS_LINE(add) LS_LINE(multiply) LS_LINE(add_scalar) LS_LINE(clamp) LS_LINE(sum_scratch)
        LS_LINE(sum) LS_LINE(sum_squares) LS_LINE(count_non_finite) LS_LINE(activation) LS_LINE(activation_backward)
        LS_LINE(gated) LS_LINE(gated_backward) LS_LINE(dropout) LS_LINE(noise)
        LS_LINE(norm) LS_LINE(affine) LS_LINE(norm_backward_scratch) LS_LINE(norm_backward)
        LS_LINE(softmax) LS_LINE(softmax_backward) LS_LINE(rotary) LS_LINE(embedding)
        LS_LINE(embedding_backward_scratch) LS_LINE(embedding_backward) LS_LINE(cross_entropy) LS_LINE(cross_entropy_backward)
        LS_LINE(adamw) LS_LINE(copy) LS_LINE(zero)
        LS_LINE(cema_coefficients) LS_LINE(cema_coefficients_backward) LS_LINE(cema_scratch) LS_LINE(cema)
        LS_LINE(cema_backward_scratch) LS_LINE(cema_backward)
        LS_LINE(recurrence_scratch) LS_LINE(recurrence) LS_LINE(recurrence_backward_scratch) LS_LINE(recurrence_backward)
        LS_LINE(timestep_norm_scratch) LS_LINE(timestep_norm) LS_LINE(timestep_norm_backward_scratch) LS_LINE(timestep_norm_backward)
#undef LS_LINE
        return lines + gemm_params() + norm_backward_params() + rotary_params() + copy_params() + attention_task() +
               attention_params() + cema_coefficients_params() + cema_params() + recurrence_params() + timestep_norm_params();
    }();
    return text.c_str();
}
