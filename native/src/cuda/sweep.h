#pragma once

#include "lanes.h"

/* Pointwise work: work.run<W>(i) does elements i to i + W, with W = WIDTH of Work::Element where all pointers are
 * aligned. */
namespace ls::cuda {

constexpr int SWEEP_THREADS = 256;
/* Thirty-two blocks for each of 128 multiprocessors; a thread goes on with what lies behind all of them. */
constexpr int64_t SWEEP_BLOCKS = 4096;

template <class Work> LS_KERNEL_OF(SWEEP_THREADS, 4) sweep_kernel(Work work, int64_t n, bool wide) {
    constexpr int W = WIDTH<typename Work::Element>;
    int64_t first = (int64_t)block_x() * SWEEP_THREADS + thread_index(), stride = (int64_t)blocks_x() * SWEEP_THREADS;
    int64_t chunks = wide ? n / W : 0;
    for (int64_t i = first; i < chunks; i += stride) {
        work.template run<W>(i * W);
    }
    for (int64_t i = chunks * W + first; i < n; i += stride) {
        work.template run<1>(i);
    }
}

template <class Work> ls_status sweep(const char *name, const Work &work, int64_t n, bool wide, void *stream) {
    int64_t items = wide ? (n + WIDTH<typename Work::Element> - 1) / WIDTH<typename Work::Element> : n;
    int64_t blocks = (items + SWEEP_THREADS - 1) / SWEEP_THREADS;
    return launch(name, sweep_kernel<Work>, Grid{blocks < SWEEP_BLOCKS ? blocks : SWEEP_BLOCKS}, SWEEP_THREADS, 0,
                  stream, work, n, wide);
}

} // namespace ls::cuda
