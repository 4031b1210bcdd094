#pragma once

#include "device.h"

namespace ls::cuda {

constexpr int SUM_COLUMNS = 32, SUM_SEGMENTS = 16;

/*
 * *to(column) += Σ partials[row, column], where `to` gives no NULL: rows in 16 stretches, each in order and in double,
 * so that what many blocks found about one parameter is one sum in one order, without atomics.
 */
template <class T, class To>
LS_KERNEL(SUM_COLUMNS *SUM_SEGMENTS)
column_sums(const T *partials, int64_t rows, int64_t cols, To to) {
    double *sums = shared_memory<double>();
    int lane = thread_index() % SUM_COLUMNS, segment = thread_index() / SUM_COLUMNS;
    int64_t col = (int64_t)block_x() * SUM_COLUMNS + lane;
    int64_t from = rows * segment / SUM_SEGMENTS, end = rows * (segment + 1) / SUM_SEGMENTS;
    double sum = 0;
    if (col < cols) {
        // Loads of several rows in flight; they are added in order.
        constexpr int AHEAD = 32 / (int)sizeof(T);
        for (; from + AHEAD <= end; from += AHEAD) {
            T ahead[AHEAD];
            LS_UNROLL
            for (int i = 0; i < AHEAD; i++) {
                ahead[i] = partials[(from + i) * cols + col];
            }
            LS_UNROLL
            for (int i = 0; i < AHEAD; i++) {
                sum += ahead[i];
            }
        }
        for (; from < end; from++) {
            sum += partials[from * cols + col];
        }
    }
    sums[thread_index()] = sum;
    barrier();
    if (segment == 0 && col < cols) {
        for (int s = 1; s < SUM_SEGMENTS; s++) {
            sum += sums[s * SUM_COLUMNS + lane];
        }
        auto *place = to(col);
        if (place) {
            *place = (decltype(+*place))(*place + sum);
        }
    }
}

template <class T, class To>
ls_status add_column_sums(const T *partials, int64_t rows, int64_t cols, To to, void *stream) {
    return launch("column_sums", column_sums<T, To>, Grid{(cols + SUM_COLUMNS - 1) / SUM_COLUMNS},
                  SUM_COLUMNS * SUM_SEGMENTS, SUM_COLUMNS * SUM_SEGMENTS * (int64_t)sizeof(double), stream, partials,
                  rows, cols, to);
}

/* Column j of the partials to element j, or nowhere. */
template <class T> struct Neighbours {
    T *first;

    LS_DEVICE T *operator()(int64_t col) const { return first ? first + col : nullptr; }
};

} // namespace ls::cuda
