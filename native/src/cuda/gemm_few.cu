#include "gemm.h"

/*
 * Lines of a matrix times at most 8 vectors, as fast as the lines come from memory: a warp takes some lines, a lane 16
 * bytes of each at a time; where lines are few several warps share them, each a stripe of the depth.
 */
namespace ls::cuda {

namespace {

constexpr int THREADS = 256, WARPS = THREADS / WARP;
/* Lines of a warp: fewer for many vectors, whose sums take the registers. */
template <int COUNT> constexpr int LINES_OF = COUNT > 4 ? 2 : 4;
/* Warps that keep a device's memory busy. */
constexpr int64_t BUSY = 2112;

/* W elements from k on, zeros behind the last. */
template <int W>
LS_DEVICE Floats<W> some(const void *at, bool half, int64_t from, int64_t stride, int64_t k, int64_t depth) {
    Floats<W> v;
    LS_UNROLL
    for (int i = 0; i < W; i++) {
        int64_t place = from + (k + i) * stride;
        v.at[i] = k + i >= depth ? 0
                  : half         ? value(static_cast<const bf16 *>(at)[place])
                                 : static_cast<const float *>(at)[place];
    }
    return v;
}

/* The same of vector c. */
template <int W> LS_DEVICE Floats<W> of_vector(const FewVectors &p, int c, int64_t k) {
    int64_t at = c * p.vector_stride + k;
    if (p.wide && k + W <= p.lines.length) {
        if (!p.half) {
            Floats<W> v;
            LS_UNROLL
            for (int i = 0; i < W; i += 4) {
                Floats<4> four = load<4>(static_cast<const float *>(p.vectors) + at + i);
                LS_UNROLL
                for (int j = 0; j < 4; j++) {
                    v.at[i + j] = four.at[j];
                }
            }
            return v;
        }
        if constexpr (W == 8) {
            return load<8>(static_cast<const bf16 *>(p.vectors) + at);
        }
    }
    return some<W>(p.vectors, p.half, c * p.vector_stride, p.depth_stride, k, p.lines.length);
}

template <class S, int COUNT> LS_KERNEL_OF(THREADS, 2) few_kernel(FewVectors p, int stripes) {
    constexpr int W = WIDTH<S>, LINES = LINES_OF<COUNT>;
    float *shared = shared_memory<float>();
    int stripe = warp() % stripes;
    int64_t line = ((int64_t)block_x() * WARPS + warp()) / stripes * LINES, depth = p.lines.length;
    float sums[LINES][COUNT] = {};
    for (int64_t k = (int64_t)(stripe * WARP + lane()) * W; k < depth; k += (int64_t)stripes * WARP * W) {
        Floats<W> m[LINES];
        LS_UNROLL
        for (int l = 0; l < LINES; l++) {
            int64_t at = (line + l) * p.lines.pitch;
            if (line + l >= p.lines.lines) {
                m[l] = {};
            } else if (p.lines.wide && k + W <= depth) {
                m[l] = load<W>(static_cast<const S *>(p.lines.at) + at + k);
            } else {
                m[l] = some<W>(p.lines.at, p.lines.half, at, 1, k, depth);
            }
        }
        LS_UNROLL
        for (int c = 0; c < COUNT; c++) {
            Floats<W> v = c < p.count ? of_vector<W>(p, c, k) : Floats<W>{};
            LS_UNROLL
            for (int l = 0; l < LINES; l++) {
                LS_UNROLL
                for (int i = 0; i < W; i++) {
                    sums[l][c] = fmaf(m[l].at[i], v.at[i], sums[l][c]);
                }
            }
        }
    }
    LS_UNROLL
    for (int l = 0; l < LINES; l++) {
        LS_UNROLL
        for (int c = 0; c < COUNT; c++) {
            float sum = warp_sum(sums[l][c]);
            if (lane() == 0) {
                shared[(warp() * LINES + l) * COUNT + c] = sum;
            }
        }
    }
    barrier();
    if (stripe == 0 && lane() < LINES * COUNT) {
        float sum = 0;
        for (int s = 0; s < stripes; s++) {
            sum += shared[(warp() + s) * LINES * COUNT + lane()];
        }
        int64_t y = line + lane() / COUNT, c = lane() % COUNT;
        if (y < p.lines.lines && c < p.count) {
            p.output.finish(p.rows ? c : y, p.rows ? y : c, p.rows ? y : c, sum);
        }
    }
}

template <class S, int COUNT> ls_status few(const FewVectors &p, void *stream) {
    constexpr int LINES = LINES_OF<COUNT>;
    int64_t groups = (p.lines.lines + LINES - 1) / LINES;
    int stripes = 1;
    while (stripes < WARPS && groups * stripes < BUSY && (int64_t)stripes * WARP * WIDTH<S> < p.lines.length) {
        stripes *= 2;
    }
    int64_t blocks = (groups * stripes + WARPS - 1) / WARPS;
    return launch("gemm_few", few_kernel<S, COUNT>, Grid{blocks}, THREADS, WARPS * LINES * COUNT * 4, stream, p,
                  stripes);
}

template <class S> ls_status few(const FewVectors &p, void *stream) {
    return p.count == 1   ? few<S, 1>(p, stream)
           : p.count == 2 ? few<S, 2>(p, stream)
           : p.count <= 4 ? few<S, 4>(p, stream)
                          : few<S, 8>(p, stream);
}

} // namespace

ls_status few_vectors(const FewVectors &p, void *stream) {
    return p.lines.half ? few<bf16>(p, stream) : few<float>(p, stream);
}

} // namespace ls::cuda
