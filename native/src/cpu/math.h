#pragma once

#include "simd.h"

/*
 * Elementary functions of a vector within about a unit in the last place, by the polynomials of java-api's VectorMath. NaN
 * stays NaN, infinities give limits, and a result too small for a normal float is 0: subnormal operands cost a hundred cycles.
 */
namespace ls::LS_TIER {

constexpr float EXP_HIGHEST = 88.72283f;
constexpr float EXP_LOWEST = -87.33654f;
/* Adding it leaves the nearest integer in the low bits. */
constexpr float ROUNDER = 0x1.8p23f;

/* x·c[0] + c[1], times x + c[2], and so on. */
template <int N> inline F horner(F x, const float (&c)[N]) {
    F p = broadcast(c[0]);
#pragma GCC unroll 16
    for (int i = 1; i < N; i++) {
        p = fma(p, x, broadcast(c[i]));
    }
    return p;
}

/* eˣ = 2ⁿ eʳ with n the nearest integer to x / ln 2; ln 2 in two parts, the first of 16 bits. */
inline F exp(F x) {
    F shifted = fma(x, broadcast(1.442695f), broadcast(ROUNDER));
    F n = shifted - ROUNDER;
    F high = fma(n, broadcast(-0.69314575f), x);
    F r = fma(n, broadcast(-1.4286068e-6f), high);
    F lost = fma(n, broadcast(-1.4286068e-6f), high - r);
    F q = horner(r, {0.0013814467f, 0.008368781f, 0.041668393f, 0.1666652f, 0.49999994f});
    F p = fma(q, r * r, lost) + r + 1.0f;
    /* The integer add reaches 2¹²⁸, which a factor could not. */
    F scaled = (F)((U)p + ((U)shifted << 23));
    F y = x <= EXP_HIGHEST ? scaled : x * __builtin_inff();
    return x < EXP_LOWEST ? F{} : y;
}

inline F sigmoid(F x) {
    F y = 1.0f / (exp(-x) + 1.0f);
    return x < EXP_LOWEST ? F{} : y;
}

/* An odd polynomial near 0, otherwise 1 − 2 / (e^2|x| + 1) with the sign of x. */
inline F tanh(F x) {
    F z = x * x;
    F a = abs(x);
    F p = horner(z, {-0.006274239f, 0.021071678f, -0.05385231f, 0.13332586f, -0.33333316f});
    F small = fma(p, z * x, x);
    F large = 1.0f - 2.0f / (exp(a + a) + 1.0f);
    large = x < 0.0f ? -large : large;
    return a < 0.55f ? small : large;
}

/* Beyond it the normal tail is no normal float. */
constexpr float TAIL_END = 14.5f;

inline F tail_argument(F x) {
    F a = abs(x);
    return a > TAIL_END ? broadcast(TAIL_END) : a;
}

/* e^(−x²/2); x² in two parts, since its rounding error would grow with it. */
inline F bell(F x) {
    F a = tail_argument(x);
    F high = a * a;
#if defined(__FMA__)
    F low = fma(a, a, -high);
#else
    F low{};
    for (int lane = 0; lane < W; lane++) {
        low[lane] = (float)((double)a[lane] * a[lane] - high[lane]);
    }
#endif
    F e = exp(high * -0.5f);
    return e * (low * -0.5f) + e;
}

/* The normal distribution Φ(x), given bell(x); relative accuracy also in the left tail. */
inline F normal_cdf(F x, F bell) {
    F q = 1.0f / (tail_argument(x) + 4.0f);
    F t = fma(q, broadcast(-8.0f), broadcast(1.0f));
    F p = horner(t, {-0.00013197186f, 0.00017935413f, 0.0015699235f, -0.0035125539f, -0.0075252713f, 0.06040383f,
                     -0.18652344f, 0.3871369f, -0.60789657f, 0.75528514f});
    F tail = p * q * bell;
    return x > 0.0f ? 1.0f - tail : tail;
}

/* 2^-x for x from -128, where it is infinite, to 127, where it is 0. */
inline F exp2_of_minus_bounded(F x) {
    F exponent = ROUNDER - x;
    F r = x + (exponent - ROUNDER);
    F p = horner(r, {1.5353362e-4f, -0.0013398875f, 0.009618437f, -0.055503324f, 0.24022648f, -0.6931472f, 1.0f});
    return (F)((U)p + ((U)exponent << 23));
}

/* 2^-y, exactly 0 from y = 127 on; for y above -127. */
inline F exp2_of_minus(F y) { return exp2_of_minus_bounded(y > 127.0f ? broadcast(127.0f) : y); }

/* x, but at least lowest (negative) and at most highest (positive), by the order of the bits; NaN becomes one of them. */
inline F bounded(F x, float lowest, float highest) {
    I high = (I)broadcast(highest);
    U low = (U)broadcast(lowest);
    U bits = (U)((I)x < high ? (I)x : high);
    return (F)(bits < low ? bits : low);
}

/* x / (1 + 2^-y); for y below -127.5 0, or NaN if x is infinite. NaN is whatever x is. */
inline F times_logistic(F x, F y) { return x / (exp2_of_minus_bounded(bounded(y, -128, 64)) + 1.0f); }

} // namespace ls::LS_TIER
