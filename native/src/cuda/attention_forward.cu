#include "attention_forward.h"

/*
 * Softmax attention by an online softmax over tiles of 64 keys. Dao, arXiv 2307.08691. To 128 values (64 of float32) a warp has
 * 16·M queries of its own. For more of them eight warps share their probabilities, and a block has sums of 512 values: a query and
 * a key take 2 · (⌈Dv / 512⌉ · D + Dv) FLOP, for 256 / 2,048 6.1 KFLOP where one tile of scores for all values would take 4.6, and
 * slices of 128 values 12.3. A tile loads 64 · (D + 512) elements for 64 queries, 32 of float32: at D = 256 64 FLOP a byte of
 * bfloat16, and 16 of float32, from the cache.
 *
 * A branch at a time, merged into out and lse: per head and token of LongNet's paper schedule (five branches that keep 1 + 1/2 +
 * 1/4 + 1/6 + 1/12 = 2 rows of each token; D = 64, bfloat16) 2 · (Q, K, V 384 B + out 256 B read and written + lse 8 B) = 1.3 KB.
 * One online softmax over all branches reads Q once and writes out once: 128 + 2 · 256 + 128 + 4 = 0.8 KB. Either way 4 · D · 2,133
 * = 546 KFLOP, hundreds of FLOP a byte, where an H200 needs 206: products bound both, and only a branch at a time gives a block 128
 * queries of one phase that share all their keys. Queries of different phases share none.
 */
