#pragma once

#include "attention_tile.h"

/* Weights of a tile of scores as left operands, in registers of the warp that computed them or through shared memory. */
namespace ls::cuda {

/* Zeros where an element's bit is not set. */
template <int K> LS_DEVICE void keep_bits(float (&tiles)[K][4], uint32_t kept) {
    LS_UNROLL
    for (int i = 0; i < 4 * K; i++) {
        tiles[i / 4][i % 4] = kept >> i & 1 ? tiles[i / 4][i % 4] : 0;
    }
}

/*
 * Weights as the next product's left operand, from the lanes that computed them. bfloat16: two tiles of eight columns are one of
 * 16. float32: lane 4g + q holds columns 2q and 2q + 1 where depth q and q + 4 are wanted, so depth is counted in that order.
 */
template <class T, int M> struct Weights {
    static constexpr int COUNT = COLUMNS / DEPTH<T>;
    Fragment<T> parts[M][COUNT];

    LS_DEVICE explicit Weights(const float (&tiles)[M][8][4]) {
        LS_UNROLL
        for (int m = 0; m < M; m++) {
            LS_UNROLL
            for (int i = 0; i < COUNT; i++) {
                const float(&a)[4] = tiles[m][2 * i], (&b)[4] = tiles[m][2 * i + 1];
                parts[m][i].set({pack_bf16(a[0], a[1]), pack_bf16(a[2], a[3]), pack_bf16(b[0], b[1]), pack_bf16(b[2], b[3])});
            }
        }
    }

    LS_DEVICE const Fragment<T> &part(int m, int i) const { return parts[m][i]; }

    /* Zero where the bit of an element, numbered as in its tile, is not set. */
    LS_DEVICE void keep(int m, uint32_t kept) {
        LS_UNROLL
        for (int i = 0; i < 4 * COUNT; i++) {
            parts[m][i / 4].bits[i % 4] &= (kept >> 2 * i & 1 ? 0xffffu : 0) | (kept >> 2 * i & 2 ? 0xffff0000u : 0);
        }
    }
};

template <int M> struct Weights<float, M> {
    static constexpr int COUNT = COLUMNS / DEPTH<float>;
    float (&tiles)[M][8][4];

    LS_DEVICE explicit Weights(float (&of)[M][8][4]) : tiles(of) {}

    LS_DEVICE Fragment<float> part(int m, int i) const {
        const float(&tile)[4] = tiles[m][i];
        Fragment<float> f;
        f.set({bits_of(tile[0]), bits_of(tile[2]), bits_of(tile[1]), bits_of(tile[3])});
        return f;
    }

    LS_DEVICE void keep(int m, uint32_t kept) { keep_bits(tiles[m], kept); }
};

struct __attribute__((aligned(16), may_alias)) Quad {
    uint32_t bits[4];
};

/*
 * Weights of a block's rows in shared memory, by left operands of 16 rows: what a lane computed is what the same lane of every warp
 * of those rows multiplies by, as above.
 */
template <class T> struct SharedWeights {
    static constexpr int COUNT = COLUMNS / DEPTH<T>;
    unsigned char *memory;

    LS_DEVICE Quad &at(int operand, int i) const {
        return reinterpret_cast<Quad *>(memory)[(operand * COUNT + i) * WARP + lane()];
    }

    /* Those of 16 columns from 16 · side on, and of 16·M rows from the operand's on. */
    template <int M> LS_DEVICE void put(int operand, int side, const float (&tiles)[M][2][4]) const {
        LS_UNROLL
        for (int m = 0; m < M; m++) {
            const float(&a)[4] = tiles[m][0], (&b)[4] = tiles[m][1];
            if constexpr (sizeof(T) == 2) {
                at(operand + m, side) = {pack_bf16(a[0], a[1]), pack_bf16(a[2], a[3]), pack_bf16(b[0], b[1]),
                                         pack_bf16(b[2], b[3])};
            } else {
                at(operand + m, 2 * side) = {bits_of(a[0]), bits_of(a[2]), bits_of(a[1]), bits_of(a[3])};
                at(operand + m, 2 * side + 1) = {bits_of(b[0]), bits_of(b[2]), bits_of(b[1]), bits_of(b[3])};
            }
        }
    }
};

/* What a warp multiplies by of them: bfloat16 in registers for all of a tile's sums, float32, twice as much, from where it is. */
template <class T, int M> struct Fetched {
    static constexpr int COUNT = SharedWeights<T>::COUNT;
    Fragment<T> parts[M][COUNT];

    LS_DEVICE void fetch(SharedWeights<T> weights, int operand) {
        LS_UNROLL
        for (int m = 0; m < M; m++) {
            LS_UNROLL
            for (int i = 0; i < COUNT; i++) {
                Quad quad = weights.at(operand + m, i);
                parts[m][i].set(quad.bits);
            }
        }
    }

    LS_DEVICE const Fragment<T> &part(int m, int i) const { return parts[m][i]; }
};

template <int M> struct Fetched<float, M> {
    static constexpr int COUNT = SharedWeights<float>::COUNT;
    SharedWeights<float> from{};
    int first = 0;

    LS_DEVICE void fetch(SharedWeights<float> weights, int operand) {
        from = weights;
        first = operand;
    }

    LS_DEVICE Fragment<float> part(int m, int i) const {
        Quad quad = from.at(first + m, i);
        Fragment<float> f;
        f.set(quad.bits);
        return f;
    }
};

/* sums[.][first …] += weights · columns c to c + 8·COUNT of the panel. */
template <class T, int COUNT, class W, int M, int N>
LS_DEVICE void add_weighted(float (&sums)[M][N][4], int first, const W &weights, const unsigned char *panel, int c) {
    LS_UNROLL
    for (int i = 0; i < W::COUNT; i++) {
        Fragment<T> left[M];
        LS_UNROLL
        for (int m = 0; m < M; m++) {
            left[m] = weights.part(m, i);
        }
        LS_UNROLL
        for (int n = 0; n < COUNT; n += 2) {
            Fragment<T> right;
            load_rows(right, panel, i, c + n * 8);
            LS_UNROLL
            for (int m = 0; m < M; m++) {
                multiply(sums[m][first + n], sums[m][first + n + 1], left[m], right);
            }
        }
    }
}

} // namespace ls::cuda
