#include "gemm.h"

namespace ls::cuda {

namespace {

Lines lines_of(const void *at, int64_t pitch, int64_t lines, int64_t length, bool half) {
    bool wide = aligned(at) && (lines <= 1 || pitch % (half ? WIDTH<bf16> : WIDTH<float>) == 0);
    return {at, pitch, lines, length, half, wide};
}

bool side_by_side(const void *vectors, int64_t pitch, int64_t stride, bool half) {
    return aligned(vectors) && stride == 1 && pitch % (half ? WIDTH<bf16> : WIDTH<float>) == 0;
}

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

int64_t ls_cuda_gemm_scratch(const ls_cuda_gemm_params *p) {
    int64_t parts = depth_parts(p->rows, p->cols, p->depth), own = parts > 1 ? parts * p->rows * p->cols * 4 : 0;
    return p->blas && own < BLAS_WORKSPACE_BYTES ? BLAS_WORKSPACE_BYTES : own;
}

ls_status ls_cuda_gemm(const ls_cuda_gemm_params *p, void *stream) {
    LS_NEEDS(p->size == sizeof *p);
    LS_NEEDS(p->rows >= 0 && p->cols >= 0 && p->depth >= 0);
    LS_NEEDS(p->a_row == 1 || p->a_col == 1 || p->rows == 1 || p->depth <= 1);
    LS_NEEDS(p->b_row == 1 || p->b_col == 1 || p->cols == 1 || p->depth <= 1);
    if (p->rows == 0 || p->cols == 0) {
        return LS_OK;
    }
    LS_NEEDS(p->c && (p->depth == 0 || (p->a && p->b)));
    bool half_a = p->halves & LS_HALF_A, half_b = p->halves & LS_HALF_B;
    bool half_bias = p->halves & LS_HALF_BIAS, half_c = p->halves & LS_HALF_C;
    Output output{p->c, p->c_row, 1, p->bias, half_c, half_bias, p->accumulate != 0};
    bool deep_a = p->a_col == 1 || p->depth == 1, deep_b = p->b_row == 1 || p->depth == 1;
    if (p->rows <= FEW && deep_b) {
        return few_vectors({lines_of(p->b, p->b_col, p->cols, p->depth, half_b), p->a, p->rows, p->a_row, p->a_col,
                            half_a, side_by_side(p->a, p->a_row, p->a_col, half_a), true, output},
                           stream);
    }
    if (p->cols <= FEW && deep_a) {
        return few_vectors({lines_of(p->a, p->a_row, p->rows, p->depth, half_a), p->b, p->cols, p->b_col, p->b_row,
                            half_b, side_by_side(p->b, p->b_col, p->b_row, half_b), false, output},
                           stream);
    }
    if (p->blas && p->depth > 0) {
        bool done = false;
        ls_status status = blas_product(*p, ls_cuda_gemm_scratch(p), &done, stream);
        if (status != LS_OK || done) {
            return status;
        }
    }
    Lines a = deep_a ? lines_of(p->a, p->a_row, p->rows, p->depth, half_a)
                     : lines_of(p->a, p->a_col, p->depth, p->rows, half_a);
    Lines b = deep_b ? lines_of(p->b, p->b_col, p->cols, p->depth, half_b)
                     : lines_of(p->b, p->b_row, p->depth, p->cols, half_b);
    /* Of two types, the slices hold floats: bfloat16 is converted element by element. */
    a.wide &= half_a == half_b || !half_a;
    b.wide &= half_a == half_b || !half_b;
    Product product{a, b, deep_a, deep_b, p->rows, p->cols, p->depth, output};
    LS_NEEDS(depth_parts(p->rows, p->cols, p->depth) == 1 || p->scratch);
    return tiled_product(product, static_cast<float *>(p->scratch), stream);
}
