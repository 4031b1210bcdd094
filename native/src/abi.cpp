#include "abi.h"
#include "kernels.h"

namespace {

std::string gemm_params() {
    using P = ls_gemm_params;
    return "struct ls_gemm_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(rows) LS_MEMBER(cols)
           LS_MEMBER(depth) LS_MEMBER(a) LS_MEMBER(a_row) LS_MEMBER(a_col) LS_MEMBER(b) LS_MEMBER(b_row) LS_MEMBER(b_col)
           LS_MEMBER(packed) LS_MEMBER(bias) LS_MEMBER(c) LS_MEMBER(c_row) LS_MEMBER(up) LS_MEMBER(up_row) LS_MEMBER(y)
           LS_MEMBER(y_row) LS_MEMBER(scratch) LS_MEMBER(cancel) LS_MEMBER(accumulate) LS_MEMBER(halves) LS_MEMBER(f) + "\n";
}

std::string attention_params() {
    using P = ls_attention_params;
    return "struct ls_attention_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(dim) LS_MEMBER(value_dim)
           LS_MEMBER(q) LS_MEMBER(k) LS_MEMBER(v) LS_MEMBER(q_row) LS_MEMBER(k_row) LS_MEMBER(v_row) LS_MEMBER(out)
           LS_MEMBER(lse) LS_MEMBER(out_row) LS_MEMBER(lse_row) LS_MEMBER(query_start) LS_MEMBER(query_run)
           LS_MEMBER(query_period) LS_MEMBER(key_start) LS_MEMBER(key_run) LS_MEMBER(key_period) LS_MEMBER(position_start)
           LS_MEMBER(position_run) LS_MEMBER(position_period) LS_MEMBER(queries_from) LS_MEMBER(queries_to)
           LS_MEMBER(keys_from) LS_MEMBER(keys_to) LS_MEMBER(keys) LS_MEMBER(first_query) LS_MEMBER(first) LS_MEMBER(end)
           LS_MEMBER(scale) LS_MEMBER(pads) LS_MEMBER(mask) LS_MEMBER(mask_row) LS_MEMBER(mask_col) LS_MEMBER(epoch)
           LS_MEMBER(decay) LS_MEMBER(drop_rate) LS_MEMBER(drop_seed) LS_MEMBER(drop_stream) LS_MEMBER(scratch)
           LS_MEMBER(cancel) LS_MEMBER(d_out) LS_MEMBER(d_lse) LS_MEMBER(d_out_row) LS_MEMBER(d_lse_row) LS_MEMBER(delta)
           LS_MEMBER(dq) LS_MEMBER(dk) LS_MEMBER(dv) LS_MEMBER(dq_row) LS_MEMBER(dk_row) LS_MEMBER(dv_row)
           LS_MEMBER(keys_too) LS_MEMBER(queries_too) LS_MEMBER(dense) LS_MEMBER(half) + "\n";
}

std::string cema_params() {
    using P = ls_cema_params;
    return "struct ls_cema_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(rows) LS_MEMBER(width)
           LS_MEMBER(channels) LS_MEMBER(modes) LS_MEMBER(x) LS_MEMBER(q) LS_MEMBER(c) LS_MEMBER(omega) LS_MEMBER(start)
           LS_MEMBER(y) LS_MEMBER(last) LS_MEMBER(kept) LS_MEMBER(resets) LS_MEMBER(scratch) LS_MEMBER(cancel)
           LS_MEMBER(dy) LS_MEMBER(d_last) LS_MEMBER(dx) LS_MEMBER(dq) LS_MEMBER(dc) LS_MEMBER(d_omega)
           LS_MEMBER(d_start) LS_MEMBER(reversed) + "\n";
}

std::string timestep_norm_params() {
    using P = ls_timestep_norm_params;
    return "struct ls_timestep_norm_params " + std::to_string(sizeof(P)) LS_MEMBER(size) LS_MEMBER(rows) LS_MEMBER(row)
           LS_MEMBER(d) LS_MEMBER(n) LS_MEMBER(groups) LS_MEMBER(x) LS_MEMBER(weight) LS_MEMBER(bias)
           LS_MEMBER(weight_offset) LS_MEMBER(eps) LS_MEMBER(counts) LS_MEMBER(fresh) LS_MEMBER(padded)
           LS_MEMBER(fresh_mean) LS_MEMBER(fresh_var) LS_MEMBER(start_mean) LS_MEMBER(start_var) LS_MEMBER(y)
           LS_MEMBER(last_mean) LS_MEMBER(last_var) LS_MEMBER(means) LS_MEMBER(rstds) LS_MEMBER(cancel) LS_MEMBER(dy)
           LS_MEMBER(dx) LS_MEMBER(d_weight) LS_MEMBER(d_bias) LS_MEMBER(d_mean) LS_MEMBER(d_var) LS_MEMBER(d_fresh_mean)
           LS_MEMBER(d_fresh_var) LS_MEMBER(scratch) + "\n";
}

} // namespace

int32_t ls_abi_version(void) { return LS_ABI_VERSION; }

const char *ls_abi(void) {
    static const std::string text = [] {
        std::string lines;
#define LS_LINE(name) lines += ls::signature("ls_" #name, &ls_##name);
        LS_LINE(abi_version) LS_LINE(abi) LS_LINE(tier) LS_LINE(last_error) LS_KERNELS(LS_LINE)
#undef LS_LINE
        return lines + gemm_params() + attention_params() + cema_params() + timestep_norm_params();
    }();
    return text.c_str();
}
