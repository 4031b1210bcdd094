#include "attention.h"

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

/* What a kernel knows of a query: rows that see no key at all get weights of 2^−∞. */
struct Query {
    Interval seen;
    float lse, delta;
};

constexpr int QUERIES_BYTES = ROWS * (int)sizeof(Query);

struct Plan {
    int tiles, slices;
    int resident; /* row panels that stay in shared memory; the others come with each tile */
    int stage_bytes;
    const Interval *intervals; /* of all queries, [B, H, Nq] */
    bool centre;
    double inverse_epoch;
};

LS_DEVICE Query query_of(const Params &p, const Plan &plan, const Task &task, int batch, int t) {
    int64_t row = query_rows(task).at(t < task.queries ? t : (int)task.queries - 1);
    int64_t number = (batch * p.heads + task.head) * p.queries + row;
    float lse = p.lse[batch * p.lse_batch + task.head * p.lse_head + row * p.lse_row];
    return {plan.intervals[number], t < task.queries && lse != -INF ? lse * LOG2_E : INF, p.delta ? p.delta[number] : 0};
}

/*
 * A warp's tile of raw scores becomes what is summed next: P, or P ∘ (dP − δ) for gradients of the scores. Queries are those of
 * its rows or of its columns.
 */
template <bool ROWS_ARE_QUERIES, bool GRADIENTS>
LS_DEVICE void weigh(const Corner<ROWS_ARE_QUERIES> &corner, const Query *queries, const float (&products)[8][4], float (&scores)[8][4]) {
    const float scale = (float)corner.p.scale * LOG2_E;
    uint32_t unmasked = corner.p.mask ? corner.unmasked_bits() : 0xffffffffu;
    LS_UNROLL
    for (int i = 0; i < 32; i++) {
        if (!ROWS_ARE_QUERIES && i % 16 == 0) {
            warp_barrier(); /* or the compiler would hold sixteen queries at once, in registers that sums need */
        }
        const Query query = queries[ROWS_ARE_QUERIES ? i % 4 / 2 * 8 + lane() / 4 : i / 4 * 8 + lane() % 4 * 2 + i % 2];
        int key = ROWS_ARE_QUERIES ? corner.column_of(i) : corner.row_of(i);
        bool seen = key >= query.seen.first && key < query.seen.end && (unmasked >> i & 1);
        float &s = scores[i / 4][i % 4];
        s = seen ? exp2_fast(fmaf(s, scale, -query.lse)) : 0;
        if (GRADIENTS) {
            s *= products[i / 4][i % 4] - query.delta;
        }
    }
}

/* Sums over a branch's keys of each of the lane's two rows: of P, of P · dP and of P · (|dP| + |δ|). */
struct Sums {
    float weights[2] = {}, dots[2] = {}, sizes[2] = {};

    LS_DEVICE void add(const float (&weights_of)[8][4], const float (&products)[8][4], const Query *queries) {
        LS_UNROLL
        for (int i = 0; i < 32; i++) {
            int half = i % 4 / 2;
            float w = weights_of[i / 4][i % 4], dp = products[i / 4][i % 4];
            weights[half] += w;
            dots[half] = fmaf(w, dp, dots[half]);
            sizes[half] = fmaf(w, fabsf(dp) + fabsf(queries[half * 8 + lane() / 4].delta), sizes[half]);
        }
    }

    LS_DEVICE void store(const Params &p, bool centre, const Task &task, int batch, int t, const Query *queries) const {
        LS_UNROLL
        for (int half = 0; half < 2; half++) {
            int row = t + half * 8 + lane() / 4;
            float sum = row_sum(weights[half]), dot = row_sum(dots[half]), size = row_sum(sizes[half]);
            if (row < task.queries && lane() % 4 == 0) {
                const Query &query = queries[half * 8 + lane() / 4];
                float &delta = p.delta[(batch * p.heads + task.head) * p.queries + query_rows(task).at(row)];
                if (centre) {
                    /* 64 units in the last place; more is not rounding, but keys elsewhere. */
                    float left = fmaf(-query.delta, sum, dot);
                    delta = fabsf(left) > size * 0x1p-18f || sum < 0x1p-126f ? query.delta : query.delta + left / sum;
                } else {
                    /* Padded keys have weight 2^−lse each and no value. */
                    float total = sum + (float)task.pads * exp2_fast(-query.lse);
                    delta = total == 0 ? 0 : dot / total;
                }
            }
        }
    }
};

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
        end_tile = (first_past((int)task.queries, [&](int t) { return seen[at.at(t)].first >= from + ROWS; }) + COLUMNS - 1) / COLUMNS;
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
    auto key_factor = [&](int t, int d) { return decay(p, d, place.origin - epoch_of(p, plan.inverse_epoch, key_positions(task).at(t))); };
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
    return LS_LAUNCH((attention_gradient<T, OF, OUT>), (Grid{p.task_count * tiles, p.batch, slices}), THREADS, shared, stream, p, plan);
}

ls_status run_intervals(const Params &p, void *stream) {
    int64_t tiles = (p.most_queries + THREADS - 1) / THREADS;
    return LS_LAUNCH(attention_intervals, (Grid{p.task_count * tiles, p.batch}), THREADS, 0, stream, p, (int)tiles,
                     static_cast<Interval *>(p.scratch));
}

bool empty(const Params &p) { return p.task_count == 0 || p.most_queries == 0 || p.most_keys == 0 || p.batch == 0; }

ls_status run_deltas(const Params &p, bool centre, void *stream) {
    if (p.task_count == 0 || p.most_queries == 0 || p.batch == 0) {
        return LS_OK;
    }
    LS_TRY(run_intervals(p, stream));
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
    LS_TRY(run_intervals(p, stream));
    LS_TRY(run_wide<Of::QUERIES>(p, p.dim, stream));
    LS_TRY(run_wide<Of::KEYS>(p, p.dim, stream));
    return run_wide<Of::VALUES>(p, p.value_dim, stream);
}
