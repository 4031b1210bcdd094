#pragma once

#include "error.h"
#include "longspan.h"

/* The functions that every tier has. A family's file is compiled once a tier and defines them in namespace ls::LS_TIER. */
#define LS_KERNELS(X) \
    X(gemm_panel) X(gemm_pack) X(gemm_scratch) X(gemm) X(add_column_sums) \
    X(int8_row) X(int8_weights) X(int8_inputs) X(int8_product) \
    X(attention_span) X(attention_scratch) X(attention) X(attention_backward) X(attention_deltas) \
    X(fill) X(axpby) X(add) X(multiply) X(add_scalar) X(clamp) X(sum) X(sum_squares) X(count_non_finite) \
    X(activation) X(activation_backward) X(gated) X(gated_backward) X(dropout) \
    X(norm) X(affine) X(norm_backward) X(add_blocks) \
    X(cema_scratch) X(cema) X(cema_backward) X(timestep_norm) X(timestep_norm_backward) \
    X(embedding) X(embedding_backward) X(cross_entropy) X(cross_entropy_backward) X(adamw)

namespace ls {

#define LS_FIELD(name) decltype(&::ls_##name) name;
struct Kernels {
    LS_KERNELS(LS_FIELD)
};
#undef LS_FIELD

#ifdef LS_TIER
namespace LS_TIER {
#define LS_DECLARE(name) decltype(::ls_##name) name;
LS_KERNELS(LS_DECLARE)
#undef LS_DECLARE
} // namespace LS_TIER
#endif

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
