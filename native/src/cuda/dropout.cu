#include "philox.h"
#include "sweep.h"

/* What counters decide: dropout and noise. */
namespace ls::cuda {

namespace {

template <class T, bool ADDS> struct Dropout {
    using Element = T;
    double rate;
    int64_t seed, number;
    float kept;
    const T *x;
    T *y;

    template <int W> LS_DEVICE void run(int64_t i) const {
        Floats<W> v = load<W>(x + i), to;
        if constexpr (ADDS) {
            to = load<W>(y + i);
        }
        LS_UNROLL
        for (int lane = 0; lane < W; lane++) {
            float one = uniform(seed, number, i + lane) < rate ? 0 : kept * v.at[lane];
            v.at[lane] = ADDS ? to.at[lane] + one : one;
        }
        store<W>(y + i, v);
    }
};

/* Standard normal by Box and Muller, as kernel/Philox.java. */
LS_DEVICE double normal(int64_t key, int64_t stream, int64_t counter) {
    constexpr double TURN = 6.283185307179586;
    uint64_t bits = random_bits(key, stream, counter);
    double u = (double)((bits >> 32) + 1) * 0x1p-32, v = (double)(bits & 0xffffffffu) * 0x1p-32;
    return sqrt(-2 * log(u)) * cos(TURN * v);
}

template <class T> struct Noise {
    using Element = T;
    double std;
    int64_t seed, number;
    const T *x;
    T *y;

    template <int W> LS_DEVICE void run(int64_t i) const {
        Floats<W> v = load<W>(x + i);
        for (int lane = 0; lane < W; lane++) {
            v.at[lane] = (float)(v.at[lane] + std * normal(seed, number, i + lane));
        }
        store<W>(y + i, v);
    }
};

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_dropout(double rate, int64_t seed, int64_t stream_number, const void *x, void *y, int64_t n,
                          int32_t accumulate, int32_t half, void *stream) {
    LS_NEEDS(n >= 0 && rate >= 0 && rate < 1);
    float kept = (float)(1 / (1 - rate));
    return typed(half, [&](auto t) {
        using T = decltype(t);
        const T *from = static_cast<const T *>(x);
        T *to = static_cast<T *>(y);
        bool wide = aligned(x, y);
        return accumulate
                   ? sweep("dropout_add", Dropout<T, true>{rate, seed, stream_number, kept, from, to}, n, wide, stream)
                   : sweep("dropout", Dropout<T, false>{rate, seed, stream_number, kept, from, to}, n, wide, stream);
    });
}

ls_status ls_cuda_noise(double std, int64_t seed, int64_t stream_number, const void *x, void *y, int64_t n,
                        int32_t half, void *stream) {
    LS_NEEDS(n >= 0);
    return typed(half, [&](auto t) {
        using T = decltype(t);
        return sweep("noise", Noise<T>{std, seed, stream_number, static_cast<const T *>(x), static_cast<T *>(y)}, n,
                     aligned(x, y), stream);
    });
}
