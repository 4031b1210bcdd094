#include "attention_share.h"
#include "lanes.h"

/* What another library's attention gave, merged with what earlier keys gave. */
namespace ls::cuda {

namespace {

constexpr int THREADS = 128;

/* A warp a row, rows in the order of `part`. */
template <class T, int W> LS_KERNEL(THREADS) attention_join(ls_cuda_attention_params p, const T *part, const float *part_lse) {
    int64_t number = (int64_t)block_x() * (THREADS / WARP) + warp();
    if (number >= p.batch * p.queries * p.heads) {
        return;
    }
    int64_t head = number % p.heads, row = number / p.heads % p.queries, batch = number / p.heads / p.queries;
    float *lse = p.lse + batch * p.lse_batch + head * p.lse_head + row * p.lse_row;
    float later = part_lse[(batch * p.heads + head) * p.queries + row];
    Share share = joined(later, 1, *lse);
    warp_barrier();
    if (later == -INF) {
        return;
    }
    if (lane() == 0) {
        *lse = share.lse;
    }
    const T *from = part + number * p.value_dim;
    T *to = static_cast<T *>(p.out) + batch * p.out_batch + row * p.out_row + head * p.out_head;
    for (int64_t d = lane() * W; d < p.value_dim; d += WARP * W) {
        Floats<W> x = load<W>(from + d);
        if (share.keep != 0) {
            x = each<W>([&](float sum, float earlier) { return fmaf(earlier, share.keep, sum * share.own); }, x, load<W>(to + d));
        }
        store<W>(to + d, x);
    }
}

template <class T> ls_status join(const ls_cuda_attention_params &p, const void *part, const float *part_lse, void *stream) {
    constexpr int W = WIDTH<T>;
    Grid grid{(p.batch * p.queries * p.heads + THREADS / WARP - 1) / (THREADS / WARP)};
    const T *from = static_cast<const T *>(part);
    bool wide = aligned(part, p.out) && (p.value_dim | p.out_batch | p.out_row | p.out_head) % W == 0;
    return wide ? LS_LAUNCH((attention_join<T, W>), grid, THREADS, 0, stream, p, from, part_lse)
                : LS_LAUNCH((attention_join<T, 1>), grid, THREADS, 0, stream, p, from, part_lse);
}

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_attention_join(const ls_cuda_attention_params *params, const void *part, const float *part_lse, void *stream) {
    LS_NEEDS(params->size == (int64_t)sizeof *params);
    return typed(params->half, [&](auto t) { return join<decltype(t)>(*params, part, part_lse, stream); });
}
