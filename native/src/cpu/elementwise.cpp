#include "kernels.h"
#include "math.h"
#include "../philox.h"

namespace ls::LS_TIER {

ls_status fill(float value, float *y, int64_t n) {
    sweep(n, [&](int64_t i, auto in) { store(y + i, broadcast(value), in); });
    return LS_OK;
}

ls_status axpby(float alpha, const float *x, float beta, float *y, int64_t n) {
    if (beta == 0) {
        sweep(n, [&](int64_t i, auto in) { store(y + i, alpha * load(x + i, in), in); });
    } else {
        sweep(n, [&](int64_t i, auto in) {
            store(y + i, fma(load(x + i, in), broadcast(alpha), load(y + i, in) * beta), in);
        });
    }
    return LS_OK;
}

ls_status add(const float *a, const float *b, float *y, int64_t n) {
    sweep(n, [&](int64_t i, auto in) { store(y + i, load(a + i, in) + load(b + i, in), in); });
    return LS_OK;
}

ls_status multiply(const float *a, const float *b, float *y, int64_t n, int32_t accumulate) {
    if (accumulate) {
        sweep(n, [&](int64_t i, auto in) {
            store(y + i, fma(load(a + i, in), load(b + i, in), load(y + i, in)), in);
        });
    } else {
        sweep(n, [&](int64_t i, auto in) { store(y + i, load(a + i, in) * load(b + i, in), in); });
    }
    return LS_OK;
}

ls_status add_scalar(float value, float *y, int64_t n) {
    sweep(n, [&](int64_t i, auto in) { store(y + i, load(y + i, in) + value, in); });
    return LS_OK;
}

ls_status clamp(float limit, float *x, int64_t n) {
    sweep(n, [&](int64_t i, auto in) {
        F v = load(x + i, in);
        v = v > limit ? broadcast(limit) : v;
        store(x + i, v < -limit ? broadcast(-limit) : v, in);
    });
    return LS_OK;
}

namespace {

/* Sixteen sums in double, by index modulo 16 on every tier, then in order. */
template <class Term> double in_double(const float *x, int64_t n, Term term) {
    constexpr int LANES = 16;
    double sums[LANES] = {};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            sums[lane] += term((double)x[i + lane]);
        }
    }
    for (int lane = 0; i < n; i++, lane++) {
        sums[lane] += term((double)x[i]);
    }
    double total = 0;
    for (double sum : sums) {
        total += sum;
    }
    return total;
}

} // namespace

ls_status sum(const float *x, int64_t n, double *sum) {
    *sum = in_double(x, n, [](double v) { return v; });
    return LS_OK;
}

ls_status sum_squares(const float *x, int64_t n, double *sum) {
    *sum = in_double(x, n, [](double v) { return v * v; });
    return LS_OK;
}

ls_status count_non_finite(const float *x, int64_t n, int64_t *count) {
    int64_t found = 0;
    sweep(n, [&](int64_t i, auto in) {
        F v = load(x + i, in);
        F difference = v - v; /* 0, or NaN for infinities and NaN */
        I odd = difference != difference;
        for (int lane = 0; lane < W; lane++) {
            found -= odd[lane];
        }
    });
    *count = found;
    return LS_OK;
}

ls_status dropout(double rate, int64_t seed, int64_t stream, int64_t first, const float *x, float *y, int64_t n,
                  int32_t accumulate) {
    float kept = (float)(1 / (1 - rate));
    for (int64_t i = 0; i < n; i++) {
        float value = uniform(seed, stream, first + i) < rate ? 0 : kept * x[i];
        y[i] = accumulate ? y[i] + value : value;
    }
    return LS_OK;
}

} // namespace ls::LS_TIER
