#include "attention_gradient.h"

/*
 * Weights are computed again from the final log-sum-exp: dV = Pᵀ dOut, dS = P ∘ (dOut Vᵀ − δ), dQ = scale · dS K, dK = scale · dSᵀ Q.
 * Each gradient has its kernel, in which a block owns 128 rows of it and passes over the others, so that sums have one order and
 * need no atomics: eight products of tiles where five would do with atomics. Dao, arXiv 2307.08691.
 */
namespace ls::cuda {

namespace {

constexpr int THREADS = 256, ROWS = 128, ROW_PANEL_BYTES = ROWS * ROW_BYTES;
/* What every device from sm_80 on gives a block is 99 KiB. */
constexpr int MOST_SHARED = 98 << 10;

enum class Of { QUERIES, KEYS, VALUES, DELTAS };

constexpr int QUERIES_BYTES = ROWS * (int)sizeof(Query);

template <class T, Of OF, int OUT> LS_KERNEL_OF(THREADS, 1) attention_gradient(Params p, Plan plan) {
    constexpr bool OF_QUERIES = OF == Of::QUERIES || OF == Of::DELTAS;
    constexpr int PANELS = OF == Of::DELTAS ? 0 : OUT / WIDTH<T>;
    int from = block_x() % plan.tiles * ROWS, batch = block_y(), warp_row = warp() * 16;
    const Task &given = p.tasks[block_x() / plan.tiles];
    if (from >= (OF_QUERIES ? given.queries : given.keys)) {
        return;
    }
    Place<T> &place = *shared_memory<Place<T>>();
    const Task &task = place.load(p, block_x() / plan.tiles, batch, OF == Of::VALUES ? p.value_dim : p.dim, block_z(), PANELS);
    const Operand<T> &rows = OF_QUERIES ? place.queries : place.keys, &columns = OF_QUERIES ? place.keys : place.queries;
    const Operand<T> &row_values = OF_QUERIES ? place.outputs : place.values;
    const Operand<T> &column_values = OF_QUERIES ? place.values : place.outputs;
    const Operand<T> &weighted = OF == Of::VALUES ? place.outputs : columns;
    const int &score_panels = place.score_panels, &out_panels = place.sum_panels, &first_out = place.first_sum;
    const int product_panels = OF == Of::VALUES ? 0 : panels<T>(p.value_dim);
    Query *queries = reinterpret_cast<Query *>(shared_memory<unsigned char>() + PLACE_BYTES);
    Ring<STAGES> ring{shared_memory<unsigned char>() + PLACE_BYTES + QUERIES_BYTES, plan.stage_bytes};
    unsigned char *resident = ring.memory + STAGES * plan.stage_bytes;

    /* Tiles of columns that any row sees, or that see any row. */
    int first_tile, end_tile;
    if (OF_QUERIES) {
        if (thread_index() < ROWS) {
            queries[thread_index()] = query_of(p, plan, task, batch, from + thread_index());
        }
        barrier();
        Interval first = queries[0].seen, last = queries[ROWS - 1].seen;
        first_tile = first.first / COLUMNS;
        end_tile = (last.end + COLUMNS - 1) / COLUMNS;
    } else {
        const Interval *seen = plan.intervals + (batch * p.heads + task.head) * p.queries;
        Rows at = query_rows(task);
        first_tile = first_past((int)task.queries, [&](int t) { return seen[at.at(t)].end > from; }) / COLUMNS;
        end_tile = first_past((int)task.queries, [&](int t) { return seen[at.at(t)].first >= from + ROWS; });
        end_tile = (end_tile + COLUMNS - 1) / COLUMNS;
    }

    if (thread_index() == 0) {
        place.end_tile = end_tile;
        place.origin = p.epoch == 0 ? 0
                                    : epoch_of(p, plan.inverse_epoch, OF_QUERIES ? p.first_query + query_rows(task).at(from)
                                                                                 : key_positions(task).at(from));
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

    for (int j = 0; j < plan.resident; j++) {
        bool score = j < score_panels;
        load_panel<ROWS, THREADS>(resident + j * ROW_PANEL_BYTES, score ? rows : row_values, from, score ? j : j - score_panels);
    }
    if (p.epoch > 0) {
        commit_copies();
        wait_for_copies<0>();
        barrier();
        for (int j = 0; j < plan.resident && j < score_panels; j++) {
            scale_panel<ROWS, THREADS>(resident + j * ROW_PANEL_BYTES, rows, from, j, row_factor);
        }
    }

    auto ask = [&](unsigned char *to, int tile, int number) {
        if (number >= score_panels + product_panels + out_panels) {
            number -= score_panels + product_panels + out_panels;
            tile++;
        }
        if (tile < place.end_tile) {
            bool score = number < score_panels, product = !score && number < score_panels + product_panels;
            int panel = score ? number : product ? number - score_panels : first_out + number - score_panels - product_panels;
            load_panel<COLUMNS, THREADS>(to, score ? columns : product ? column_values : weighted, tile * COLUMNS, panel);
            if ((score || product) && number >= plan.resident) {
                load_panel<ROWS, THREADS>(to + PANEL_BYTES, score ? rows : row_values, from, panel);
            }
        }
    };
    ring.begin(first_tile, ask);

    float sums[1][OUT / 8][4] = {};
    Sums delta_sums;
    LS_ROLLED
    for (int tile = first_tile; tile < place.end_tile; tile++) {
        int column = tile * COLUMNS;
        const Query *seen_by = queries + (OF_QUERIES ? warp_row : tile % 2 * COLUMNS);
        if (!OF_QUERIES && thread_index() < COLUMNS) {
            queries[tile % 2 * COLUMNS + thread_index()] = query_of(p, plan, task, batch, column + thread_index());
        }
        float scores[1][8][4] = {}, products[1][8][4] = {};
        bool seen = false;
        LS_ROLLED
        for (int j = 0; j < score_panels; j++) {
            unsigned char *at = ring.take(tile, j, ask);
            /* Intervals only advance: a tile's first and last query say it for all. */
            seen = from + warp_row < rows.count &&
                   (OF_QUERIES ? seen_by[0].seen.first < column + COLUMNS && seen_by[15].seen.end > column
                               : seen_by[0].seen.first < from + warp_row + 16 && seen_by[COLUMNS - 1].seen.end > from + warp_row);
            unsigned char *of = j < plan.resident ? resident + j * ROW_PANEL_BYTES : at + PANEL_BYTES;
            if (p.epoch > 0) {
                scale_panel<COLUMNS, THREADS>(at, columns, column, j, column_factor);
                if (j >= plan.resident) {
                    scale_panel<ROWS, THREADS>(of, rows, from, j, row_factor);
                }
                barrier();
            }
            if (seen) {
                add_scores<T, 1>(scores, of, warp_row, at, steps_of<T>((int)p.dim, j));
            }
        }
        LS_ROLLED
        for (int j = 0; j < product_panels; j++) {
            unsigned char *at = ring.take(tile, score_panels + j, ask);
            int number = score_panels + j;
            unsigned char *of = number < plan.resident ? resident + number * ROW_PANEL_BYTES : at + PANEL_BYTES;
            if (seen) {
                add_scores<T, 1>(products, of, warp_row, at, steps_of<T>((int)p.value_dim, j));
            }
        }
        if (seen) {
            Corner<OF_QUERIES> corner{p, task, batch, from + warp_row, column};
            if (p.drop_rate > 0 && OF != Of::VALUES) {
                uint32_t kept = corner.undropped_bits();
                LS_UNROLL
                for (int i = 0; i < 32; i++) {
                    products[0][i / 4][i % 4] *= kept >> i & 1 ? kept_factor(p) : 0;
                }
            }
            weigh<OF_QUERIES, OF == Of::QUERIES || OF == Of::KEYS>(corner, seen_by, products[0], scores[0]);
            if (OF == Of::DELTAS) {
                delta_sums.add(scores[0], products[0], seen_by);
            }
        }
        Weights<T, 1> weights(scores);
        if (p.drop_rate > 0 && OF == Of::VALUES && seen) {
            weights.keep(0, Corner<OF_QUERIES>{p, task, batch, from + warp_row, column}.undropped_bits());
        }
        LS_UNROLL
        for (int panel = 0; panel < PANELS; panel++) {
            if (panel < out_panels) {
                unsigned char *at = ring.take(tile, score_panels + product_panels + panel, ask);
                if (p.epoch > 0 && OF != Of::VALUES) {
                    scale_panel<COLUMNS, THREADS>(at, weighted, column, first_out + panel, column_factor);
                    barrier();
                }
                if (seen) {
                    add_weighted<T, 1>(sums, panel * TILES<T>, weights, at);
                }
            }
        }
    }
    wait_for_copies<0>();

    if (OF == Of::DELTAS) {
        delta_sums.store(p, plan.centre, task, batch, from + warp_row, queries + warp_row);
        return;
    }
    float *to = OF == Of::QUERIES ? p.dq + batch * p.dq_batch + task.head * p.dq_head
                : OF == Of::KEYS  ? p.dk + batch * p.dk_batch + task.head * p.dk_head
                                  : p.dv + batch * p.dv_batch + task.head * p.dv_head;
    int64_t stride = OF == Of::QUERIES ? p.dq_row : OF == Of::KEYS ? p.dk_row : p.dv_row;
    LS_UNROLL
    for (int half = 0; half < 2; half++) {
        int t = from + warp_row + half * 8 + lane() / 4;
        if (t >= rows.count) {
            continue;
        }
        float *row = to + (OF_QUERIES ? query_rows(task) : key_rows(task)).at(t) * stride;
        LS_UNROLL
        for (int i = 0; i < OUT / 4; i++) {
            int d = block_z() * OUT + i / 2 * 8 + lane() % 4 * 2 + i % 2;
            if (d < weighted.dim) {
                float factor = OF == Of::VALUES ? p.drop_rate > 0 ? kept_factor(p) : 1.0f
                               : p.epoch > 0 ? (float)p.scale * row_factor(t, d) : (float)p.scale;
                row[d] = fmaf(sums[0][i / 2][half * 2 + i % 2], factor, row[d]);
            }
        }
    }
}

template <class T, Of OF, int OUT> ls_status run(const Params &p, bool centre, void *stream) {
    bool of_queries = OF == Of::QUERIES || OF == Of::DELTAS;
    int64_t rows = of_queries ? p.most_queries : p.most_keys, out = OF == Of::VALUES ? p.value_dim : p.dim;
    int64_t tiles = (rows + ROWS - 1) / ROWS, slices = OF == Of::DELTAS ? 1 : (out + OUT - 1) / OUT;
    int row_panels = panels<T>(p.dim) + (OF == Of::VALUES ? 0 : panels<T>(p.value_dim));
    int fixed = PLACE_BYTES + QUERIES_BYTES, stage = PANEL_BYTES;
    int room = (MOST_SHARED - fixed - STAGES * stage) / ROW_PANEL_BYTES;
    if (row_panels > room) {
        stage += ROW_PANEL_BYTES;
        room = (MOST_SHARED - fixed - STAGES * stage) / ROW_PANEL_BYTES;
    }
    int resident = row_panels < room ? row_panels : room;
    Plan plan{(int)tiles, (int)slices, resident, stage, static_cast<const Interval *>(p.scratch), centre,
              p.epoch > 0 ? 1.0 / (double)p.epoch : 0};
    int64_t shared = fixed + STAGES * stage + resident * ROW_PANEL_BYTES;
    Grid grid{p.task_count * tiles, p.batch, slices};
    return LS_LAUNCH((attention_gradient<T, OF, OUT>), grid, THREADS, shared, stream, p, plan);
}

bool empty(const Params &p) { return p.task_count == 0 || p.most_queries == 0 || p.most_keys == 0 || p.batch == 0; }

ls_status run_deltas(const Params &p, bool centre, void *stream) {
    if (p.task_count == 0 || p.most_queries == 0 || p.batch == 0) {
        return LS_OK;
    }
    LS_TRY(find_intervals(p, static_cast<Interval *>(p.scratch), stream));
    return p.half ? run<bf16, Of::DELTAS, 64>(p, centre, stream) : run<float, Of::DELTAS, 64>(p, centre, stream);
}

template <Of OF> ls_status run_wide(const Params &p, int64_t out, void *stream) {
    if (!p.half) {
        return run<float, OF, 64>(p, false, stream);
    }
    return out <= 64 ? run<bf16, OF, 64>(p, false, stream) : run<bf16, OF, 128>(p, false, stream);
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
    LS_TRY(run_wide<Of::QUERIES>(p, p.dim, stream));
    LS_TRY(run_wide<Of::KEYS>(p, p.dim, stream));
    return run_wide<Of::VALUES>(p, p.value_dim, stream);
}
