#pragma once

#include "gemm_blas.h"
#include "lanes.h"

/* Parts of a matrix product, between the files that compute them. */
namespace ls::cuda {

/* A matrix by lines of neighbouring elements. */
struct Lines {
    const void *at;
    int64_t pitch, lines, length;
    bool half, wide; /* bfloat16; every line aligned to 16 bytes */
};

/* Where sums go: c (+)= sum + bias. */
struct Output {
    void *c;
    int64_t c_row, c_col;
    const void *bias;
    bool half, half_bias, accumulate;

    /* `place` is that of the bias. */
    LS_DEVICE void finish(int64_t row, int64_t col, int64_t place, float sum) const {
        if (bias) {
            sum += half_bias ? value(static_cast<const bf16 *>(bias)[place]) : static_cast<const float *>(bias)[place];
        }
        int64_t at = row * c_row + col * c_col;
        if (half) {
            bf16 &to = static_cast<bf16 *>(c)[at];
            put(to, accumulate ? value(to) + sum : sum);
        } else {
            float &to = static_cast<float *>(c)[at];
            to = accumulate ? to + sum : sum;
        }
    }
};

/* A product for the tiled kernels: `deep` lines are rows or columns over the depth, the others lines of the depth over
 * those. */
struct Product {
    Lines a, b;
    bool deep_a, deep_b;
    int64_t rows, cols, depth;
    Output output;
};

/* Parts that the depth is cut into, so that small outputs occupy a device too. */
int64_t depth_parts(int64_t rows, int64_t cols, int64_t depth);
/* `parts` is scratch of depth_parts · rows · cols floats where there are several. */
ls_status tiled_product(const Product &product, float *parts, void *stream);

/* Products of lines with few vectors. */
constexpr int64_t FEW = 8;

/* y(vector, line) = Σ vector · line; finish(vector, line) where the vectors are rows, otherwise (line, vector). */
struct FewVectors {
    Lines lines;
    const void *vectors;
    int64_t count, vector_stride, depth_stride;
    bool half, wide, rows; /* wide: neighbours aligned to 16 bytes */
    Output output;
};
ls_status few_vectors(const FewVectors &product, void *stream);

} // namespace ls::cuda
