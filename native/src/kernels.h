#pragma once

#include "error.h"
#include "longspan.h"

/*
 * The functions that every tier has. A family's file is compiled once a tier and defines them in namespace ls::LS_TIER.
 * avx512_bf16 has attention of its own, and for the rest avx512's.
 */
#define LS_ATTENTION(X) \
    X(attention_span) X(attention_scratch) X(attention) X(attention_backward) X(attention_deltas)
#define LS_KERNELS(X) \
    X(gemm_panel) X(gemm_pack) X(gemm_scratch) X(gemm) X(add_column_sums) \
    X(int8_row) X(int8_weights) X(int8_inputs) X(int8_product) \
    LS_ATTENTION(X) \
    X(fill) X(axpby) X(add) X(multiply) X(add_scalar) X(clamp) X(sum) X(sum_squares) X(count_non_finite) \
    X(activation) X(activation_backward) X(gated) X(gated_backward) X(dropout) \
    X(norm) X(sum_norm) X(affine) X(norm_backward) X(add_blocks) X(softmax) X(softmax_backward) \
    X(cema_scratch) X(cema) X(cema_backward) X(timestep_norm) X(timestep_norm_backward) \
    X(embedding) X(embedding_backward) X(cross_entropy) X(cross_entropy_backward) X(adamw)

namespace ls {

#define LS_FIELD(name) decltype(&::ls_##name) name;
struct Kernels {
    LS_KERNELS(LS_FIELD)
};
#undef LS_FIELD

#define LS_DECLARE(name) decltype(::ls_##name) name;
#ifdef LS_TIER
namespace LS_TIER {
LS_KERNELS(LS_DECLARE)
} // namespace LS_TIER
#else
namespace avx512_bf16 {
LS_ATTENTION(LS_DECLARE)
} // namespace avx512_bf16
#endif
#undef LS_DECLARE

namespace portable {
extern const Kernels table;
}
namespace avx2 {
extern const Kernels table;
}
namespace avx512 {
extern const Kernels table;
}

} // namespace ls
