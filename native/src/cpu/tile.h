#pragma once

#include "pair.h"

namespace ls::LS_TIER {

/* Terms of a chain: the error's variance grows as they and the number of chains together. */
constexpr int64_t CHAIN = 64;

/*
 * c[r][0..COLS) (+)= Σ_k a[r·AR + k·AK] · b[k·bk + 0..COLS), r below ROWS, k below n elements: all that products and attention
 * do with their operations. Terms are taken in order, so the bits do not depend on the tier's ROWS. Two vectors a row make
 * ROWS·2 independent chains, which hide the cycles of a multiply-add. They begin with zero, also where the whole sum is then
 * added to what c holds (ADD) or to that times factors[r] (RESCALE): they stay short. SCALE multiplies it by factors[0].
 */
enum class End { STORE, ADD, RESCALE, SCALE };

template <int AR, int AK, End END, class E>
inline void tile(int64_t n, const E *a, const E *b, int64_t bk, float *c, int64_t cr, const float *factors = nullptr) {
    F left[ROWS] = {}, right[ROWS] = {};
    for (int64_t k = 0; k < n; k++) {
        auto b0 = load(b);
        auto b1 = load(b + W);
#pragma GCC unroll 12
        for (int r = 0; r < ROWS; r++) {
            auto x = broadcast(a[r * AR]);
            left[r] = fma(x, b0, left[r]);
            right[r] = fma(x, b1, right[r]);
        }
        a += AK;
        b += bk;
    }
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++) {
        float *to = c + r * cr;
        if (END == End::ADD) {
            left[r] += load(to);
            right[r] += load(to + W);
        } else if (END == End::RESCALE) {
            left[r] = fma(broadcast(factors[r]), load(to), left[r]);
            right[r] = fma(broadcast(factors[r]), load(to + W), right[r]);
        } else if (END == End::SCALE) {
            left[r] *= factors[0];
            right[r] *= factors[0];
        }
        store(to, left[r]);
        store(to + W, right[r]);
    }
}

typedef float Four __attribute__((vector_size(16)));
typedef int32_t FourOf __attribute__((vector_size(16)));

template <class T> inline Four four(const T *x) { return Four{value(x[0]), value(x[1]), value(x[2]), value(x[3])}; }

/* to[k · lanes + t] = rows[t][k] · factor(k), t below 4, k below depth: squares of four, turned in registers. */
template <class T, class Factor>
inline void pack_four(const T *const (&rows)[4], int64_t depth, int lanes, Factor factor, float *to) {
    int64_t k = 0;
    for (; k + 4 <= depth; k += 4) {
        Four a = four(rows[0] + k), b = four(rows[1] + k), c = four(rows[2] + k), d = four(rows[3] + k);
        Four ab = __builtin_shuffle(a, b, FourOf{0, 4, 1, 5}), cd = __builtin_shuffle(c, d, FourOf{0, 4, 1, 5});
        Four a2b = __builtin_shuffle(a, b, FourOf{2, 6, 3, 7}), c2d = __builtin_shuffle(c, d, FourOf{2, 6, 3, 7});
        Four turned[] = {__builtin_shuffle(ab, cd, FourOf{0, 1, 4, 5}), __builtin_shuffle(ab, cd, FourOf{2, 3, 6, 7}),
                         __builtin_shuffle(a2b, c2d, FourOf{0, 1, 4, 5}), __builtin_shuffle(a2b, c2d, FourOf{2, 3, 6, 7})};
        for (int i = 0; i < 4; i++) {
            Four scaled = turned[i] * factor(k + i);
            std::memcpy(to + (k + i) * lanes, &scaled, sizeof scaled);
        }
    }
    for (; k < depth; k++) {
        for (int t = 0; t < 4; t++) {
            to[k * lanes + t] = value(rows[t][k]) * factor(k);
        }
    }
}

/*
 * to[p][k][t % lanes] = row(t)[k · col] · factor(k), t below rows: panels of `lanes` rows lying across, zeros behind the last row.
 */
template <class Row, class Factor>
inline void pack_across(Row row, int64_t col, int64_t rows, int64_t depth, int lanes, Factor factor, float *to) {
    for (int64_t panel = 0; panel < rows; panel += lanes, to += lanes * depth) {
        int64_t count = rows - panel < lanes ? rows - panel : lanes;
        int64_t t = 0;
        for (; col == 1 && t + 4 <= count; t += 4) {
            decltype(row(0)) four[] = {row(panel + t), row(panel + t + 1), row(panel + t + 2), row(panel + t + 3)};
            pack_four(four, depth, lanes, factor, to + t);
        }
        for (; t < lanes; t++) {
            auto *x = t < count ? row(panel + t) : nullptr;
            for (int64_t k = 0; k < depth; k++) {
                to[k * lanes + t] = x ? value(x[k * col]) * factor(k) : 0;
            }
        }
    }
}

/* Bytes of a cache line, and rows from one that is packed to the one that is asked for. */
constexpr int LINE = 64;
constexpr int SOON = 16;

/* The same of a matrix whose element (t, k) lies at from[t · row + k · col]. */
template <class T>
inline void pack(const T *from, int64_t row, int64_t col, int64_t rows, int64_t depth, int lanes, float *to) {
    if (row != 1) {
        pack_across([&](int64_t t) { return from + t * row; }, col, rows, depth, lanes, [](int64_t) { return 1.0f; }, to);
        return;
    }
    for (int64_t k = 0; k < depth; k++) {
        const T *x = from + k * col;
        for (int64_t t = 0; t < rows; t += LINE / sizeof(T)) {
            __builtin_prefetch(x + SOON * col + t);
        }
        for (int64_t panel = 0; panel < rows; panel += lanes) {
            int64_t count = rows - panel < lanes ? rows - panel : lanes;
            float *put = to + panel * depth + k * lanes;
            int64_t t = 0;
            for (; t + 4 <= count; t += 4) {
                Four v = four(x + panel + t);
                std::memcpy(put + t, &v, sizeof v);
            }
            for (; t < lanes; t++) {
                put[t] = t < count ? value(x[panel + t]) : 0;
            }
        }
    }
}

} // namespace ls::LS_TIER
