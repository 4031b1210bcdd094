#pragma once

#include "device.h"

/* Neighbouring elements as floats, 16 bytes in one access where a pointer is aligned to them. */
namespace ls::cuda {

template <int W> struct Floats {
    static constexpr int SIZE = W;
    float at[W];
};

/* Elements of T in 16 bytes. */
template <class T> constexpr int WIDTH = 16 / (int)sizeof(T);

struct __attribute__((aligned(16), may_alias)) Chunk {
    uint32_t words[4];
};

template <int W, class T> LS_DEVICE Floats<W> load(const T *x) {
    static_assert(W == 1 || W == WIDTH<T>);
    Floats<W> v;
    if constexpr (W == 1) {
        v.at[0] = value(*x);
    } else {
        Chunk chunk = *reinterpret_cast<const Chunk *>(x);
        LS_UNROLL
        for (int i = 0; i < W; i++) {
            if constexpr (sizeof(T) == 4) {
                v.at[i] = float_of(chunk.words[i]);
            } else {
                v.at[i] = float_of(i % 2 ? chunk.words[i / 2] & 0xffff0000u : chunk.words[i / 2] << 16);
            }
        }
    }
    return v;
}

template <int W, class T> LS_DEVICE void store(T *y, const Floats<W> &v) {
    static_assert(W == 1 || W == WIDTH<T>);
    if constexpr (W == 1) {
        put(*y, v.at[0]);
    } else {
        Chunk chunk;
        LS_UNROLL
        for (int i = 0; i < 4; i++) {
            if constexpr (sizeof(T) == 4) {
                chunk.words[i] = bits_of(v.at[i]);
            } else {
                chunk.words[i] = pack_bf16(v.at[2 * i], v.at[2 * i + 1]);
            }
        }
        *reinterpret_cast<Chunk *>(y) = chunk;
    }
}

/* f of each place's elements. */
template <int W, class F, class... V> LS_DEVICE Floats<W> each(F f, const V &...v) {
    Floats<W> y;
    LS_UNROLL
    for (int i = 0; i < W; i++) {
        y.at[i] = f(v.at[i]...);
    }
    return y;
}

/* Whether all pointers, NULL or not, are aligned to 16 bytes. */
template <class... P> inline bool aligned(const P *...pointers) {
    return ((reinterpret_cast<uintptr_t>(pointers) | ...) % 16) == 0;
}

/* body(T{}) for the element type that `half` means. */
template <class Body> inline ls_status typed(int32_t half, Body body) { return half ? body(bf16{}) : body(float{}); }

} // namespace ls::cuda
