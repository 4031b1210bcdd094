#pragma once

#include "pair.h"

namespace ls::LS_TIER {

/*
 * c[r][0..COLS) (+)= Σ_k a[r·AR + k·AK] · b[k·bk + 0..COLS), r below ROWS, k below n elements: all that products and attention
 * do with their operations. Terms are taken in order, so the bits do not depend on the tier's ROWS. Two vectors a row make
 * ROWS·2 independent chains, which hide the cycles of a multiply-add. With RESCALE row r of c is first multiplied by
 * factors[r]. The others but CONTINUE begin with zero: ADD adds complete sums to c, SCALE multiplies them by factors[0].
 */
enum class Begin { ZERO, CONTINUE, RESCALE, ADD, SCALE };

template <int AR, int AK, Begin BEGIN, class E>
inline void tile(int64_t n, const E *a, const E *b, int64_t bk, float *c, int64_t cr, const float *factors = nullptr) {
    constexpr bool GOES_ON = BEGIN == Begin::CONTINUE || BEGIN == Begin::RESCALE;
    F left[ROWS], right[ROWS];
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++) {
        left[r] = GOES_ON ? load(c + r * cr) : F{};
        right[r] = GOES_ON ? load(c + r * cr + W) : F{};
        if (BEGIN == Begin::RESCALE) {
            left[r] *= factors[r];
            right[r] *= factors[r];
        }
    }
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
        if (BEGIN == Begin::SCALE) {
            left[r] *= factors[0];
            right[r] *= factors[0];
        }
        store(c + r * cr, BEGIN == Begin::ADD ? load(c + r * cr) + left[r] : left[r]);
        store(c + r * cr + W, BEGIN == Begin::ADD ? load(c + r * cr + W) + right[r] : right[r]);
    }
}

/*
 * to[p][k][t % lanes] = from[t·row + k·col], t below rows: panels of `lanes` rows lying across, zeros behind the last row.
 */
template <class T>
inline void pack(const T *from, int64_t row, int64_t col, int64_t rows, int64_t depth, int lanes, float *to) {
    for (int64_t panel = 0; panel < rows; panel += lanes, to += lanes * depth) {
        int64_t count = rows - panel < lanes ? rows - panel : lanes;
        const T *x = from + panel * row;
        if (row == 1) {
            for (int64_t k = 0; k < depth; k++) {
                int64_t t = 0;
                for (; t < count; t++) {
                    to[k * lanes + t] = value(x[k * col + t]);
                }
                for (; t < lanes; t++) {
                    to[k * lanes + t] = 0;
                }
            }
        } else {
            for (int64_t t = 0; t < lanes; t++) {
                for (int64_t k = 0; k < depth; k++) {
                    to[k * lanes + t] = t < count ? value(x[t * row + k * col]) : 0;
                }
            }
        }
    }
}

} // namespace ls::LS_TIER
