#include "sweep.h"

namespace ls::cuda {

namespace {

/* √(8/π): (1 + tanh u) / 2 = σ(2u), which does not cancel. */
constexpr float TANH_SCALE = 1.5957691216057308f;
constexpr float TANH_CUBIC = 0.044715f;
/* The sigmoid has long been 0 or 1 here, and the cube is finite. */
constexpr float TANH_END = 20;
/* 1/√(2π) and 1/√2. */
constexpr float BELL_HEIGHT = 0.3989422804014327f;
constexpr float HALF_ROOT = 0.7071067811865476f;

LS_DEVICE float sigmoid(float x) { return 1 / (expf(-x) + 1); }

struct Relu {
    static LS_DEVICE float value(float x) { return x <= 0 ? 0 : x; }
    static LS_DEVICE float slope(float x) { return x > 0 ? 1 : 0; }
};

struct Gelu {
    /* Φ(x); relative accuracy also in the left tail. */
    static LS_DEVICE float cdf(float x) { return 0.5f * erfcf(x * -HALF_ROOT); }
    static LS_DEVICE float value(float x) { return x * cdf(x); }
    static LS_DEVICE float slope(float x) { return fmaf(x * BELL_HEIGHT, expf(x * x * -0.5f), cdf(x)); }
};

struct GeluTanh {
    static LS_DEVICE float value(float x) { return x / (expf(-((x * x * TANH_CUBIC + 1) * x * TANH_SCALE)) + 1); }
    static LS_DEVICE float slope(float x) {
        float c = x > TANH_END ? TANH_END : x < -TANH_END ? -TANH_END : x;
        float square = c * c * TANH_CUBIC;
        float s = sigmoid((square + 1) * c * TANH_SCALE);
        float du = (square * 3 + 1) * TANH_SCALE;
        return fmaf(x * (s * (1 - s)), du, s);
    }
};

struct Silu {
    static LS_DEVICE float value(float x) { return x / (expf(-x) + 1); }
    static LS_DEVICE float slope(float x) {
        float s = sigmoid(x);
        return (x * (1 - s) + 1) * s;
    }
};

struct Tanh {
    static LS_DEVICE float value(float x) { return tanhf(x); }
    /* 1 − tanh² x = 4 e^(−2|x|) / (1 + e^(−2|x|))², which does not cancel. */
    static LS_DEVICE float slope(float x) {
        float e = expf(fabsf(x) * -2), d = e + 1;
        return e * 4 / (d * d);
    }
};

template <class T, class F> struct Activation {
    using Element = T;
    const T *x;
    T *y;

    template <int W> LS_DEVICE void run(int64_t i) const {
        store<W>(y + i, each<W>([](float v) { return F::value(v); }, load<W>(x + i)));
    }
};

template <class F> struct ActivationBackward {
    using Element = float;
    const float *x, *dy;
    float *dx;

    template <int W> LS_DEVICE void run(int64_t i) const {
        store<W>(dx + i, each<W>([](float v, float d, float to) { return fmaf(F::slope(v), d, to); }, load<W>(x + i),
                                 load<W>(dy + i), load<W>(dx + i)));
    }
};

template <class T, class F> struct Gated {
    using Element = T;
    const T *gate, *up;
    T *y;

    template <int W> LS_DEVICE void run(int64_t i) const {
        store<W>(y + i, each<W>([](float g, float u) { return F::value(g) * u; }, load<W>(gate + i), load<W>(up + i)));
    }
};

template <class F> struct GatedBackward {
    using Element = float;
    const float *gate, *up, *dy;
    float *d_gate, *d_up;

    template <int W> LS_DEVICE void run(int64_t i) const {
        Floats<W> g = load<W>(gate + i), d = load<W>(dy + i);
        if (d_up) {
            store<W>(d_up + i, each<W>([](float v, float slope, float to) { return fmaf(F::value(v), slope, to); }, g,
                                       d, load<W>(d_up + i)));
        }
        if (d_gate) {
            store<W>(d_gate + i,
                     each<W>([](float v, float u, float slope, float to) { return fmaf(F::slope(v) * u, slope, to); },
                             g, load<W>(up + i), d, load<W>(d_gate + i)));
        }
    }
};

/* body(F{}) for the activation of that number. */
template <class Body> ls_status choose(int32_t f, Body body) {
    switch (f) {
    case LS_RELU: return body(Relu{});
    case LS_GELU: return body(Gelu{});
    case LS_GELU_TANH: return body(GeluTanh{});
    case LS_SILU: return body(Silu{});
    case LS_TANH: return body(Tanh{});
    default: return fail(LS_BAD_ARGUMENT, "no such activation: f=%d", f);
    }
}

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_activation(int32_t f, const void *x, void *y, int64_t n, int32_t half, void *stream) {
    LS_NEEDS(n >= 0);
    return typed(half, [&](auto t) {
        using T = decltype(t);
        return choose(f, [&](auto a) {
            return sweep("activation", Activation<T, decltype(a)>{static_cast<const T *>(x), static_cast<T *>(y)}, n,
                         aligned(x, y), stream);
        });
    });
}

ls_status ls_cuda_activation_backward(int32_t f, const float *x, const float *dy, float *dx, int64_t n, void *stream) {
    LS_NEEDS(n >= 0);
    return choose(f, [&](auto a) {
        return sweep("activation_backward", ActivationBackward<decltype(a)>{x, dy, dx}, n, aligned(x, dy, dx), stream);
    });
}

ls_status ls_cuda_gated(int32_t f, const void *gate, const void *up, void *y, int64_t n, int32_t half, void *stream) {
    LS_NEEDS(n >= 0);
    return typed(half, [&](auto t) {
        using T = decltype(t);
        return choose(f, [&](auto a) {
            return sweep("gated", Gated<T, decltype(a)>{static_cast<const T *>(gate), static_cast<const T *>(up),
                                                        static_cast<T *>(y)},
                         n, aligned(gate, up, y), stream);
        });
    });
}

ls_status ls_cuda_gated_backward(int32_t f, const float *gate, const float *up, const float *dy, float *d_gate,
                                 float *d_up, int64_t n, void *stream) {
    LS_NEEDS(n >= 0);
    return choose(f, [&](auto a) {
        return sweep("gated_backward", GatedBackward<decltype(a)>{gate, up, dy, d_gate, d_up}, n,
                     aligned(gate, up, dy, d_gate, d_up), stream);
    });
}
