#pragma once

#include "lanes.h"
#include "reduce.h"

/* Rows of a norm, each of a warp or of a block. */
namespace ls::cuda {

/* LANES threads on a row, of which each keeps KEPT times 16 bytes in registers; with KEPT = 0 rows are read anew,
 * element by element. */
template <class T, int LANES, int KEPT> struct RowShape {
    using Element = T;
    static constexpr int THREADS = LANES == WARP ? 4 * WARP : LANES, ROWS = THREADS / LANES;
    static constexpr int SHARED = LANES == WARP ? 0 : LANES / WARP * (int)sizeof(float);

    static LS_DEVICE int64_t row() { return (int64_t)block_x() * ROWS + thread_index() / LANES; }
    static LS_DEVICE int lane() { return thread_index() % LANES; }

    static LS_DEVICE float sum(float v) {
        if constexpr (LANES == WARP) {
            return warp_sum(v);
        } else {
            return block_sum(v, shared_memory<float>());
        }
    }

    static LS_DEVICE float max(float v) {
        if constexpr (LANES == WARP) {
            return warp_max(v);
        } else {
            return block_max(v, shared_memory<float>());
        }
    }

    /* A row as it was read once, or as it lies. */
    struct Row {
        const T *from;
        Floats<WIDTH<T>> kept[KEPT ? KEPT : 1];

        LS_DEVICE Row(const T *from, int64_t d) : from(from) {
            if constexpr (KEPT > 0) {
                LS_UNROLL
                for (int k = 0; k < KEPT; k++) {
                    int64_t j = (int64_t)(k * LANES + lane()) * WIDTH<T>;
                    kept[k] = j < d ? load<WIDTH<T>>(from + j) : Floats<WIDTH<T>>{};
                }
            }
        }
    };

    /* f(j, elements of each row from j on…). */
    template <class F, class... R> static LS_DEVICE void visit(int64_t d, F f, const R &...rows) {
        if constexpr (KEPT > 0) {
            LS_UNROLL
            for (int k = 0; k < KEPT; k++) {
                int64_t j = (int64_t)(k * LANES + lane()) * WIDTH<T>;
                if (j < d) {
                    f(j, rows.kept[k]...);
                }
            }
        } else {
            for (int64_t j = lane(); j < d; j += LANES) {
                f(j, load<1>(rows.from + j)...);
            }
        }
    }
};

/* body(a shape) for rows of d elements that are all aligned, or not. */
template <class T, class Body> ls_status with_row_shape(int64_t d, bool wide, Body body) {
    constexpr int FOUR_BYTES = sizeof(T) == 4 ? 1 : 2;
    if (wide && d % WIDTH<T> == 0) {
        if (d <= 2 * WARP * 4) {
            return body(RowShape<T, WARP, 2 / FOUR_BYTES>{});
        }
        if (d <= 8 * WARP * 4) {
            return body(RowShape<T, WARP, 8 / FOUR_BYTES>{});
        }
        if (d <= 8 * 256 * 4) {
            return body(RowShape<T, 256, 8 / FOUR_BYTES>{});
        }
    }
    return d <= 1024 ? body(RowShape<T, WARP, 0>{}) : body(RowShape<T, 256, 0>{});
}

} // namespace ls::cuda
