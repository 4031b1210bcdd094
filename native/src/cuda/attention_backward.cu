#include "attention_gradient.h"

/*
 * Weights are computed again from the final log-sum-exp: dV = Pᵀ dOut, dS = P ∘ (dOut Vᵀ − δ), dQ = scale · dS K and
 * dK = scale · dSᵀ Q. A block owns rows of dQ, or of dK and dV, and passes over the others, so that sums have one order and need no
 * atomics: seven products of tiles (S, dP and dQ, then S, dP, dK and dV) where five would do with atomics. Dao, arXiv 2307.08691.
 *
 * FLOP of a query and a key: 2 · (2D + Dv) for dQ. Of dK and dV side by side a block has up to 384 columns, as many as registers
 * hold, and only the first 384 need dP: 2 · ((⌈(D + Dv) / 384⌉ + 1) · D + 2Dv). Together 14 D for Dv = D ≤ 128, and 16.9 KFLOP for
 * 256 / 2,048.
 */
namespace ls::cuda {

namespace {

enum class Of { QUERIES, KEYS, DELTAS };

/* Queries of a block's rows, or of two tiles of columns. */
constexpr int QUERIES_BYTES = 2 * COLUMNS * (int)sizeof(Query);

template <class S, Of OF> LS_KERNEL_OF(S::THREADS, 1) attention_gradient(Params p, Plan plan) {
    using T = typename S::T;
    constexpr bool OF_QUERIES = OF != Of::KEYS;
    constexpr int M = S::M, SUM_STAGES = OF == Of::DELTAS ? 0 : S::SUM_STAGES, ROW_STAGE_BYTES = S::PANELS * S::ROWS * ROW_BYTES;
    int from = block_x() % plan.tiles * S::ROWS, batch = block_y();
    const Task &given = p.tasks[block_x() / plan.tiles];
    if (from >= (OF_QUERIES ? given.queries : given.keys)) {
        return;
    }
    Place<T> &place = *shared_memory<Place<T>>();
    const Task &task = place.load(p, block_x() / plan.tiles, batch);
    const Operand<T> &rows = OF_QUERIES ? place.queries : place.keys, &columns = OF_QUERIES ? place.keys : place.queries;
    const Operand<T> &row_values = OF_QUERIES ? place.outputs : place.values;
    const Operand<T> &column_values = OF_QUERIES ? place.values : place.outputs;
    Query *queries = reinterpret_cast<Query *>(shared_memory<unsigned char>() + PLACE_BYTES);
    SharedWeights<T> gradients{shared_memory<unsigned char>() + PLACE_BYTES + QUERIES_BYTES};
    SharedWeights<T> probabilities{gradients.memory + S::WEIGHTS_BYTES};
    Ring<S::STAGES> ring{probabilities.memory + S::WEIGHTS_BYTES, plan.stage_bytes};
    unsigned char *resident = ring.memory + S::STAGES * plan.stage_bytes;

    /* Tiles of columns that any row sees, or that see any row. */
    int first_tile, end_tile;
    if (OF_QUERIES) {
        if (thread_index() < S::ROWS) {
            queries[thread_index()] = query_of(p, plan, task, batch, from + thread_index());
        }
        barrier();
        Interval first = queries[0].seen, last = queries[S::ROWS - 1].seen;
        first_tile = first.first / COLUMNS;
        end_tile = (last.end + COLUMNS - 1) / COLUMNS;
    } else {
        const Interval *seen = plan.intervals + (batch * p.heads + task.head) * p.queries;
        Rows at = query_rows(task);
        first_tile = first_past((int)task.queries, [&](int t) { return seen[at.at(t)].end > from; }) / COLUMNS;
        end_tile = first_past((int)task.queries, [&](int t) { return seen[at.at(t)].first >= from + S::ROWS; });
        end_tile = (end_tile + COLUMNS - 1) / COLUMNS;
    }

    /* Of KEYS the columns are those of dK, from a stage of their own on those of dV. */
    const int score_stages = S::stages(panels<T>(p.dim)), value_stages = S::stages(panels<T>(p.value_dim));
    if (thread_index() == 0) {
        place.end_tile = end_tile;
        place.origin = p.epoch == 0 ? 0
                                    : epoch_of(p, plan.inverse_epoch, OF_QUERIES ? p.first_query + query_rows(task).at(from)
                                                                                 : key_positions(task).at(from));
        place.score_stages = score_stages;
        place.first_sum = block_z() * SUM_STAGES;
        place.product_stages = place.first_sum < score_stages ? value_stages : 0;
        int left = score_stages + (OF_QUERIES ? 0 : value_stages) - place.first_sum;
        place.sum_stages = left < SUM_STAGES ? left : SUM_STAGES;
    }
    barrier();
    auto query_factor = [&](int t, int d) {
        return decay(p, d, epoch_of(p, plan.inverse_epoch, p.first_query + query_rows(task).at(t)) - place.origin);
    };
    auto key_factor = [&](int t, int d) {
        return decay(p, d, place.origin - epoch_of(p, plan.inverse_epoch, key_positions(task).at(t)));
    };
    auto row_factor = [&](int t, int d) { return OF_QUERIES ? query_factor(t, d) : key_factor(t, d); };
    auto column_factor = [&](int t, int d) { return OF_QUERIES ? key_factor(t, d) : query_factor(t, d); };

    auto load_rows_of = [&](unsigned char *to, int stage) {
        bool score = stage < place.score_stages;
        for (int i = 0; i < S::PANELS; i++) {
            load_panel<S::ROWS, S::THREADS>(to + i * S::ROWS * ROW_BYTES, score ? rows : row_values, from,
                                            (score ? stage : stage - place.score_stages) * S::PANELS + i);
        }
    };
    auto scale_rows = [&](unsigned char *at, int stage) {
        for (int i = 0; i < S::PANELS; i++) {
            scale_panel<S::ROWS, S::THREADS>(at + i * S::ROWS * ROW_BYTES, rows, from, stage * S::PANELS + i, row_factor);
        }
    };
    auto scale_columns = [&](unsigned char *at, int tile, int stage) {
        for (int i = 0; i < S::PANELS; i++) {
            scale_panel<COLUMNS, S::THREADS>(at + i * PANEL_BYTES, columns, tile * COLUMNS, stage * S::PANELS + i, column_factor);
        }
    };
    for (int stage = 0; stage < plan.resident; stage++) {
        load_rows_of(resident + stage * ROW_STAGE_BYTES, stage);
    }
    if (p.epoch > 0) {
        commit_copies();
        wait_for_copies<0>();
        barrier();
        for (int stage = 0; stage < plan.resident && stage < place.score_stages; stage++) {
            scale_rows(resident + stage * ROW_STAGE_BYTES, stage);
        }
    }

    /* A tile's stages: those of the scores, of dP, and of what is weighted. */
    auto ask = [&](unsigned char *to, int tile, int stage) {
        const int products = place.score_stages + place.product_stages, all = products + place.sum_stages;
        if (stage >= all) {
            stage -= all;
            tile++;
        }
        if (tile < place.end_tile) {
            int of = stage < products ? stage : place.first_sum + stage - products;
            bool score = of < place.score_stages;
            for (int i = 0; i < S::PANELS; i++) {
                load_panel<COLUMNS, S::THREADS>(to + i * PANEL_BYTES, score ? columns : column_values, tile * COLUMNS,
                                                (score ? of : of - place.score_stages) * S::PANELS + i);
            }
            if (stage < products && stage >= plan.resident) {
                load_rows_of(to + S::PANELS * PANEL_BYTES, stage);
            }
        }
    };
    ring.begin(first_tile, ask);

    [[maybe_unused]] float sums[M][S::SUMS][4] = {};
    [[maybe_unused]] Sums<S> delta_sums;
    LS_ROLLED
    for (int tile = first_tile; tile < place.end_tile; tile++) {
        const int row = from + S::row(), column = tile * COLUMNS + S::side() * S::KEYS;
        const Query *block_queries = queries + (OF_QUERIES ? 0 : tile % 2 * COLUMNS);
        const Query *own_queries = block_queries + (OF_QUERIES ? S::row() : S::side() * S::KEYS);
        if (!OF_QUERIES && thread_index() < COLUMNS) {
            queries[tile % 2 * COLUMNS + thread_index()] = query_of(p, plan, task, batch, tile * COLUMNS + thread_index());
        }
        float scores[M][S::KEYS / 8][4] = {}, products[M][S::KEYS / 8][4] = {};
        bool seen = false;
        auto multiply_stage = [&](float (&to)[M][S::KEYS / 8][4], int stage, const unsigned char *of, const unsigned char *at,
                                  int dim) {
            LS_UNROLL
            for (int i = 0; i < S::PANELS; i++) {
                int steps = steps_of<T>(dim, stage * S::PANELS + i);
                if (steps > 0) {
                    add_scores<T>(to, of + i * S::ROWS * ROW_BYTES, S::row(), at + i * PANEL_BYTES, S::side() * S::KEYS, steps);
                }
            }
        };
        auto rows_of = [&](unsigned char *at, int stage) {
            return stage < plan.resident ? resident + stage * ROW_STAGE_BYTES : at + S::PANELS * PANEL_BYTES;
        };
        LS_ROLLED
        for (int stage = 0; stage < place.score_stages; stage++) {
            unsigned char *at = ring.take(tile, stage, ask), *of = rows_of(at, stage);
            /* Intervals only advance: a tile's first and last query say it for all. */
            const Query &first = block_queries[OF_QUERIES ? S::row() : 0];
            const Query &last = block_queries[OF_QUERIES ? S::row() + 16 * M - 1 : COLUMNS - 1];
            int key = OF_QUERIES ? tile * COLUMNS : row, keys = OF_QUERIES ? COLUMNS : 16 * M;
            seen = row < rows.count && first.seen.first < key + keys && last.seen.end > key;
            if (p.epoch > 0) {
                scale_columns(at, tile, stage);
                if (stage >= plan.resident) {
                    scale_rows(of, stage);
                }
                barrier();
            }
            if (seen) {
                multiply_stage(scores, stage, of, at, (int)p.dim);
            }
        }
        LS_ROLLED
        for (int stage = 0; stage < place.product_stages; stage++) {
            unsigned char *at = ring.take(tile, place.score_stages + stage, ask), *of = rows_of(at, place.score_stages + stage);
            if (seen) {
                multiply_stage(products, stage, of, at, (int)p.value_dim);
            }
        }
        if (seen) {
            LS_UNROLL
            for (int m = 0; m < M; m++) {
                const Query *of = own_queries + (OF_QUERIES ? m * 16 : 0);
                Corner<OF_QUERIES, S::KEYS / 2> corner{p, task, batch, row + m * 16, column};
                weigh<OF_QUERIES>(corner, of, scores[m]);
                uint32_t kept = p.drop_rate > 0 ? corner.undropped_bits() : 0;
                if (p.drop_rate > 0) {
                    keep_bits(products[m], kept);
                    LS_UNROLL
                    for (int i = 0; i < S::KEYS / 2; i++) {
                        products[m][i / 4][i % 4] *= kept_factor(p);
                    }
                }
                if constexpr (OF == Of::DELTAS) {
                    delta_sums.add(m, scores[m], products[m], of);
                } else {
                    find_gradients<OF_QUERIES>(of, scores[m], products[m]);
                    if (p.drop_rate > 0) {
                        keep_bits(scores[m], kept);
                    }
                }
            }
        }
        if constexpr (OF != Of::DELTAS) {
            gradients.put(S::operand(), S::side(), products);
            if (OF == Of::KEYS) {
                probabilities.put(S::operand(), S::side(), scores);
            }
            Fetched<T, M> weights;
            LS_UNROLL
            for (int stage = 0; stage < SUM_STAGES; stage++) {
                if (stage < place.sum_stages) {
                    unsigned char *at = ring.take(tile, place.score_stages + place.product_stages + stage, ask);
                    const int of = place.first_sum + stage, values = of - place.score_stages;
                    if (stage == 0 || values == 0) {
                        weights.fetch(values < 0 ? gradients : probabilities, S::operand());
                    }
                    if (p.epoch > 0 && values < 0) {
                        scale_columns(at, tile, of);
                        barrier();
                    }
                    LS_UNROLL
                    for (int i = 0; i < S::OWN; i++) {
                        int of_stage = S::unit(i), d = (values < 0 ? of : values) * S::WIDE + of_stage;
                        if (seen && d < (values < 0 ? p.dim : p.value_dim)) {
                            add_weighted<T, S::UNIT / 8>(sums, (stage * S::OWN + i) * S::UNIT / 8, weights,
                                                         at + of_stage / WIDTH<T> * PANEL_BYTES, of_stage % WIDTH<T>);
                        }
                    }
                }
            }
        }
    }
    wait_for_copies<0>();

    if constexpr (OF == Of::DELTAS) {
        barrier();
        delta_sums.store(p, plan.centre, task, batch, from, queries, reinterpret_cast<float *>(gradients.memory));
    } else {
        LS_UNROLL
        for (int i = 0; i < 2 * M; i++) {
            int t = from + S::row() + i * 8 + lane() / 4;
            if (t >= rows.count) {
                continue;
            }
            int64_t place_of = (OF_QUERIES ? query_rows(task) : key_rows(task)).at(t);
            float *scored = OF_QUERIES ? p.dq + batch * p.dq_batch + task.head * p.dq_head + place_of * p.dq_row
                                       : p.dk + batch * p.dk_batch + task.head * p.dk_head + place_of * p.dk_row;
            float *weighted = p.dv + batch * p.dv_batch + task.head * p.dv_head + place_of * p.dv_row;
            LS_UNROLL
            for (int n = 0; n < S::SUMS; n++) {
                int d = place.first_sum * S::WIDE + S::unit(n * 8 / S::UNIT) + n * 8 % S::UNIT + lane() % 4 * 2;
                bool values = d >= place.score_stages * S::WIDE;
                d -= values ? place.score_stages * S::WIDE : 0;
                LS_UNROLL
                for (int j = 0; j < 2; j++) {
                    float sum = sums[i / 2][n][i % 2 * 2 + j];
                    if (!values && d + j < p.dim) {
                        float factor = p.epoch > 0 ? (float)p.scale * row_factor(t, d + j) : (float)p.scale;
                        scored[d + j] = fmaf(sum, factor, scored[d + j]);
                    } else if (!OF_QUERIES && values && d + j < p.value_dim) {
                        weighted[d + j] = fmaf(sum, p.drop_rate > 0 ? kept_factor(p) : 1.0f, weighted[d + j]);
                    }
                }
            }
        }
    }
}

template <class S, Of OF> ls_status run(const Params &p, bool centre, void *stream) {
    using T = typename S::T;
    int64_t tiles = ((OF == Of::KEYS ? p.most_keys : p.most_queries) + S::ROWS - 1) / S::ROWS;
    int score_stages = S::stages(panels<T>(p.dim)), value_stages = S::stages(panels<T>(p.value_dim));
    int sums = OF == Of::KEYS ? score_stages + value_stages : score_stages;
    int64_t slices = OF == Of::DELTAS ? 1 : (sums + S::SUM_STAGES - 1) / S::SUM_STAGES;
    int fixed = PLACE_BYTES + QUERIES_BYTES + 2 * S::WEIGHTS_BYTES, stage = S::PANELS * PANEL_BYTES;
    constexpr int ROW_STAGE_BYTES = S::PANELS * S::ROWS * ROW_BYTES;
    int room = (MOST_SHARED - fixed - S::STAGES * stage) / ROW_STAGE_BYTES;
    if (score_stages + value_stages > room) {
        stage += ROW_STAGE_BYTES;
        room = (MOST_SHARED - fixed - S::STAGES * stage) / ROW_STAGE_BYTES;
    }
    int resident = score_stages + value_stages < room ? score_stages + value_stages : room;
    Plan plan{(int)tiles, resident, stage, static_cast<const Interval *>(p.scratch), centre,
              p.epoch > 0 ? 1.0 / (double)p.epoch : 0};
    int64_t shared = fixed + S::STAGES * stage + resident * ROW_STAGE_BYTES;
    Grid grid{p.task_count * tiles, p.batch, slices};
    return LS_LAUNCH((attention_gradient<S, OF>), grid, S::THREADS, shared, stream, p, plan);
}

bool empty(const Params &p) { return p.task_count == 0 || p.most_queries == 0 || p.most_keys == 0 || p.batch == 0; }

ls_status run_deltas(const Params &p, bool centre, void *stream) {
    if (p.task_count == 0 || p.most_queries == 0 || p.batch == 0) {
        return LS_OK;
    }
    LS_TRY(find_intervals(p, static_cast<Interval *>(p.scratch), stream));
    return p.half ? run<Sharing<bf16, 256>, Of::DELTAS>(p, centre, stream)
                  : run<Sharing<float, 256>, Of::DELTAS>(p, centre, stream);
}

/* Both gradients, by kernels for sums as wide as these. */
template <class T> ls_status run_gradients(const Params &p, void *stream) {
    LS_TRY((run<Sharing<T, 256>, Of::QUERIES>(p, false, stream)));
    using Narrow = Sharing<T, 256>;
    bool narrow = Narrow::stages(panels<T>(p.dim)) + Narrow::stages(panels<T>(p.value_dim)) <= Narrow::SUM_STAGES;
    return narrow ? run<Narrow, Of::KEYS>(p, false, stream) : run<Sharing<T, 384>, Of::KEYS>(p, false, stream);
}

} // namespace
} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_attention_deltas(const ls_cuda_attention_params *params, void *stream) {
    LS_TRY(check_attention(__func__, *params));
    return run_deltas(*params, false, stream);
}

ls_status ls_cuda_attention_centre(const ls_cuda_attention_params *params, void *stream) {
    LS_TRY(check_attention(__func__, *params));
    return run_deltas(*params, true, stream);
}

ls_status ls_cuda_attention_backward(const ls_cuda_attention_params *params, void *stream) {
    const Params &p = *params;
    LS_TRY(check_attention(__func__, p));
    if (empty(p)) {
        return LS_OK;
    }
    LS_TRY(find_intervals(p, static_cast<Interval *>(p.scratch), stream));
    return p.half ? run_gradients<bf16>(p, stream) : run_gradients<float>(p, stream);
}
