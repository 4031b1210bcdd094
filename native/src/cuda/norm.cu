#include "norm_row.h"

namespace ls::cuda {

namespace {

/* y = (x − m)·r·(weight + offset) + bias, where m and r are the row's if `mean` and `rstd` are there, otherwise 0 and
 * factor. */
template <class T> struct Norm {
    const T *x, *weight, *bias;
    float offset, factor;
    double eps;
    T *y;
    float *mean, *rstd;
    int64_t rows, d;
};

template <class Shape> LS_KERNEL_OF(Shape::THREADS, 2) norm(Norm<typename Shape::Element> p) {
    using T = typename Shape::Element;
    int64_t at = Shape::row(), d = at < p.rows ? p.d : 0;
    typename Shape::Row row(p.x + (d ? at * p.d : 0), d);
    float m = 0, r = p.factor;
    if (p.mean) {
        float sum = 0;
        Shape::visit(
            d,
            [&](int64_t, const auto &x) {
                LS_UNROLL
                for (float v : x.at) {
                    sum += v;
                }
            },
            row);
        m = Shape::sum(sum) / (float)p.d;
    }
    if (p.rstd) {
        float squares = 0;
        Shape::visit(
            d,
            [&](int64_t, const auto &x) {
                LS_UNROLL
                for (float v : x.at) {
                    squares = fmaf(v - m, v - m, squares);
                }
            },
            row);
        r = (float)(1 / sqrt(Shape::sum(squares) / (float)p.d + p.eps));
    }
    if (d && Shape::lane() == 0) {
        if (p.mean) {
            p.mean[at] = m;
        }
        if (p.rstd) {
            p.rstd[at] = r;
        }
    }
    T *y = p.y + at * p.d;
    Shape::visit(
        d,
        [&](int64_t j, const auto &x) {
            constexpr int W = std::decay_t<decltype(x)>::SIZE;
            Floats<W> v = each<W>([&](float one) { return (one - m) * r; }, x);
            if (p.weight) {
                v = each<W>([&](float one, float w) { return one * (w + p.offset); }, v, load<W>(p.weight + j));
            }
            if (p.bias) {
                v = each<W>([](float one, float b) { return one + b; }, v, load<W>(p.bias + j));
            }
            store<W>(y + j, v);
        },
        row);
}

struct Call {
    const char *name;
    const void *x, *weight, *bias;
    float offset, factor;
    double eps;
    void *y;
    float *mean, *rstd;
    int64_t rows, d;
    void *stream;
};

template <class T> ls_status run(const Call &c) {
    Norm<T> p{static_cast<const T *>(c.x), static_cast<const T *>(c.weight), static_cast<const T *>(c.bias), c.offset, c.factor,
              c.eps, static_cast<T *>(c.y), c.mean, c.rstd, c.rows, c.d};
    return with_row_shape<T>(c.d, aligned(c.x, c.weight, c.bias, c.y), [&](auto shape) {
        using Shape = decltype(shape);
        return launch(c.name, norm<Shape>, Grid{(c.rows + Shape::ROWS - 1) / Shape::ROWS}, Shape::THREADS, Shape::SHARED, c.stream,
                      p);
    });
}

ls_status run(bool half, const Call &call) { return half ? run<bf16>(call) : run<float>(call); }

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_norm(const void *x, const void *weight, const void *bias, float weight_offset, double eps, void *y,
                       float *mean, float *rstd, int64_t rows, int64_t d, int32_t half, void *stream) {
    LS_NEEDS(rows >= 0 && d >= 0 && (rstd || rows == 0));
    return run(half, {"norm", x, weight, bias, weight_offset, 1, eps, y, mean, rstd, rows, d, stream});
}

ls_status ls_cuda_affine(const void *x, const void *weight, const void *bias, float weight_offset, float factor,
                         void *y, int64_t rows, int64_t d, int32_t half, void *stream) {
    LS_NEEDS(rows >= 0 && d >= 0);
    return run(half, {"affine", x, weight, bias, weight_offset, factor, 0, y, nullptr, nullptr, rows, d, stream});
}
