#include "ids.h"
#include "lanes.h"
#include "reduce.h"

/* Softmax cross-entropy: logits are read once, each thread with a maximum and a sum of its own that are merged in the
 * end. */
namespace ls::cuda {

namespace {

constexpr int THREADS = 256;
/* Classes up to which a warp takes a row. */
constexpr int64_t FEW_CLASSES = 1024;

/* Σ exp(x − max) of what was seen. */
struct Softmax {
    float max = -INFINITY, sum = 0;

    /* Where all is −inf there is nothing to subtract; NaN is ignored by the maximum and stays in the sum. */
    static LS_DEVICE float origin(float max) { return max == -INFINITY ? 0 : max; }

    template <int W> LS_DEVICE void see(const Floats<W> &x) {
        float next = max;
        LS_UNROLL
        for (int i = 0; i < W; i++) {
            next = fmaxf(next, x.at[i]);
        }
        float from = origin(next), total = next > max ? sum * expf(max - from) : sum;
        LS_UNROLL
        for (int i = 0; i < W; i++) {
            total += expf(x.at[i] - from);
        }
        max = next;
        sum = total;
    }

    LS_DEVICE void merge(float other_max, float other_sum) {
        float next = fmaxf(max, other_max), from = origin(next);
        sum = sum * expf(max - from) + other_sum * expf(other_max - from);
        max = next;
    }

    LS_DEVICE void over_warp() {
        LS_UNROLL
        for (int mask = WARP / 2; mask > 0; mask /= 2) {
            float other_max = shuffle_xor(max, mask), other_sum = shuffle_xor(sum, mask);
            /* The same operands in the same order on both sides. */
            Softmax low = lane() & mask ? Softmax{other_max, other_sum} : *this;
            low.merge(lane() & mask ? max : other_max, lane() & mask ? sum : other_sum);
            *this = low;
        }
    }
};

template <int LANES> LS_KERNEL(THREADS)
cross_entropy(const float *logits, int64_t logits_row, Ids targets, bool wide, float *losses, float *lse, int64_t rows,
              int64_t classes) {
    constexpr int W = WIDTH<float>;
    int mine = thread_index() % LANES;
    int64_t row = (int64_t)block_x() * (THREADS / LANES) + thread_index() / LANES;
    bool there = row < rows;
    const float *x = logits + row * logits_row;
    Softmax softmax;
    int64_t chunks = there && wide ? classes / W : 0;
    for (int64_t j = mine; j < chunks; j += LANES) {
        softmax.see(load<W>(x + j * W));
    }
    for (int64_t j = chunks * W + mine; there && j < classes; j += LANES) {
        softmax.see(load<1>(x + j));
    }
    softmax.over_warp();
    if constexpr (LANES > WARP) {
        float *shared = shared_memory<float>();
        if (lane() == 0) {
            shared[2 * warp()] = softmax.max;
            shared[2 * warp() + 1] = softmax.sum;
        }
        barrier();
        softmax = Softmax{};
        for (int w = 0; w < LANES / WARP; w++) {
            softmax.merge(shared[2 * w], shared[2 * w + 1]);
        }
    }
    if (there && mine == 0) {
        /* As exp(−∞ − −∞) gives it where all are. */
        double log_sum = softmax.max == -INFINITY ? NAN : log((double)softmax.sum);
        int64_t target = targets[row];
        lse[row] = (float)(softmax.max + log_sum);
        losses[row] = target >= classes ? NAN : target < 0 ? 0 : (float)((double)softmax.max - x[target] + log_sum);
    }
}

/* A block takes a stretch of a row. */
LS_KERNEL(THREADS)
cross_entropy_backward(const float *logits, int64_t logits_row, Ids targets, const float *lse, const float *d_losses,
                       bool wide, float *d_logits, int64_t d_row, int64_t classes, int64_t stretches) {
    constexpr int W = WIDTH<float>;
    int64_t row = block_x() / stretches, target = targets[row];
    if (target < 0 || target >= classes) {
        return;
    }
    const float *x = logits + row * logits_row;
    float *to = d_logits + row * d_row, shift = lse[row], d = d_losses[row];
    auto slope = [&](int64_t j, float logit, float before) {
        return j == target ? (float)(before + d * (exp((double)logit - shift) - 1))
                           : fmaf(expf(logit - shift), d, before);
    };
    int64_t first = block_x() % stretches * THREADS + thread_index(), step = stretches * THREADS,
            chunks = wide ? classes / W : 0;
    for (int64_t j = first; j < chunks; j += step) {
        Floats<W> v = load<W>(x + j * W), y = load<W>(to + j * W);
        LS_UNROLL
        for (int i = 0; i < W; i++) {
            y.at[i] = slope(j * W + i, v.at[i], y.at[i]);
        }
        store<W>(to + j * W, y);
    }
    for (int64_t j = chunks * W + first; j < classes; j += step) {
        to[j] = slope(j, x[j], to[j]);
    }
}

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_cross_entropy(const float *logits, int64_t logits_row, const void *targets, int32_t wide,
                                float *losses, float *lse, int64_t rows, int64_t classes, void *stream) {
    LS_NEEDS(rows >= 0 && classes >= 0);
    bool aligned_rows = aligned(logits) && (rows <= 1 || logits_row % WIDTH<float> == 0);
    Ids ids{targets, wide};
    if (classes <= FEW_CLASSES) {
        constexpr int64_t ROWS = THREADS / WARP;
        return launch("cross_entropy", cross_entropy<WARP>, Grid{(rows + ROWS - 1) / ROWS}, THREADS, 0, stream, logits,
                      logits_row, ids, aligned_rows, losses, lse, rows, classes);
    }
    return launch("cross_entropy", cross_entropy<THREADS>, Grid{rows}, THREADS, THREADS / WARP * 2 * sizeof(float),
                  stream, logits, logits_row, ids, aligned_rows, losses, lse, rows, classes);
}

ls_status ls_cuda_cross_entropy_backward(const float *logits, int64_t logits_row, const void *targets, int32_t wide,
                                         const float *lse, const float *d_losses, float *d_logits, int64_t d_row,
                                         int64_t rows, int64_t classes, void *stream) {
    LS_NEEDS(rows >= 0 && classes >= 0);
    bool aligned_rows =
        aligned(logits, d_logits) && (rows <= 1 || (logits_row % WIDTH<float> == 0 && d_row % WIDTH<float> == 0));
    int64_t stretches = classes / (16 * THREADS) + 1;
    return LS_LAUNCH(cross_entropy_backward, Grid{rows * stretches}, THREADS, 0, stream, logits, logits_row,
                     Ids{targets, wide}, lse, d_losses, aligned_rows, d_logits, d_row, classes, stretches);
}
