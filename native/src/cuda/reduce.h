#pragma once

#include "device.h"

namespace ls::cuda {

/* Sums over the block, the same bits in every thread; `shared` has a place for each warp. */
template <class T> LS_DEVICE T block_sum(T v, T *shared) {
    v = warp_sum(v);
    barrier(); /* what was in `shared` has been read */
    if (lane() == 0) {
        shared[warp()] = v;
    }
    barrier();
    T total = shared[0];
    for (int w = 1; w < threads() / WARP; w++) {
        total += shared[w];
    }
    return total;
}

} // namespace ls::cuda
