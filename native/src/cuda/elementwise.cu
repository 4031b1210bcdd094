#include "sweep.h"

namespace ls::cuda {

namespace {

template <class T> struct Fill {
    using Element = T;
    float value;
    T *y;

    template <int W> LS_DEVICE void run(int64_t i) const {
        Floats<W> v;
        LS_UNROLL
        for (int lane = 0; lane < W; lane++) {
            v.at[lane] = value;
        }
        store<W>(y + i, v);
    }
};

template <class T> struct Scale {
    using Element = T;
    float alpha;
    const T *x;
    T *y;

    template <int W> LS_DEVICE void run(int64_t i) const {
        store<W>(y + i, each<W>([&](float v) { return alpha * v; }, load<W>(x + i)));
    }
};

template <class T> struct Axpby {
    using Element = T;
    float alpha, beta;
    const T *x;
    T *y;

    template <int W> LS_DEVICE void run(int64_t i) const {
        store<W>(y + i,
                 each<W>([&](float v, float to) { return fmaf(v, alpha, to * beta); }, load<W>(x + i), load<W>(y + i)));
    }
};

template <class T> struct Add {
    using Element = T;
    const T *a, *b;
    T *y;

    template <int W> LS_DEVICE void run(int64_t i) const {
        store<W>(y + i, each<W>([](float v, float w) { return v + w; }, load<W>(a + i), load<W>(b + i)));
    }
};

template <class T> struct Multiply {
    using Element = T;
    const T *a, *b;
    T *y;

    template <int W> LS_DEVICE void run(int64_t i) const {
        store<W>(y + i, each<W>([](float v, float w) { return v * w; }, load<W>(a + i), load<W>(b + i)));
    }
};

template <class T> struct MultiplyAdd {
    using Element = T;
    const T *a, *b;
    T *y;

    template <int W> LS_DEVICE void run(int64_t i) const {
        store<W>(y + i, each<W>([](float v, float w, float to) { return fmaf(v, w, to); }, load<W>(a + i),
                                load<W>(b + i), load<W>(y + i)));
    }
};

struct AddScalar {
    using Element = float;
    double alpha;
    const float *scalar;
    float *y;

    template <int W> LS_DEVICE void run(int64_t i) const {
        float value = (float)(alpha * *scalar);
        store<W>(y + i, each<W>([&](float to) { return to + value; }, load<W>(y + i)));
    }
};

struct Clamp {
    using Element = float;
    float limit;
    float *x;

    template <int W> LS_DEVICE void run(int64_t i) const {
        store<W>(x + i, each<W>([&](float v) { return v > limit ? limit : v < -limit ? -limit : v; }, load<W>(x + i)));
    }
};

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_fill(float value, void *y, int64_t n, int32_t half, void *stream) {
    LS_NEEDS(n >= 0);
    return typed(half, [&](auto t) {
        using T = decltype(t);
        return sweep("fill", Fill<T>{value, static_cast<T *>(y)}, n, aligned(y), stream);
    });
}

ls_status ls_cuda_axpby(float alpha, const void *x, float beta, void *y, int64_t n, int32_t half, void *stream) {
    LS_NEEDS(n >= 0);
    return typed(half, [&](auto t) {
        using T = decltype(t);
        const T *from = static_cast<const T *>(x);
        T *to = static_cast<T *>(y);
        bool wide = aligned(x, y);
        return beta == 0 ? sweep("scale", Scale<T>{alpha, from, to}, n, wide, stream)
                         : sweep("axpby", Axpby<T>{alpha, beta, from, to}, n, wide, stream);
    });
}

ls_status ls_cuda_add(const void *a, const void *b, void *y, int64_t n, int32_t half, void *stream) {
    LS_NEEDS(n >= 0);
    return typed(half, [&](auto t) {
        using T = decltype(t);
        return sweep("add", Add<T>{static_cast<const T *>(a), static_cast<const T *>(b), static_cast<T *>(y)}, n,
                     aligned(a, b, y), stream);
    });
}

ls_status ls_cuda_multiply(const void *a, const void *b, void *y, int64_t n, int32_t accumulate, int32_t half,
                           void *stream) {
    LS_NEEDS(n >= 0);
    return typed(half, [&](auto t) {
        using T = decltype(t);
        const T *left = static_cast<const T *>(a), *right = static_cast<const T *>(b);
        T *to = static_cast<T *>(y);
        bool wide = aligned(a, b, y);
        return accumulate ? sweep("multiply_add", MultiplyAdd<T>{left, right, to}, n, wide, stream)
                          : sweep("multiply", Multiply<T>{left, right, to}, n, wide, stream);
    });
}

ls_status ls_cuda_add_scalar(double alpha, const float *scalar, float *y, int64_t n, void *stream) {
    LS_NEEDS(n >= 0);
    return sweep("add_scalar", AddScalar{alpha, scalar, y}, n, aligned(y), stream);
}

ls_status ls_cuda_clamp(float limit, float *x, int64_t n, void *stream) {
    LS_NEEDS(n >= 0);
    return sweep("clamp", Clamp{limit, x}, n, aligned(x), stream);
}
