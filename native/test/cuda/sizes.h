#pragma once

#include "../check.h"
#include "longspan_cuda.h"

#include <cmath>

/* Awkward sizes: about the edges of vectors, warps, blocks and a sweep. */
constexpr int64_t AWKWARD[] = {0,  1,  2,  3,  4,   5,   7,   8,   9,    15,   16,  17,
                               31, 32, 33, 40, 127, 255, 256, 257, 1025, 2049, 5000};

/* What nobody has written. */
template <class T> void poison(Guarded<T> &to) {
    for (int64_t i = 0; i < to.size(); i++) {
        to[i] = (T)NAN;
    }
}

/* body(half, front): stored as bfloat16 or not, before a page that nobody may touch or behind one. */
template <class Body> void each_storage(bool halves_too, Body body) {
    for (int half = 0; half <= (halves_too ? 1 : 0); half++) {
        body(half, false);
        body(half, true);
    }
}

/* How far a stored result may be off. */
inline double bound(double expected, int half) {
    return half ? std::fabs(expected) * HALF_ROUNDING + 2e-6 : std::fabs(expected) * 4e-7 + 2e-6;
}

inline void works(ls_status status) { require(status == LS_OK, ls_cuda_last_error()); }
