#include "gemm.h"

/*
 * Tiles of c, each warp 64 x 32 of it by products of 16 x 8 on the matrix units; a and b go through shared memory in
 * slices of 32 of the depth, the next ones on their way while one is computed. Floats are split into two parts and
 * three products (of the low parts with the high, then of the high) make up one, within 2⁻²¹ of it and with no
 * preferred sign. The units round towards zero, so that only a slice's sum is left to them.
 */
namespace ls::cuda {

namespace {

constexpr int DEPTH = 32;
/* Of a warp, in products. */
constexpr int DOWN = 4, ACROSS = 4;
constexpr int WARP_ROWS = DOWN * 16, WARP_COLS = ACROSS * 8;
/* Rows of tiles whose columns run together, so that they find b in the cache. */
constexpr int GROUP = 8;
/* Blocks that fill a device, and the least depth worth a part. */
constexpr int64_t FULL = 264, LEAST_PART = 256;

template <class S> struct Shape;
template <> struct Shape<float> {
    static constexpr int WARPS_DOWN = 2, WARPS_ACROSS = 2, STAGES = 2;
};
template <> struct Shape<bf16> {
    static constexpr int WARPS_DOWN = 2, WARPS_ACROSS = 4, STAGES = 3;
};

template <class S> struct Tile : Shape<S> {
    using Shape<S>::WARPS_DOWN, Shape<S>::WARPS_ACROSS;
    static constexpr int ROWS = WARPS_DOWN * WARP_ROWS, COLS = WARPS_ACROSS * WARP_COLS;
    static constexpr int THREADS = WARPS_DOWN * WARPS_ACROSS * WARP;
};

/* A slice of one operand in shared memory, padded so that a warp's reads fall into different banks. */
template <class S, bool DEEP, int EXTENT> struct Slice {
    static constexpr int LINES = DEEP ? EXTENT : DEPTH, LENGTH = DEEP ? DEPTH : EXTENT;
    static constexpr int PITCH = LENGTH + (DEEP ? WIDTH<S> : 8), ELEMENTS = LINES * PITCH;

    /* Brings what lies from (first, depth) on; zeros beyond the end. */
    template <int THREADS> static LS_DEVICE void bring(S *to, const Lines &from, int64_t first, int64_t depth) {
        constexpr int W = WIDTH<S>, CHUNKS = LENGTH / W;
        int64_t line = DEEP ? first : depth, at = DEEP ? depth : first;
        for (int chunk = thread_index(); chunk < LINES * CHUNKS; chunk += THREADS) {
            int64_t l = line + chunk / CHUNKS, x = at + chunk % CHUNKS * W;
            S *target = to + chunk / CHUNKS * PITCH + chunk % CHUNKS * W;
            bool there = l < from.lines && x < from.length;
            if (from.wide && (!there || x + W <= from.length)) {
                copy_async(target, there ? static_cast<const S *>(from.at) + l * from.pitch + x : from.at, there);
            } else {
                for (int i = 0; i < W; i++) {
                    target[i] = there && x + i < from.length ? element(from, l * from.pitch + x + i) : S{};
                }
            }
        }
    }

    static LS_DEVICE S element(const Lines &from, int64_t at) {
        if constexpr (sizeof(S) == 2) {
            return static_cast<const S *>(from.at)[at];
        } else {
            return from.half ? value(static_cast<const bf16 *>(from.at)[at]) : static_cast<const float *>(from.at)[at];
        }
    }

    static LS_DEVICE int place(int extent, int depth) { return DEEP ? extent * PITCH + depth : depth * PITCH + extent; }
};

/* x to the nearest 11 bits, and the rest, of whose 12 bits the units take 11. Of a NaN `low` is one, whatever `high`
 * becomes. */
LS_DEVICE void split(float x, uint32_t &high, uint32_t &low) {
    high = (bits_of(x) + 0x1000u) & 0xffffe000u;
    low = bits_of(x - float_of(high));
}

template <class SA, class SB>
LS_DEVICE void multiply(const float *a, const float *b, int row, int col, float (&sums)[DOWN][ACROSS][4]) {
    float part[DOWN][ACROSS][4] = {};
    int g = lane() / 4, q = lane() % 4;
    LS_UNROLL
    for (int k = 0; k < DEPTH; k += 8) {
        uint32_t high[ACROSS][2], low[ACROSS][2];
        LS_UNROLL
        for (int j = 0; j < ACROSS; j++) {
            LS_UNROLL
            for (int i = 0; i < 2; i++) {
                split(b[SB::place(col + j * 8 + g, k + q + i * 4)], high[j][i], low[j][i]);
            }
        }
        LS_UNROLL
        for (int d = 0; d < DOWN; d++) {
            uint32_t left[4], rest[4];
            LS_UNROLL
            for (int i = 0; i < 4; i++) {
                split(a[SA::place(row + d * 16 + g + i % 2 * 8, k + q + i / 2 * 4)], left[i], rest[i]);
            }
            LS_UNROLL
            for (int j = 0; j < ACROSS; j++) {
                mma_tf32(part[d][j], rest, high[j]);
                mma_tf32(part[d][j], left, low[j]);
                mma_tf32(part[d][j], left, high[j]);
            }
        }
    }
    LS_UNROLL
    for (int d = 0; d < DOWN; d++) {
        LS_UNROLL
        for (int j = 0; j < ACROSS; j++) {
            LS_UNROLL
            for (int i = 0; i < 4; i++) {
                sums[d][j][i] += part[d][j][i];
            }
        }
    }
}

template <bool DEEP, class SA> LS_DEVICE void left_fragment(uint32_t (&r)[4], const bf16 *a, int row, int k) {
    int l = lane();
    if constexpr (DEEP) {
        load_matrices(r, a + SA::place(row + l % 16, k + l / 16 * 8));
    } else {
        load_matrices_transposed(r, a + SA::place(row + l / 8 % 2 * 8, k + l % 8 + l / 16 * 8));
    }
}

/* Of two neighbouring products. */
template <bool DEEP, class SB> LS_DEVICE void right_fragments(uint32_t (&r)[4], const bf16 *b, int col, int k) {
    int l = lane();
    if constexpr (DEEP) {
        load_matrices(r, b + SB::place(col + l % 8 + l / 16 * 8, k + l / 8 % 2 * 8));
    } else {
        load_matrices_transposed(r, b + SB::place(col + l / 16 * 8, k + l % 16));
    }
}

template <bool DEEP_A, bool DEEP_B, class SA, class SB>
LS_DEVICE void multiply(const bf16 *a, const bf16 *b, int row, int col, float (&sums)[DOWN][ACROSS][4]) {
    LS_UNROLL
    for (int k = 0; k < DEPTH; k += 16) {
        uint32_t right[ACROSS][2];
        LS_UNROLL
        for (int j = 0; j < ACROSS; j += 2) {
            uint32_t r[4];
            right_fragments<DEEP_B, SB>(r, b, col + j * 8, k);
            right[j][0] = r[0];
            right[j][1] = r[1];
            right[j + 1][0] = r[2];
            right[j + 1][1] = r[3];
        }
        LS_UNROLL
        for (int d = 0; d < DOWN; d++) {
            uint32_t left[4];
            left_fragment<DEEP_A, SA>(left, a, row + d * 16, k);
            LS_UNROLL
            for (int j = 0; j < ACROSS; j++) {
                mma_bf16(sums[d][j], left, right[j]);
            }
        }
    }
}

struct Place {
    int64_t row, col;
};

template <class S> LS_DEVICE Place place_of(int64_t block, int64_t rows, int64_t cols) {
    int64_t down = (rows + Tile<S>::ROWS - 1) / Tile<S>::ROWS, across = (cols + Tile<S>::COLS - 1) / Tile<S>::COLS;
    int64_t first = block / (GROUP * across) * GROUP, height = down - first < GROUP ? down - first : GROUP;
    int64_t within = block - first * across;
    return {(first + within % height) * Tile<S>::ROWS, within / height * Tile<S>::COLS};
}

template <class S, bool DEEP_A, bool DEEP_B>
LS_KERNEL_OF(Tile<S>::THREADS, 2) tile_kernel(Product p, int64_t part_depth, float *parts) {
    constexpr int THREADS = Tile<S>::THREADS, STAGES = Tile<S>::STAGES;
    using SA = Slice<S, DEEP_A, Tile<S>::ROWS>;
    using SB = Slice<S, DEEP_B, Tile<S>::COLS>;
    S *shared = shared_memory<S>();
    Place tile = place_of<S>(block_x(), p.rows, p.cols);
    int64_t from = block_z() * part_depth, left = p.depth - from;
    int slices = (int)(((left < part_depth ? left : part_depth) + DEPTH - 1) / DEPTH);
    auto bring = [&](int slice) {
        if (slice < slices) {
            S *to = shared + slice % STAGES * (SA::ELEMENTS + SB::ELEMENTS);
            SA::template bring<THREADS>(to, p.a, tile.row, from + (int64_t)slice * DEPTH);
            SB::template bring<THREADS>(to + SA::ELEMENTS, p.b, tile.col, from + (int64_t)slice * DEPTH);
        }
        commit_copies();
    };
    for (int slice = 0; slice < STAGES - 1; slice++) {
        bring(slice);
    }
    int row = warp() / Tile<S>::WARPS_ACROSS * WARP_ROWS, col = warp() % Tile<S>::WARPS_ACROSS * WARP_COLS;
    bool busy = tile.row + row < p.rows && tile.col + col < p.cols;
    float sums[DOWN][ACROSS][4] = {};
    for (int slice = 0; slice < slices; slice++) {
        wait_for_copies<STAGES - 2>();
        barrier();
        bring(slice + STAGES - 1);
        const S *a = shared + slice % STAGES * (SA::ELEMENTS + SB::ELEMENTS);
        if (busy) {
            if constexpr (sizeof(S) == 2) {
                multiply<DEEP_A, DEEP_B, SA, SB>(a, a + SA::ELEMENTS, row, col, sums);
            } else {
                multiply<SA, SB>(a, a + SA::ELEMENTS, row, col, sums);
            }
        }
    }
    LS_UNROLL
    for (int d = 0; d < DOWN; d++) {
        LS_UNROLL
        for (int j = 0; j < ACROSS; j++) {
            LS_UNROLL
            for (int i = 0; i < 4; i++) {
                int64_t y = tile.row + row + d * 16 + lane() / 4 + i / 2 * 8;
                int64_t x = tile.col + col + j * 8 + lane() % 4 * 2 + i % 2;
                if (y < p.rows && x < p.cols) {
                    if (parts) {
                        parts[(block_z() * p.rows + y) * p.cols + x] = sums[d][j][i];
                    } else {
                        p.output.finish(y, x, x, sums[d][j][i]);
                    }
                }
            }
        }
    }
}

constexpr int ADD_THREADS = 256;

LS_KERNEL(ADD_THREADS) add_parts(const float *parts, int64_t count, int64_t rows, int64_t cols, Output output) {
    int64_t n = rows * cols, stride = (int64_t)blocks_x() * ADD_THREADS;
    for (int64_t i = (int64_t)block_x() * ADD_THREADS + thread_index(); i < n; i += stride) {
        float sum = parts[i];
        for (int64_t part = 1; part < count; part++) {
            sum += parts[part * n + i];
        }
        output.finish(i / cols, i % cols, i % cols, sum);
    }
}

template <class S, bool DEEP_A, bool DEEP_B> ls_status tiled(const Product &p, float *parts, void *stream) {
    constexpr int64_t BYTES = Tile<S>::STAGES * sizeof(S) *
                              (Slice<S, DEEP_A, Tile<S>::ROWS>::ELEMENTS + Slice<S, DEEP_B, Tile<S>::COLS>::ELEMENTS);
    int64_t count = depth_parts(p.rows, p.cols, p.depth), slices = (p.depth + DEPTH - 1) / DEPTH;
    int64_t part_depth = (slices + count - 1) / count * DEPTH;
    int64_t down = (p.rows + Tile<S>::ROWS - 1) / Tile<S>::ROWS, across = (p.cols + Tile<S>::COLS - 1) / Tile<S>::COLS;
    if (ls_status bad = launch("gemm", tile_kernel<S, DEEP_A, DEEP_B>, Grid{down * across, 1, count}, Tile<S>::THREADS,
                               BYTES, stream, p, part_depth, count > 1 ? parts : nullptr)) {
        return bad;
    }
    if (count == 1) {
        return LS_OK;
    }
    int64_t blocks = (p.rows * p.cols + ADD_THREADS - 1) / ADD_THREADS;
    return LS_LAUNCH(add_parts, Grid{blocks < 4096 ? blocks : 4096}, ADD_THREADS, 0, stream, parts, count, p.rows,
                     p.cols, p.output);
}

template <class S> ls_status tiled(const Product &p, float *parts, void *stream) {
    if (p.deep_a) {
        return p.deep_b ? tiled<S, true, true>(p, parts, stream) : tiled<S, true, false>(p, parts, stream);
    }
    return p.deep_b ? tiled<S, false, true>(p, parts, stream) : tiled<S, false, false>(p, parts, stream);
}

} // namespace

int64_t depth_parts(int64_t rows, int64_t cols, int64_t depth) {
    /* By the smaller tile for both types: bits do not depend on how operands are stored. */
    int64_t tiles = ((rows + 127) / 128) * ((cols + 63) / 64);
    if (tiles == 0 || tiles >= FULL || depth < 2 * LEAST_PART) {
        return 1;
    }
    int64_t wanted = (FULL + tiles - 1) / tiles, most = depth / LEAST_PART;
    int64_t count = wanted < most ? wanted : most;
    /* No part may be empty. */
    int64_t slices = (depth + DEPTH - 1) / DEPTH, each = (slices + count - 1) / count;
    return (slices + each - 1) / each;
}

ls_status tiled_product(const Product &p, float *parts, void *stream) {
    return p.a.half && p.b.half ? tiled<bf16>(p, parts, stream) : tiled<float>(p, parts, stream);
}

} // namespace ls::cuda
