#include "attention.h"

/*
 * Softmax attention by an online softmax over tiles of 64 keys, each warp on 16·M queries of its own. Dao, arXiv 2307.08691.
 *
 * A branch at a time, merged into out and lse: per head and token of LongNet's paper schedule (five branches that keep 1 + 1/2 +
 * 1/4 + 1/6 + 1/12 = 2 rows of each token; D = 64, bfloat16) 2 · (Q, K, V 384 B + out 256 B read and written + lse 8 B) = 1.3 KB.
 * One online softmax over all branches reads Q once and writes out once: 128 + 2 · 256 + 128 + 4 = 0.8 KB. Either way 4 · D · 2,133
 * = 546 KFLOP, hundreds of FLOP a byte, where an H200 needs 206: products bound both, and only a branch at a time gives a block 128
 * queries of one phase that share all their keys. Queries of different phases share none.
 */
namespace ls::cuda {

namespace {

constexpr int THREADS = 128;

/* The block's place: which queries of which task, and which columns of the values. */
template <class T, int M, int OUT> struct Forward {
    static constexpr int ROWS = 64 * M, PANELS = OUT / WIDTH<T>;

    const Params &p;
    const Cut &cut;
    const Task &task;
    int from;

    /* Asked for again rather than kept while sums need the registers. */
    LS_DEVICE int batch() const { return block_y(); }
    LS_DEVICE int slice() const { return block_z() % cut.slices; }
    LS_DEVICE int split() const { return block_z() / cut.slices; }
    LS_DEVICE int warp_row() const { return warp() * 16 * M; }

    LS_DEVICE int64_t query_row(int m, int half) const {
        int t = from + warp_row() + m * 16 + half * 8 + lane() / 4;
        return query_rows(task).at(t < task.queries ? t : (int)task.queries - 1);
    }

    LS_DEVICE bool there(int m, int half) const { return from + warp_row() + m * 16 + half * 8 + lane() / 4 < task.queries; }

    LS_DEVICE int64_t number(int64_t row) const { return (batch() * p.heads + task.head) * p.queries + row; }

    /* A split()'s sums, for attention_merge. */
    template <int N>
    LS_DEVICE void keep(const float (&out)[M][N][4], const float (&max)[M][2], const float (&sum)[M][2],
                        float scale) const {
        int64_t rows = p.batch * p.heads * p.queries;
        float *stats = cut.partial + cut.splits * rows * p.value_dim;
        LS_UNROLL
        for (int i = 0; i < 2 * M; i++) {
            int m = i / 2, half = i % 2;
            if (!there(m, half)) {
                continue;
            }
            int64_t place = split() * rows + number(query_row(m, half));
            if (slice() == 0 && lane() % 4 == 0) {
                stats[place * 2] = max[m][half] * scale;
                stats[place * 2 + 1] = sum[m][half];
            }
            store(cut.partial + place * p.value_dim, out[m], half, [](float, float x) { return x; });
        }
    }

    template <int N>
    LS_DEVICE void merge(const float (&out)[M][N][4], const float (&max)[M][2], const float (&sum)[M][2],
                         float scale) const {
        float *lse = p.lse + batch() * p.lse_batch + task.head * p.lse_head;
        T *to = static_cast<T *>(p.out) + batch() * p.out_batch + task.head * p.out_head;
        LS_UNROLL
        for (int i = 0; i < 2 * M; i++) {
            int m = i / 2, half = i % 2;
            int64_t row = query_row(m, half);
            float earlier = cut.earlier ? cut.earlier[number(row)] : lse[row * p.lse_row];
            Share share = share_of(max[m][half] * scale, sum[m][half], task.pads, earlier);
            share.own *= p.drop_rate > 0 ? kept_factor(p) : 1;
            warp_barrier(); /* four lanes read what one writes */
            if (!there(m, half) || share.nothing) {
                continue;
            }
            if (slice() == 0 && lane() % 4 == 0) {
                lse[row * p.lse_row] = share.lse;
            }
            store(to + row * p.out_row, out[m], half, [&](T before, float x) { return merged(before, x, share); });
        }
    }

    template <class E, int N, class Change>
    LS_DEVICE void store(E *row, const float (&out)[N][4], int half, Change change) const {
        LS_UNROLL
        for (int n = 0; n < N; n++) {
            int column = slice() * OUT + n * 8 + lane() % 4 * 2;
            change_pair(row, column, (int)p.value_dim, out[n][2 * half], out[n][2 * half + 1], change);
        }
    }

    LS_DEVICE Corner<true> corner(int m, int key) const { return {p, task, batch(), from + warp_row() + m * 16, key}; }

    /* Scores of keys that a query does not see become −∞. */
    LS_DEVICE void hide(float (&scores)[M][8][4], const Interval *rows, const Sight &warps, int key) const {
        if (!warps.all(key, COLUMNS)) {
            LS_UNROLL
            for (int m = 0; m < M; m++) {
                LS_UNROLL
                for (int i = 0; i < 32; i++) {
                    Interval seen = rows[warp_row() + m * 16 + i % 4 / 2 * 8 + lane() / 4];
                    int number = corner(m, key).column_of(i);
                    scores[m][i / 4][i % 4] = number >= seen.first && number < seen.end ? scores[m][i / 4][i % 4] : -INF;
                }
            }
        }
        if (p.mask) {
            LS_UNROLL
            for (int m = 0; m < M; m++) {
                uint32_t kept = corner(m, key).unmasked_bits();
                LS_UNROLL
                for (int i = 0; i < 32; i++) {
                    scores[m][i / 4][i % 4] = kept >> i & 1 ? scores[m][i / 4][i % 4] : -INF;
                }
            }
        }
    }
};

/* max = max(max, scores), scores = 2^(scores − max), sums and totals in step with them. */
template <int M, int N>
LS_DEVICE void softmax(float (&scores)[M][8][4], float scale, float (&max)[M][2], float (&sum)[M][2], float (&out)[M][N][4]) {
    LS_UNROLL
    for (int m = 0; m < M; m++) {
        LS_UNROLL
        for (int half = 0; half < 2; half++) {
            float most = max[m][half];
            LS_UNROLL
            for (int n = 0; n < 8; n++) {
                most = fmaxf(most, fmaxf(scores[m][n][2 * half], scores[m][n][2 * half + 1]));
            }
            most = row_max(most);
            /* No key yet: −∞ − −∞ would be NaN. */
            float base = most == -INF ? 0 : most * scale;
            float rescale = exp2_fast(fmaf(max[m][half], scale, -base));
            float total = sum[m][half] * rescale;
            LS_UNROLL
            for (int n = 0; n < 8; n++) {
                LS_UNROLL
                for (int i = 2 * half; i < 2 * half + 2; i++) {
                    scores[m][n][i] = exp2_fast(fmaf(scores[m][n][i], scale, -base));
                    total += scores[m][n][i];
                }
            }
            LS_UNROLL
            for (int n = 0; n < N; n++) {
                out[m][n][2 * half] *= rescale;
                out[m][n][2 * half + 1] *= rescale;
            }
            max[m][half] = most;
            sum[m][half] = total;
        }
    }
}

template <class T, int M, int OUT> LS_KERNEL_OF(THREADS, 1) attention_forward(Params p, Cut cut) {
    using F = Forward<T, M, OUT>;
    /* The last tiles first: where causal they take longest. */
    int from = (cut.tiles - 1 - block_x() % cut.tiles) * F::ROWS, batch = block_y();
    if (from >= p.tasks[block_x() / cut.tiles].queries) {
        return;
    }
    Place<T> &place = *shared_memory<Place<T>>();
    const Task &task = place.load(p, block_x() / cut.tiles, batch, p.value_dim, block_z() % cut.slices, F::PANELS);
    F f{p, cut, task, from};
    const int &key_panels = place.score_panels, &value_panels = place.sum_panels, &first_value = place.first_sum;
    Interval *rows = reinterpret_cast<Interval *>(shared_memory<unsigned char>() + PLACE_BYTES);
    Ring<STAGES> ring{shared_memory<unsigned char>() + PLACE_BYTES + F::ROWS * sizeof(Interval), PANEL_BYTES};
    unsigned char *shared_queries = ring.memory + STAGES * PANEL_BYTES;
    for (int panel = 0; panel < key_panels; panel++) {
        load_panel<F::ROWS, THREADS>(shared_queries + panel * F::ROWS * ROW_BYTES, place.queries, from, panel);
    }
    if (thread_index() < F::ROWS) {
        rows[thread_index()] = visible_or_last(p, task, batch, from + thread_index());
    }
    barrier();
    Sight block = Sight::of(rows, 0, F::ROWS);
    Sight own = Sight::of(rows, f.warp_row(), 16 * M);
    if (lane() == 0) {
        place.warps[warp()] = own;
    }
    warp_barrier();
    const Sight &warps = place.warps[warp()];
    int first_tile = block.least_first / COLUMNS, end_tile = (block.greatest_end + COLUMNS - 1) / COLUMNS;
    if (cut.splits > 1) {
        int share = end_tile > first_tile ? (end_tile - first_tile + cut.splits - 1) / cut.splits : 0;
        first_tile += share * f.split();
        end_tile = first_tile + share < end_tile ? first_tile + share : end_tile;
    }
    auto query_epoch = [&](int t) { return epoch_of(p, cut.inverse_epoch, p.first_query + query_rows(task).at(t)); };
    if (thread_index() == 0) {
        place.end_tile = end_tile;
        place.origin = p.epoch > 0 ? query_epoch(from) : 0;
    }
    barrier();

    auto ask = [&](unsigned char *to, int tile, int panel) {
        if (panel >= key_panels + value_panels) {
            panel -= key_panels + value_panels;
            tile++;
        }
        if (tile < place.end_tile) {
            bool key = panel < key_panels;
            load_panel<COLUMNS, THREADS>(to, key ? place.keys : place.values, tile * COLUMNS,
                                         key ? panel : first_value + panel - key_panels);
        }
    };
    if (p.epoch > 0 || p.scale < 0) {
        commit_copies();
        wait_for_copies<0>();
        barrier();
        for (int panel = 0; panel < key_panels; panel++) {
            unsigned char *at = shared_queries + panel * F::ROWS * ROW_BYTES;
            scale_panel<F::ROWS, THREADS>(at, place.queries, from, panel, [&](int t, int d) {
                return (p.scale < 0 ? -1.0f : 1.0f) * (p.epoch > 0 ? decay(p, d, query_epoch(t) - place.origin) : 1.0f);
            });
        }
    }
    ring.begin(first_tile, ask);

    /* max·scale must order as scores do, also where the scale is 0. */
    float scale = fmaxf((float)fabs(p.scale) * LOG2_E, 1e-30f);
    float out[M][OUT / 8][4] = {}, max[M][2], sum[M][2] = {};
    for (int m = 0; m < M; m++) {
        max[m][0] = max[m][1] = -INF;
    }
    LS_ROLLED
    for (int tile = first_tile; tile < place.end_tile; tile++) {
        int key = tile * COLUMNS;
        bool seen = warps.any(key, COLUMNS);
        float scores[M][8][4] = {};
        LS_ROLLED
        for (int panel = 0; panel < key_panels; panel++) {
            unsigned char *at = ring.take(tile, panel, ask);
            if (p.epoch > 0) {
                scale_panel<COLUMNS, THREADS>(at, place.keys, key, panel, [&](int t, int d) {
                    return decay(p, d, place.origin - epoch_of(p, cut.inverse_epoch, key_positions(task).at(t)));
                });
                barrier();
            }
            if (seen) {
                const unsigned char *of = shared_queries + panel * F::ROWS * ROW_BYTES;
                add_scores<T, M>(scores, of, f.warp_row(), at, steps_of<T>((int)p.dim, panel));
            }
        }
        if (seen) {
            f.hide(scores, rows, warps, key);
            softmax(scores, scale, max, sum, out);
        }
        Weights<T, M> weights(scores);
        if (p.drop_rate > 0 && seen) { /* what all that is kept is multiplied by can wait for the end */
            LS_UNROLL
            for (int m = 0; m < M; m++) {
                weights.keep(m, f.corner(m, key).undropped_bits());
            }
        }
        LS_UNROLL
        for (int panel = 0; panel < F::PANELS; panel++) {
            if (panel < value_panels) {
                unsigned char *at = ring.take(tile, key_panels + panel, ask);
                if (seen) {
                    add_weighted<T, M>(out, panel * TILES<T>, weights, at);
                }
            }
        }
    }
    wait_for_copies<0>();
    for (int m = 0; m < M; m++) {
        sum[m][0] = row_sum(sum[m][0]);
        sum[m][1] = row_sum(sum[m][1]);
    }
    if (cut.splits > 1) {
        f.keep(out, max, sum, scale);
    } else {
        f.merge(out, max, sum, scale);
    }
}

/* Blocks that a device has work for: fewer of them get their keys split. */
constexpr int64_t ENOUGH_BLOCKS = 256, MOST_SPLITS = 32;

template <class T, int M, int OUT> Cut cut_of(const Params &p) {
    int64_t tiles = (p.most_queries + 64 * M - 1) / (64 * M), slices = (p.value_dim + OUT - 1) / OUT;
    int64_t blocks = tiles * p.task_count * p.batch * slices, splits = 1;
    /* Splits of fewer than 256 keys would cost more to merge than they save. */
    while (splits < MOST_SPLITS && blocks * splits < ENOUGH_BLOCKS && p.most_keys >= splits * 2 * 256) {
        splits *= 2;
    }
    return {(int)tiles, (int)(slices < 1 ? 1 : slices), (int)splits, nullptr, nullptr, p.epoch > 0 ? 1.0 / (double)p.epoch : 0};
}

template <class T, int M, int OUT> ls_status run(const Params &p, void *stream) {
    Cut cut = cut_of<T, M, OUT>(p);
    float *scratch = static_cast<float *>(p.scratch);
    if (cut.splits > 1) {
        cut.partial = scratch;
    } else if (cut.slices > 1) {
        cut.earlier = scratch;
        LS_TRY(keep_lse(p, scratch, stream));
    }
    int64_t shared = PLACE_BYTES + panels<T>(p.dim) * 64 * M * ROW_BYTES + STAGES * PANEL_BYTES + 64 * M * (int64_t)sizeof(Interval);
    Grid grid{p.task_count * cut.tiles, p.batch, (int64_t)cut.slices * cut.splits};
    LS_TRY(LS_LAUNCH((attention_forward<T, M, OUT>), grid, THREADS, shared, stream, p, cut));
    return cut.splits > 1 ? merge_splits(p, cut, stream) : LS_OK;
}

template <class T, int M, int OUT> int64_t scratch_of(const Params &p) {
    Cut cut = cut_of<T, M, OUT>(p);
    int64_t rows = p.batch * p.heads * p.queries;
    return (cut.splits > 1 ? cut.splits * rows * (p.value_dim + 2) : cut.slices > 1 ? rows : 0) * (int64_t)sizeof(float);
}

/* Calls with the kernel's shape: 32 queries a warp where there are enough of them, so that a fragment of keys serves two products. */
template <class Call> auto with_shape(const Params &p, Call call) {
    bool narrow = p.value_dim <= 64;
    if (!p.half) {
        return call.template operator()<float, 1, 64>();
    }
    if (p.most_queries <= 64) {
        return call.template operator()<bf16, 1, 128>();
    }
    return narrow ? call.template operator()<bf16, 2, 64>() : call.template operator()<bf16, 2, 128>();
}

} // namespace

int64_t forward_scratch(const Params &p) {
    return with_shape(p, [&]<class T, int M, int OUT>() { return scratch_of<T, M, OUT>(p); });
}

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_attention(const ls_cuda_attention_params *params, void *stream) {
    const Params &p = *params;
    LS_TRY(check_attention(__func__, p));
    if (p.task_count == 0 || p.most_queries == 0 || p.batch == 0) {
        return LS_OK;
    }
    if (p.most_queries > 64 && hopper_serves(p)) {
        return attention_by_hopper(p, stream);
    }
    return with_shape(p, [&]<class T, int M, int OUT>() { return run<T, M, OUT>(p, stream); });
}
