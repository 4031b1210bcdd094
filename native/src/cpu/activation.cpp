#include "kernels.h"
#include "math.h"

namespace ls::LS_TIER {

namespace {

/* √(8/π): (1 + tanh u) / 2 = σ(2u), which does not cancel. */
constexpr float TANH_SCALE = 1.5957691216057308f;
constexpr float TANH_CUBIC = 0.044715f;
/* 2u / ln 2 is a polynomial too, and a power of two needs no division by ln 2. */
constexpr float TANH_SCALE_LOG2 = (float)(1.5957691216057308 / 0.6931471805599453);
constexpr float TANH_CUBIC_LOG2 = (float)(0.044715 * 1.5957691216057308 / 0.6931471805599453);
/* The sigmoid has long been 0 or 1 here, and the cube is finite. */
constexpr float TANH_END = 20;
/* 1/√(2π). */
constexpr float BELL_HEIGHT = 0.3989422804014327f;

struct Relu {
    static F value(F x) { return x <= 0.0f ? F{} : x; }
    static F slope(F x) { return x > 0.0f ? broadcast(1) : F{}; }
};

struct Gelu {
    static F value(F x) { return x * normal_cdf(x, bell(x)); }
    static F slope(F x) {
        F b = bell(x);
        return x * b * BELL_HEIGHT + normal_cdf(x, b);
    }
};

struct GeluTanh {
    static F value(F x) {
        return times_logistic(x, fma(x * x, broadcast(TANH_CUBIC_LOG2), broadcast(TANH_SCALE_LOG2)) * x);
    }
    static F slope(F x) {
        F c = x > TANH_END ? broadcast(TANH_END) : x;
        c = c < -TANH_END ? broadcast(-TANH_END) : c;
        F square = c * c * TANH_CUBIC;
        F s = sigmoid((square + 1.0f) * c * TANH_SCALE);
        F du = (square * 3.0f + 1.0f) * TANH_SCALE;
        return x * (s * (1.0f - s)) * du + s;
    }
};

struct Silu {
    static F value(F x) { return x / (exp(-x) + 1.0f); }
    static F slope(F x) {
        F s = sigmoid(x);
        return (x * (1.0f - s) + 1.0f) * s;
    }
};

struct Tanh {
    static F value(F x) { return tanh(x); }
    /* 1 − tanh² x = 4 e^(−2|x|) / (1 + e^(−2|x|))², which does not cancel. */
    static F slope(F x) {
        F e = exp(abs(x) * -2.0f);
        F d = e + 1.0f;
        return e * 4.0f / (d * d);
    }
};

/* body(f) for the activation of that number: a choice inside the loop would not be hoisted out of it. */
template <class Body> ls_status choose(int32_t f, Body body) {
    switch (f) {
    case LS_RELU: body(Relu{}); return LS_OK;
    case LS_GELU: body(Gelu{}); return LS_OK;
    case LS_GELU_TANH: body(GeluTanh{}); return LS_OK;
    case LS_SILU: body(Silu{}); return LS_OK;
    case LS_TANH: body(Tanh{}); return LS_OK;
    default: return bad("no such activation: f=%d", f);
    }
}

} // namespace

ls_status activation(int32_t f, const float *x, float *y, int64_t n) {
    bool past = x != y && goes_past_caches(y, n);
    ls_status status = choose(f, [&](auto a) {
        if (past) {
            sweep(n, [&](int64_t i, auto in) { store_past_caches(y + i, a.value(load(x + i, in)), in); });
        } else {
            sweep(n, [&](int64_t i, auto in) { store(y + i, a.value(load(x + i, in)), in); });
        }
    });
    settle_past_caches(past);
    return status;
}

ls_status activation_backward(int32_t f, const float *x, const float *dy, float *dx, int64_t n) {
    return choose(f, [&](auto a) {
        sweep(n, [&](int64_t i, auto in) {
            store(dx + i, fma(a.slope(load(x + i, in)), load(dy + i, in), load(dx + i, in)), in);
        });
    });
}

ls_status gated(int32_t f, const float *gate, const float *up, float *y, int64_t n) {
    return choose(f, [&](auto a) {
        sweep(n, [&](int64_t i, auto in) { store(y + i, a.value(load(gate + i, in)) * load(up + i, in), in); });
    });
}

ls_status gated_backward(int32_t f, const float *gate, const float *up, const float *dy, float *d_gate, float *d_up,
                         int64_t n) {
    return choose(f, [&](auto a) {
        if (d_up) {
            sweep(n, [&](int64_t i, auto in) {
                store(d_up + i, fma(a.value(load(gate + i, in)), load(dy + i, in), load(d_up + i, in)), in);
            });
        }
        if (d_gate) {
            sweep(n, [&](int64_t i, auto in) {
                F scaled = a.slope(load(gate + i, in)) * load(up + i, in);
                store(d_gate + i, fma(scaled, load(dy + i, in), load(d_gate + i, in)), in);
            });
        }
    });
}

} // namespace ls::LS_TIER
