#include "attention.h"

/* Attention's work a row at a time: what goes before tiles, and what comes after them. */
namespace ls::cuda {

namespace {

constexpr int THREADS = 128;

/* What the splits of a row's keys gave, first to last. */
template <class T> LS_KERNEL(THREADS) attention_merge(Params p, Cut cut) {
    const Task &task = p.tasks[block_x() / p.most_queries];
    int t = (int)(block_x() % p.most_queries), batch = block_y();
    if (t >= task.queries) {
        return;
    }
    int64_t row = query_rows(task).at(t), number = (batch * p.heads + task.head) * p.queries + row;
    int64_t rows = p.batch * p.heads * p.queries;
    const float *stats = cut.partial + cut.splits * rows * p.value_dim;
    float base = -INF, sum = 0;
    for (int s = 0; s < cut.splits; s++) {
        base = fmaxf(base, stats[(s * rows + number) * 2]);
    }
    for (int s = 0; s < cut.splits; s++) {
        const float *of = stats + (s * rows + number) * 2;
        sum += of[0] == -INF ? 0 : of[1] * exp2_fast(of[0] - base);
    }
    float *lse = p.lse + batch * p.lse_batch + task.head * p.lse_head + row * p.lse_row;
    Share share = share_of(base, sum, task.pads, *lse);
    share.own *= p.drop_rate > 0 ? kept_factor(p) : 1;
    barrier();
    if (share.nothing) {
        return;
    }
    if (thread_index() == 0) {
        *lse = share.lse;
    }
    T *to = static_cast<T *>(p.out) + batch * p.out_batch + task.head * p.out_head + row * p.out_row;
    for (int d = thread_index(); d < p.value_dim; d += THREADS) {
        float total = 0;
        for (int s = 0; s < cut.splits; s++) {
            float greatest = stats[(s * rows + number) * 2];
            if (greatest != -INF) {
                total += cut.partial[(s * rows + number) * p.value_dim + d] * exp2_fast(greatest - base);
            }
        }
        put(to[d], merged(to[d], total, share));
    }
}

LS_KERNEL(THREADS) attention_keep_lse(Params p, float *earlier) {
    for (int64_t i = (int64_t)block_x() * THREADS + thread_index(); i < p.batch * p.heads * p.queries;
         i += (int64_t)blocks_x() * THREADS) {
        int64_t head = i / p.queries;
        earlier[i] = p.lse[head / p.heads * p.lse_batch + head % p.heads * p.lse_head + i % p.queries * p.lse_row];
    }
}

/* The interval of keys that each query of the tasks sees. */
LS_KERNEL(THREADS) attention_intervals(Params p, int tiles, Interval *to) {
    const Task &task = p.tasks[block_x() / tiles];
    int t = block_x() % tiles * THREADS + thread_index(), batch = block_y();
    if (t < task.queries) {
        to[(batch * p.heads + task.head) * p.queries + query_rows(task).at(t)] = visible(p, task, batch, t);
    }
}

/* A warp a row. In double: δ is what weighted sums of dP cancel with. */
template <class T> LS_KERNEL(THREADS) attention_dots(Params p) {
    int64_t number = (int64_t)block_x() * (THREADS / WARP) + warp();
    if (number >= p.batch * p.heads * p.queries) {
        return;
    }
    int64_t row = number % p.queries, head = number / p.queries % p.heads, batch = number / p.queries / p.heads;
    const T *out = static_cast<const T *>(p.out) + batch * p.out_batch + row * p.out_row + head * p.out_head;
    const T *d_out = static_cast<const T *>(p.d_out) + batch * p.d_out_batch + row * p.d_out_row + head * p.d_out_head;
    double dot = 0;
    for (int64_t d = lane(); d < p.value_dim; d += WARP) {
        dot += (double)value(out[d]) * value(d_out[d]);
    }
    dot = warp_sum(dot);
    if (lane() == 0) {
        p.delta[number] = (float)dot - (p.d_lse ? p.d_lse[batch * p.d_lse_batch + head * p.d_lse_head + row * p.d_lse_row] : 0);
    }
}

} // namespace

ls_status merge_splits(const Params &p, const Cut &cut, void *stream) {
    Grid grid{p.task_count * p.most_queries, p.batch};
    return p.half ? LS_LAUNCH(attention_merge<bf16>, grid, THREADS, 0, stream, p, cut)
                  : LS_LAUNCH(attention_merge<float>, grid, THREADS, 0, stream, p, cut);
}

ls_status keep_lse(const Params &p, float *earlier, void *stream) {
    int64_t blocks = (p.batch * p.heads * p.queries + THREADS - 1) / THREADS;
    return LS_LAUNCH(attention_keep_lse, Grid{blocks < 4096 ? blocks : 4096}, THREADS, 0, stream, p, earlier);
}

ls_status find_intervals(const Params &p, Interval *to, void *stream) {
    int64_t tiles = (p.most_queries + THREADS - 1) / THREADS;
    return LS_LAUNCH(attention_intervals, (Grid{p.task_count * tiles, p.batch}), THREADS, 0, stream, p, (int)tiles, to);
}

ls_status check_attention(const char *who, const Params &p) {
    bool fits = p.size == (int64_t)sizeof(Params) && p.dim > 0 && p.dim <= 256 && p.value_dim > 0 && p.value_dim <= 2048 &&
                p.most_queries <= INT32_MAX && p.most_keys <= INT32_MAX && p.batch >= 0 && p.heads >= 0;
    return fits ? LS_OK
                : fail(LS_BAD_ARGUMENT, "%s: needs size=%lld, dim to 256 and value_dim to 2048: size=%lld, dim=%lld, value_dim=%lld",
                       who, (long long)sizeof(Params), (long long)p.size, (long long)p.dim, (long long)p.value_dim);
}

} // namespace ls::cuda

using namespace ls::cuda;

int64_t ls_cuda_attention_scratch(const ls_cuda_attention_params *params) {
    const Params &p = *params;
    int64_t intervals = p.batch * p.heads * p.queries * (int64_t)sizeof(Interval), forward = forward_scratch(p);
    return intervals > forward ? intervals : forward;
}

ls_status ls_cuda_attention_dots(const ls_cuda_attention_params *params, void *stream) {
    const Params &p = *params;
    LS_TRY(check_attention(__func__, p));
    Grid grid{(p.batch * p.heads * p.queries + THREADS / WARP - 1) / (THREADS / WARP)};
    return p.half ? LS_LAUNCH(attention_dots<bf16>, grid, THREADS, 0, stream, p)
                  : LS_LAUNCH(attention_dots<float>, grid, THREADS, 0, stream, p);
}
