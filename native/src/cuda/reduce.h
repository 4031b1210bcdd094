#pragma once

#include "device.h"

namespace ls::cuda {

/* Each warp's v, joined over the block, the same bits in every thread; `shared` has a place for each warp. */
template <class T, class Join> LS_DEVICE T over_warps(T v, T *shared, Join join) {
    barrier(); /* what was in `shared` has been read */
    if (lane() == 0) {
        shared[warp()] = v;
    }
    barrier();
    T all = shared[0];
    for (int w = 1; w < threads() / WARP; w++) {
        all = join(all, shared[w]);
    }
    return all;
}

template <class T> LS_DEVICE T block_sum(T v, T *shared) {
    return over_warps(warp_sum(v), shared, [](T a, T b) { return a + b; });
}

LS_DEVICE float block_max(float v, float *shared) {
    return over_warps(warp_max(v), shared, [](float a, float b) { return fmaxf(a, b); });
}

} // namespace ls::cuda
