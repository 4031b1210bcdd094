#pragma once

#include "simd.h"

#include <array>

/*
 * Operands of products where the CPU multiplies bfloat16: two neighbours of the summed index in one element, the first in the
 * lower half. One instruction adds both products to a lane, at the rate of a float's multiply-add.
 */
namespace ls::LS_TIER {

/* Terms of a sum in one element of an operand. */
template <class E> constexpr int TERMS = 1;

/* Elements that a sum of n terms takes. */
template <class E> constexpr int64_t elements(int64_t n) { return (n + TERMS<E> - 1) / TERMS<E>; }

#if defined(__AVX512BF16__)
struct Pair {
    uint32_t bits;
};
template <> constexpr int TERMS<Pair> = 2;

inline U broadcast(Pair x) { return x.bits - U{}; }

inline U load(const Pair *p) {
    U v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class Lanes = All> inline void store(Pair *p, U v, Lanes in = {}) { store(reinterpret_cast<float *>(p), (F)v, in); }

/* c + a's first · b's first + a's second · b's second, rounded after each. */
inline F fma(U a, U b, F c) { return (F)_mm512_dpbf16_ps((__m512)c, (__m512bh)a, (__m512bh)b); }

/* Of two numbers that are bfloat16 already. */
inline U pairs_of(F first, F second) { return (U)second | (U)first >> 16; }

/* Rounded to the nearest, ties to even: lane i of one beside lane i of the other. */
inline U round_across(F first, F second) {
    static constexpr auto ORDER = [] {
        std::array<uint16_t, 2 * W> from{};
        for (int i = 0; i < W; i++) {
            from[2 * i] = (uint16_t)i;
            from[2 * i + 1] = (uint16_t)(W + i);
        }
        return from;
    }();
    __m512i rounded = (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
    return (U)_mm512_permutexvar_epi16(_mm512_loadu_si512(ORDER.data()), rounded);
}

/* The same, lane 2i beside lane 2i + 1: all of left before all of right. */
inline U round_along(F left, F right) { return (U)_mm512_cvtne2ps_pbh((__m512)right, (__m512)left); }
#endif

} // namespace ls::LS_TIER
