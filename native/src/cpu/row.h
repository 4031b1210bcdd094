#pragma once

#include "simd.h"

/* Reductions over a row: four vectors, then the lanes in a fixed order. */
namespace ls::LS_TIER {

/* Σ term(i, lanes), each term added to the sum that it is given. */
template <class Term> inline float row_sum(int64_t n, Term term) {
    F s[4] = {};
    int64_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
#pragma GCC unroll 4
        for (int part = 0; part < 4; part++) {
            s[part] = term(i + part * W, All{}, s[part]);
        }
    }
    sweep(n - i, [&](int64_t j, auto in) { s[0] = term(i + j, in, s[0]); });
    return sum((s[0] + s[1]) + (s[2] + s[3]));
}

/* Lanes beyond a row's end hold what a function makes of 0, which is no part of a sum. */
inline F within(F v, All) { return v; }
inline F within(F v, First in) {
    float lanes[W];
    store(lanes, v);
    return load(lanes, in);
}

/* The largest element, NaN ignored: a sum over the row brings it back. */
inline float largest(const float *x, int64_t n) {
    F m[4];
    for (F &part : m) {
        part = broadcast(-__builtin_inff());
    }
    int64_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
#pragma GCC unroll 4
        for (int part = 0; part < 4; part++) {
            m[part] = larger(m[part], load(x + i + part * W));
        }
    }
    for (; i + W <= n; i += W) {
        m[0] = larger(m[0], load(x + i));
    }
    F all = larger(larger(m[0], m[1]), larger(m[2], m[3]));
    float max = all[0];
    for (int lane = 1; lane < W; lane++) {
        max = all[lane] > max ? all[lane] : max;
    }
    for (; i < n; i++) {
        max = x[i] > max ? x[i] : max;
    }
    return max;
}

} // namespace ls::LS_TIER