namespace ls::cuda {

namespace {

template <class S> LS_KERNEL_OF(S::THREADS, 1) attention_forward(Params p, Cut cut) {
    using T = typename S::T;
    constexpr int M = S::M, SIDES = S::SIDES;
    /* The last tiles first: where causal they take longest. */
    int from = (cut.tiles - 1 - block_x() % cut.tiles) * S::ROWS, batch = block_y();
    if (from >= p.tasks[block_x() / cut.tiles].queries) {
        return;
    }
    Place<T> &place = *shared_memory<Place<T>>();
    const Task &task = place.load(p, block_x() / cut.tiles, batch);
    Forward<S> f{p, cut, task, from};
    const int key_panels = panels<T>(p.dim);
    Interval *rows = reinterpret_cast<Interval *>(shared_memory<unsigned char>() + PLACE_BYTES);
    Ring<S::STAGES> ring{shared_memory<unsigned char>() + PLACE_BYTES + S::ROWS * sizeof(Interval), S::PANELS * PANEL_BYTES};
    unsigned char *shared_queries = ring.memory + S::STAGES * S::PANELS * PANEL_BYTES;
    SharedWeights<T> shared_weights{shared_queries + key_panels * S::ROWS * ROW_BYTES};
    float *sides = reinterpret_cast<float *>(shared_weights.memory + S::WEIGHTS_BYTES);
    for (int panel = 0; panel < key_panels; panel++) {
        load_panel<S::ROWS, S::THREADS>(shared_queries + panel * S::ROWS * ROW_BYTES, place.queries, from, panel);
    }
    if (thread_index() < S::ROWS) {
        rows[thread_index()] = visible_or_last(p, task, batch, from + thread_index());
    }
    barrier();
    Sight block = Sight::of(rows, 0, S::ROWS);
    Sight own = Sight::of(rows, S::row(), 16 * M);
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
    auto key_factor = [&](int t, int d) {
        return decay(p, d, place.origin - epoch_of(p, cut.inverse_epoch, key_positions(task).at(t)));
    };
    auto query_epoch = [&](int t) { return epoch_of(p, cut.inverse_epoch, p.first_query + query_rows(task).at(t)); };
    if (thread_index() == 0) {
        place.end_tile = end_tile;
        place.origin = p.epoch > 0 ? query_epoch(from) : 0;
        place.score_stages = S::stages(key_panels);
        place.first_sum = f.slice() * S::SUM_STAGES;
        int left = S::stages(panels<T>(p.value_dim)) - place.first_sum;
        place.sum_stages = left < S::SUM_STAGES ? left : S::SUM_STAGES;
    }
    barrier();

    auto ask = [&](unsigned char *to, int tile, int stage) {
        if (stage >= place.score_stages + place.sum_stages) {
            stage -= place.score_stages + place.sum_stages;
            tile++;
        }
        if (tile < place.end_tile) {
            bool key = stage < place.score_stages;
            int first = key ? stage : place.first_sum + stage - place.score_stages;
            const Operand<T> &of = key ? place.keys : place.values;
            LS_UNROLL
            for (int i = 0; i < S::PANELS; i++) {
                load_panel<COLUMNS, S::THREADS>(to + i * PANEL_BYTES, of, tile * COLUMNS, first * S::PANELS + i);
            }
        }
    };
    if (p.epoch > 0 || p.scale < 0) {
        commit_copies();
        wait_for_copies<0>();
        barrier();
        for (int panel = 0; panel < key_panels; panel++) {
            unsigned char *at = shared_queries + panel * S::ROWS * ROW_BYTES;
            scale_panel<S::ROWS, S::THREADS>(at, place.queries, from, panel, [&](int t, int d) {
                return (p.scale < 0 ? -1.0f : 1.0f) * (p.epoch > 0 ? decay(p, d, query_epoch(t) - place.origin) : 1.0f);
            });
        }
    }
    ring.begin(first_tile, ask);

    /* max·scale must order as scores do, also where the scale is 0. */
    float scale = fmaxf((float)fabs(p.scale) * LOG2_E, 1e-30f);
    float out[M][S::SUMS][4] = {}, max[M][2], sum[M][2] = {};
    for (int m = 0; m < M; m++) {
        max[m][0] = max[m][1] = -INF;
    }
    LS_ROLLED
    for (int tile = first_tile; tile < place.end_tile; tile++) {
        bool seen = warps.any(tile * COLUMNS, COLUMNS);
        float scores[M][S::KEYS / 8][4] = {};
        LS_ROLLED
        for (int stage = 0; stage < place.score_stages; stage++) {
            unsigned char *at = ring.take(tile, stage, ask);
            if (p.epoch > 0) {
                for (int i = 0; i < S::PANELS; i++) {
                    scale_panel<COLUMNS, S::THREADS>(at + i * PANEL_BYTES, place.keys, tile * COLUMNS, stage * S::PANELS + i, key_factor);
                }
                barrier();
            }
            LS_UNROLL
            for (int i = 0; i < S::PANELS; i++) {
                int panel = stage * S::PANELS + i, steps = steps_of<T>((int)p.dim, panel);
                if (seen && steps > 0) {
                    add_scores<T>(scores, shared_queries + panel * S::ROWS * ROW_BYTES, S::row(), at + i * PANEL_BYTES,
                                  S::side() * S::KEYS, steps);
                }
            }
        }
        if (seen) {
            f.hide(scores, rows, warps, tile);
        }
        if constexpr (SIDES == 1) {
            if (seen) {
                softmax(scores, [&](int m, int half) { return greatest(scores[m], half, max[m][half]); }, scale, max, sum, out);
            }
        } else {
            float most[M][2];
            LS_UNROLL
            for (int i = 0; i < 2 * M; i++) {
                most[i / 2][i % 2] = greatest(scores[i / 2], i % 2, max[i / 2][i % 2]);
            }
            join_sides<S>(sides, most, [](float a, float b) { return fmaxf(a, b); });
            if (seen) {
                softmax(scores, [&](int m, int half) { return most[m][half]; }, scale, max, sum, out);
            }
        }
        auto add_values = [&](const auto &weights) {
            LS_UNROLL
            for (int stage = 0; stage < S::SUM_STAGES; stage++) {
                if (stage < place.sum_stages) {
                    unsigned char *at = ring.take(tile, place.score_stages + stage, ask);
                    LS_UNROLL
                    for (int i = 0; i < S::OWN; i++) {
                        int column = S::unit(i);
                        if (seen && (place.first_sum + stage) * S::WIDE + column < p.value_dim) {
                            add_weighted<T, S::UNIT / 8>(out, (stage * S::OWN + i) * S::UNIT / 8, weights,
                                                         at + column / WIDTH<T> * PANEL_BYTES, column % WIDTH<T>);
                        }
                    }
                }
            }
        };
        /* What all that dropout keeps is multiplied by can wait for the end. */
        bool drops = p.drop_rate > 0 && seen;
        if constexpr (SIDES == 1) {
            Weights<T, M> weights(scores);
            if (drops) {
                LS_UNROLL
                for (int m = 0; m < M; m++) {
                    weights.keep(m, f.corner(m, tile).undropped_bits());
                }
            }
            add_values(weights);
        } else {
            if (drops) {
                LS_UNROLL
                for (int m = 0; m < M; m++) {
                    keep_bits(scores[m], f.corner(m, tile).undropped_bits());
                }
            }
            shared_weights.put(S::operand(), S::side(), scores);
            barrier();
            Fetched<T, M> weights;
            weights.fetch(shared_weights, S::operand());
            add_values(weights);
        }
    }
    wait_for_copies<0>();
    for (int m = 0; m < M; m++) {
        sum[m][0] = row_sum(sum[m][0]);
        sum[m][1] = row_sum(sum[m][1]);
    }
    if constexpr (SIDES > 1) {
        barrier();
        join_sides<S>(sides, sum, [](float a, float b) { return a + b; });
    }
    if (cut.splits > 1) {
        f.keep(out, max, sum, scale);
    } else {
        f.merge(out, max, sum, scale);
    }
}

/* Blocks that a device has work for: fewer of them get their keys split. */
constexpr int64_t ENOUGH_BLOCKS = 256, MOST_SPLITS = 32;

template <class S> Cut cut_of(const Params &p) {
    int64_t tiles = (p.most_queries + S::ROWS - 1) / S::ROWS, slices = (p.value_dim + S::OUT - 1) / S::OUT;
    int64_t blocks = tiles * p.task_count * p.batch * slices, splits = 1;
    /* Splits of fewer than 256 keys would cost more to merge than they save. */
    while (splits < MOST_SPLITS && blocks * splits < ENOUGH_BLOCKS && p.most_keys >= splits * 2 * 256) {
        splits *= 2;
    }
    return {(int)tiles, (int)(slices < 1 ? 1 : slices), (int)splits, nullptr, nullptr, p.epoch > 0 ? 1.0 / (double)p.epoch : 0};
}

template <class S> ls_status run(const Params &p, void *stream) {
    Cut cut = cut_of<S>(p);
    float *scratch = static_cast<float *>(p.scratch);
    if (cut.splits > 1) {
        cut.partial = scratch;
    } else if (cut.slices > 1) {
        cut.earlier = scratch;
        LS_TRY(keep_lse(p, scratch, stream));
    }
    int64_t shared = PLACE_BYTES + S::ROWS * (int64_t)sizeof(Interval) + S::STAGES * S::PANELS * PANEL_BYTES +
                     panels<typename S::T>(p.dim) * S::ROWS * ROW_BYTES;
    shared += S::SIDES == 1 ? 0 : S::WEIGHTS_BYTES + S::SIDES * S::ROWS * (int64_t)sizeof(float);
    Grid grid{p.task_count * cut.tiles, p.batch, (int64_t)cut.slices * cut.splits};
    LS_TRY(LS_LAUNCH(attention_forward<S>, grid, S::THREADS, shared, stream, p, cut));
    return cut.splits > 1 ? merge_splits(p, cut, stream) : LS_OK;
}

template <class S> int64_t scratch_of(const Params &p) {
    Cut cut = cut_of<S>(p);
    int64_t rows = p.batch * p.heads * p.queries;
    return (cut.splits > 1 ? cut.splits * rows * (p.value_dim + 2) : cut.slices > 1 ? rows : 0) * (int64_t)sizeof(float);
}

/* Calls with the kernel's shape: 32 queries a warp where there are enough of them, so that a fragment of keys serves two products. */
template <class Call> auto with_shape(const Params &p, Call call) {
    if (p.value_dim > (p.half ? 128 : 64)) {
        return p.half ? call.template operator()<Sharing<bf16, 512>>() : call.template operator()<Sharing<float, 512>>();
    }
    if (!p.half) {
        return call.template operator()<Shape<float, 64, 1, 1, 4>>();
    }
    if (p.most_queries <= 64) {
        return call.template operator()<Shape<bf16, 128, 1, 1, 4>>();
    }
    return p.value_dim <= 64 ? call.template operator()<Shape<bf16, 64, 2, 1, 4>>()
                             : call.template operator()<Shape<bf16, 128, 2, 1, 4>>();
}

} // namespace

int64_t forward_scratch(const Params &p) {
    return with_shape(p, [&]<class S>() { return scratch_of<S>(p); });
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
    return with_shape(p, [&]<class S>() { return run<S>(p, stream); });
}
