#include "norm_row.h"

/* Softmax of rows and dx += y ⊙ (dy − Σ dy ⊙ y). */
namespace ls::cuda {

namespace {

template <class Shape>
LS_KERNEL_OF(Shape::THREADS, 2)
softmax(const typename Shape::Element *x, typename Shape::Element *y, int64_t rows, int64_t width) {
    int64_t at = Shape::row(), d = at < rows ? width : 0, first = d ? at * width : 0;
    typename Shape::Row row(x + first, d);
    float max = -INFINITY, sum = 0;
    Shape::visit(
        d,
        [&](int64_t, const auto &v) {
            LS_UNROLL
            for (float one : v.at) {
                max = fmaxf(max, one); /* ignores NaN, which the sum brings back */
            }
        },
        row);
    max = Shape::max(max);
    Shape::visit(
        d,
        [&](int64_t, const auto &v) {
            LS_UNROLL
            for (float one : v.at) {
                sum += expf(one - max);
            }
        },
        row);
    float factor = 1 / Shape::sum(sum);
    Shape::visit(
        d,
        [&](int64_t j, const auto &v) {
            constexpr int W = std::decay_t<decltype(v)>::SIZE;
            store<W>(y + first + j, each<W>([&](float one) { return expf(one - max) * factor; }, v));
        },
        row);
}

template <class Shape>
LS_KERNEL_OF(Shape::THREADS, 2)
softmax_backward(const float *y, const float *dy, float *dx, int64_t rows, int64_t width) {
    int64_t at = Shape::row(), d = at < rows ? width : 0, first = d ? at * width : 0;
    typename Shape::Row weights(y + first, d), slopes(dy + first, d);
    float dot = 0;
    Shape::visit(
        d,
        [&](int64_t, const auto &p, const auto &slope) {
            LS_UNROLL
            for (int i = 0; i < p.SIZE; i++) {
                dot = fmaf(p.at[i], slope.at[i], dot);
            }
        },
        weights, slopes);
    dot = Shape::sum(dot);
    Shape::visit(
        d,
        [&](int64_t j, const auto &p, const auto &slope) {
            constexpr int W = std::decay_t<decltype(p)>::SIZE;
            float *to = dx + first + j;
            store<W>(to, each<W>([&](float one, float s, float before) { return fmaf(one, s - dot, before); }, p, slope,
                                 load<W>(to)));
        },
        weights, slopes);
}

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_softmax(const void *x, void *y, int64_t rows, int64_t d, int32_t half, void *stream) {
    LS_NEEDS(rows >= 0 && d >= 0);
    return typed(half, [&](auto element) {
        using T = decltype(element);
        return with_row_shape<T>(d, aligned(x, y), [&](auto shape) {
            using Shape = decltype(shape);
            return launch("softmax", softmax<Shape>, Grid{(rows + Shape::ROWS - 1) / Shape::ROWS}, Shape::THREADS,
                          Shape::SHARED, stream, static_cast<const T *>(x), static_cast<T *>(y), rows, d);
        });
    });
}

ls_status ls_cuda_softmax_backward(const float *y, const float *dy, float *dx, int64_t rows, int64_t d, void *stream) {
    LS_NEEDS(rows >= 0 && d >= 0);
    return with_row_shape<float>(d, aligned(y, dy, dx), [&](auto shape) {
        using Shape = decltype(shape);
        return launch("softmax_backward", softmax_backward<Shape>, Grid{(rows + Shape::ROWS - 1) / Shape::ROWS},
                      Shape::THREADS, Shape::SHARED, stream, y, dy, dx, rows, d);
    });
}
