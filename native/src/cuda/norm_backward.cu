#include "column_sums.h"
#include "norm_row.h"

/*
 * dx += r·(g − mean(g) − x̂·mean(g ⊙ x̂)) with g = dy ⊙ w and x̂ = (x − m)·r; parameters' gradients by blocks of rows, in
 * order.
 */
namespace ls::cuda {

namespace {

using Params = ls_cuda_norm_backward_params;

template <class Shape> LS_KERNEL(Shape::THREADS) norm_backward(Params p) {
    int64_t at = Shape::row(), d = at < p.rows ? p.d : 0, first = d ? at * p.d : 0;
    typename Shape::Row x(p.x + first, d), dy(p.dy + first, d);
    float m = d && p.mean ? p.mean[at] : 0, r = d && p.rstd ? p.rstd[at] : p.factor;
    auto g = [&](int64_t j, const auto &slope) {
        constexpr int W = std::decay_t<decltype(slope)>::SIZE;
        return p.weight
                   ? each<W>([&](float s, float w) { return s * (w + p.weight_offset); }, slope, load<W>(p.weight + j))
                   : slope;
    };
    float mean_g = 0, mean_gx = 0;
    if (p.rstd) {
        float sum = 0, product = 0;
        Shape::visit(
            d,
            [&](int64_t j, const auto &v, const auto &slope) {
                auto weighted = g(j, slope);
                LS_UNROLL
                for (int i = 0; i < weighted.SIZE; i++) {
                    sum += weighted.at[i];
                    product = fmaf(weighted.at[i], v.at[i] - m, product);
                }
            },
            x, dy);
        mean_g = p.mean ? Shape::sum(sum) / (float)p.d : 0;
        mean_gx = Shape::sum(product) * r / (float)p.d;
    }
    float *dx = p.dx + first;
    Shape::visit(
        d,
        [&](int64_t j, const auto &v, const auto &slope) {
            constexpr int W = std::decay_t<decltype(v)>::SIZE;
            store<W>(dx + j, each<W>(
                                 [&](float one, float weighted, float to) {
                                     // Where nothing is measured an infinite x has no part in dx.
                                     float measured = p.rstd ? (one - m) * r : 0;
                                     return fmaf(fmaf(measured, -mean_gx, weighted - mean_g), r, to);
                                 },
                                 v, g(j, slope), load<W>(dx + j)));
        },
        x, dy);
}

constexpr int THREADS = 128;
/* Rows that one block sums. */
constexpr int64_t ROWS = 64;

int64_t row_blocks(int64_t rows) { return (rows + ROWS - 1) / ROWS; }

LS_KERNEL(THREADS) parameter_gradients(Params p, float *weights, float *biases) {
    int64_t first = block_x() * ROWS, end = first + ROWS < p.rows ? first + ROWS : p.rows;
    for (int64_t j = (int64_t)block_y() * THREADS + thread_index(); j < p.d; j += (int64_t)MOST_YZ * THREADS) {
        float dw = 0, db = 0;
        for (int64_t i = first; i < end; i++) {
            float slope = p.dy[i * p.d + j];
            db += slope;
            if (p.d_weight) {
                dw = fmaf((p.x[i * p.d + j] - (p.mean ? p.mean[i] : 0)) * (p.rstd ? p.rstd[i] : p.factor), slope, dw);
            }
        }
        weights[block_x() * p.d + j] = dw;
        biases[block_x() * p.d + j] = db;
    }
}

ls_status inputs(const Params &p, void *stream) {
    return with_row_shape<float>(p.d, aligned(p.x, p.weight, p.dy, p.dx), [&](auto shape) {
        using Shape = decltype(shape);
        return launch("norm_backward", norm_backward<Shape>, Grid{(p.rows + Shape::ROWS - 1) / Shape::ROWS},
                      Shape::THREADS, Shape::SHARED, stream, p);
    });
}

ls_status parameters(const Params &p, void *stream) {
    int64_t blocks = row_blocks(p.rows), across = (p.d + THREADS - 1) / THREADS;
    float *weights = static_cast<float *>(p.scratch), *biases = weights + blocks * p.d;
    if (ls_status bad = launch("norm_backward", parameter_gradients, Grid{blocks, across < MOST_YZ ? across : MOST_YZ},
                               THREADS, 0, stream, p, weights, biases)) {
        return bad;
    }
    if (p.d_weight) {
        if (ls_status bad = add_column_sums(weights, blocks, p.d, Neighbours<float>{p.d_weight}, stream)) {
            return bad;
        }
    }
    return p.d_bias ? add_column_sums(biases, blocks, p.d, Neighbours<float>{p.d_bias}, stream) : LS_OK;
}

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

int64_t ls_cuda_norm_backward_scratch(int64_t rows, int64_t d) { return 2 * row_blocks(rows) * d * 4; }

ls_status ls_cuda_norm_backward(const ls_cuda_norm_backward_params *p, void *stream) {
    LS_NEEDS(p->size == sizeof *p && p->rows >= 0 && p->d >= 0);
    if (p->rows == 0 || p->d == 0) {
        return LS_OK;
    }
    LS_NEEDS(p->x && p->dy);
    if (p->dx) {
        if (ls_status bad = inputs(*p, stream)) {
            return bad;
        }
    }
    if (!p->d_weight && !p->d_bias) {
        return LS_OK;
    }
    LS_NEEDS(p->scratch != nullptr);
    return parameters(*p, stream);
}
