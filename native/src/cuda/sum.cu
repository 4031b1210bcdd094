#include "lanes.h"
#include "reduce.h"

/* Sums of all elements: a double for each block, whose share depends on n alone, then one block over those. */
namespace ls::cuda {

namespace {

constexpr int THREADS = 256;
constexpr int64_t BLOCKS = 1024;

int64_t blocks_of(int64_t n) {
    int64_t blocks = (n + 8 * THREADS - 1) / (8 * THREADS);
    return blocks < 1 ? 1 : blocks < BLOCKS ? blocks : BLOCKS;
}

struct Value {
    using Total = double;
    static LS_DEVICE double of(float x) { return x; }
};

struct Square {
    using Total = double;
    static LS_DEVICE double of(float x) { return (double)x * x; }
};

struct NonFinite {
    using Total = int64_t;
    static LS_DEVICE int64_t of(float x) { return (bits_of(x) & 0x7f800000u) == 0x7f800000u; }
};

template <class Term> LS_KERNEL(THREADS) sum_parts(const float *x, int64_t n, bool wide, typename Term::Total *parts) {
    using Total = typename Term::Total;
    Total sums[4] = {0, 0, 0, 0};
    int64_t stride = (int64_t)blocks_x() * THREADS * 4;
    for (int64_t i = ((int64_t)block_x() * THREADS + thread_index()) * 4; i < n; i += stride) {
        if (wide && i + 4 <= n) {
            Floats<4> v = load<4>(x + i);
            LS_UNROLL
            for (int lane = 0; lane < 4; lane++) {
                sums[lane] += Term::of(v.at[lane]);
            }
        } else {
            LS_UNROLL
            for (int lane = 0; lane < 4; lane++) {
                sums[lane] += i + lane < n ? Term::of(x[i + lane]) : 0;
            }
        }
    }
    Total total = block_sum(sums[0] + sums[1] + (sums[2] + sums[3]), shared_memory<Total>());
    if (thread_index() == 0) {
        parts[block_x()] = total;
    }
}

template <class Total, class Result> LS_KERNEL(THREADS)
sum_of_parts(const Total *parts, int64_t count, double alpha, Result *y) {
    Total sum = 0;
    for (int64_t i = thread_index(); i < count; i += THREADS) {
        sum += parts[i];
    }
    Total total = block_sum(sum, shared_memory<Total>());
    if (thread_index() == 0) {
        y[0] = (Result)(sizeof(Result) == 4 ? alpha * (double)total : total);
    }
}

template <class Term, class Result>
ls_status sum(const char *name, double alpha, const float *x, int64_t n, Result *y, void *scratch, void *stream) {
    using Total = typename Term::Total;
    constexpr int64_t SHARED = THREADS / WARP * sizeof(Total);
    Total *parts = static_cast<Total *>(scratch);
    int64_t count = blocks_of(n);
    if (ls_status bad = launch(name, sum_parts<Term>, Grid{count}, THREADS, SHARED, stream, x, n, aligned(x), parts)) {
        return bad;
    }
    return launch(name, sum_of_parts<Total, Result>, Grid{1}, THREADS, SHARED, stream, parts, count, alpha, y);
}

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

int64_t ls_cuda_sum_scratch(int64_t n) { return blocks_of(n) * 8; }

ls_status ls_cuda_sum(double alpha, const float *x, int64_t n, float *y, void *scratch, void *stream) {
    LS_NEEDS(n >= 0 && y && scratch);
    return sum<Value>("sum", alpha, x, n, y, scratch, stream);
}

ls_status ls_cuda_sum_squares(const float *x, int64_t n, double *y, void *scratch, void *stream) {
    LS_NEEDS(n >= 0 && y && scratch);
    return sum<Square>("sum_squares", 1, x, n, y, scratch, stream);
}

ls_status ls_cuda_count_non_finite(const float *x, int64_t n, int64_t *y, void *scratch, void *stream) {
    LS_NEEDS(n >= 0 && y && scratch);
    return sum<NonFinite>("count_non_finite", 1, x, n, y, scratch, stream);
}
