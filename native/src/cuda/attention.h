#pragma once

#include "attention_share.h"
#include "attention_weights.h"

/* What attention's kernels share beside tiles. */
namespace ls::cuda {

constexpr int PANEL_BYTES = COLUMNS * ROW_BYTES;

/*
 * How the warps of a block share its work. Each has 16·M rows; with one side all columns of a tile of scores and of the sums, so
 * that weights stay in its registers; with four sides 16 in 64 of both, and weights go through shared memory. A stage of the ring
 * then has two panels, so that there is as much to do between barriers.
 */
template <class E, int SUM_COLUMNS, int M_, int SIDES_, int WARPS> struct Shape {
    using T = E;
    static constexpr int M = M_, SIDES = SIDES_, OUT = SUM_COLUMNS;
    static constexpr int THREADS = WARP * WARPS, ROWS = 16 * M * WARPS / SIDES;
    static constexpr int KEYS = COLUMNS / SIDES;                         /* columns of a warp's scores */
    static constexpr int PANELS = SIDES == 1 ? 1 : 2;                    /* of a stage */
    static constexpr int STAGES = SIDES == 1 ? 3 : 2;                    /* of the ring */
    static constexpr int WIDE = PANELS * WIDTH<T>;                       /* columns of a stage */
    static constexpr int UNIT = SIDES == 1 ? WIDTH<T> : 16;              /* neighbouring columns of a warp's sums */
    static constexpr int OWN = WIDE / UNIT / SIDES;                      /* units of a stage that a warp has */
    static constexpr int SUM_STAGES = OUT / WIDE, SUMS = OUT / SIDES / 8; /* fragments of eight columns */
    static constexpr int WEIGHTS_BYTES = ROWS * COLUMNS * (int)sizeof(T);
    static_assert(OUT % WIDE == 0 && WIDE % (UNIT * SIDES) == 0);

    LS_DEVICE static int side() { return warp() % SIDES; }
    LS_DEVICE static int row() { return warp() / SIDES * 16 * M; }
    LS_DEVICE static int operand() { return warp() / SIDES * M; }
    /* Columns, counted from the stage's first, of which unit i begins with. */
    LS_DEVICE static int unit(int i) { return (i * SIDES + side()) * UNIT; }

    /* The stages that some panels take. */
    LS_DEVICE static int stages(int panels) { return (panels + PANELS - 1) / PANELS; }
};

/* Eight warps that share weights: as many rows as registers have room for with sums of 512 columns. */
template <class T, int OUT> using Sharing = Shape<T, OUT, sizeof(T) == 2 ? 2 : 1, 4, 8>;

/* What a device gives a block from sm_80 on, be it the least. */
constexpr int MOST_SHARED = 99 << 10;

/*
 * A block's ring of stages, one barrier a stage. ask(to, tile, stage) begins to load a stage of a tile, numbered on beyond the
 * tile's last one; it is asked for STAGES − 1 stages before it is taken.
 */
template <int STAGES> struct Ring {
    unsigned char *memory;
    int bytes; /* of a stage */
    int at = 0;

    template <class Ask> LS_DEVICE void begin(int tile, Ask ask) {
        for (int i = 0; i < STAGES - 1; i++) {
            ask(memory + i * bytes, tile, i);
            commit_copies();
        }
    }

    /* A tile's stage, for all threads; the one taken before is overwritten. */
    template <class Ask> LS_DEVICE unsigned char *take(int tile, int stage, Ask ask) {
        wait_for_copies<STAGES - 2>();
        barrier();
        ask(memory + (at == 0 ? STAGES - 1 : at - 1) * bytes, tile, stage + STAGES - 1);
        commit_copies();
        unsigned char *taken = memory + at * bytes;
        at = at + 1 == STAGES ? 0 : at + 1;
        return taken;
    }
};

/* What rows r of a block see, and what a range of them sees at least and at most. */
struct Sight {
    int least_first, greatest_first, least_end, greatest_end;

    /* Of rows row to row + count of the arrays; whole warps. */
    LS_DEVICE static Sight of(const Interval *rows, int row, int count) {
        Sight s{INT_MAX, 0, INT_MAX, 0};
        for (int i = lane() % count; i < count; i += WARP) {
            Interval x = rows[row + i];
            s.least_first = x.first < s.least_first ? x.first : s.least_first;
            s.greatest_first = x.first > s.greatest_first ? x.first : s.greatest_first;
            s.least_end = x.end < s.least_end ? x.end : s.least_end;
            s.greatest_end = x.end > s.greatest_end ? x.end : s.greatest_end;
        }
        return {warp_least(s.least_first), warp_greatest(s.greatest_first), warp_least(s.least_end), warp_greatest(s.greatest_end)};
    }

    /* Whether any row may see any of keys key to key + count, and whether all rows see them all. */
    LS_DEVICE bool any(int key, int count) const { return least_first < key + count && greatest_end > key; }
    LS_DEVICE bool all(int key, int count) const { return greatest_first <= key && least_end >= key + count; }
};

/* Rows behind the last are like the last. */
LS_DEVICE Interval visible_or_last(const Params &p, const Task &task, int batch, int t) {
    return visible(p, task, batch, t < task.queries ? t : (int)task.queries - 1);
}

template <class T> LS_DEVICE Operand<T> queries_of(const Params &p, const Task &t, int batch) {
    return operand<T>(p.q, batch * p.q_batch + t.head * p.q_head, p.q_row, query_rows(t), t.queries, p.dim);
}

template <class T> LS_DEVICE Operand<T> keys_of(const Params &p, const Task &t, int batch) {
    return operand<T>(p.k, batch * p.k_batch + t.head * p.k_head, p.k_row, key_rows(t), t.keys, p.dim);
}

template <class T> LS_DEVICE Operand<T> values_of(const Params &p, const Task &t, int batch) {
    return operand<T>(p.v, batch * p.v_batch + t.head * p.v_head, p.v_row, key_rows(t), t.keys, p.value_dim);
}

template <class T> LS_DEVICE Operand<T> outputs_of(const Params &p, const Task &t, int batch) {
    return operand<T>(p.d_out, batch * p.d_out_batch + t.head * p.d_out_head, p.d_out_row, query_rows(t), t.queries, p.value_dim);
}

/* A block's task and its operands, in shared memory: in registers they would crowd out sums. */
template <class T> struct Place {
    Task task;
    Operand<T> queries, keys, values, outputs;
    Sight warps[8]; /* each one's own */
    int score_stages, product_stages, first_sum, sum_stages; /* of a tile: of its scores, of dP, of what the block's slice sums */
    int end_tile;
    int64_t origin; /* epoch that factors of the decay are relative to */

    LS_DEVICE const Task &load(const Params &p, int number, int batch) {
        if (thread_index() == 0) {
            task = p.tasks[number];
            queries = queries_of<T>(p, task, batch);
            keys = keys_of<T>(p, task, batch);
            values = values_of<T>(p, task, batch);
            if (p.d_out) {
                outputs = outputs_of<T>(p, task, batch);
            }
        }
        barrier();
        return task;
    }
};

constexpr int PLACE_BYTES = 640;
static_assert(sizeof(Place<float>) <= PLACE_BYTES);

/* Two neighbouring columns, as a lane holds them, of which there may be fewer. */
template <class T, class Change> LS_DEVICE void change_pair(T *at, int column, int columns, float x0, float x1, Change change) {
    if (column < columns) {
        put(at[column], change(at[column], x0));
    }
    if (column + 1 < columns) {
        put(at[column + 1], change(at[column + 1], x1));
    }
}

/*
 * A warp's tile of scores: 16 rows from `row` on, COUNT · 2 columns from `column` on, numbers of the task's queries and keys. Its
 * lane's element i is score [i / 4][i % 4].
 */
template <bool ROWS_ARE_QUERIES, int COUNT> struct Corner {
    const Params &p;
    const Task &task;
    int batch, row, column;

    LS_DEVICE int row_of(int i) const { return row + i % 4 / 2 * 8 + lane() / 4; }
    LS_DEVICE int column_of(int i) const { return column + i / 4 * 8 + lane() % 4 * 2 + i % 2; }

    /* A bit for each element that is there: keeps(query's row, key's row). Rolled, since it is rare and would be long. */
    template <class Keeps> LS_DEVICE uint32_t bits(Keeps keeps) const {
        uint32_t kept = 0;
        LS_ROLLED
        for (int i = 0; i < COUNT; i++) {
            int query = ROWS_ARE_QUERIES ? row_of(i) : column_of(i), key = ROWS_ARE_QUERIES ? column_of(i) : row_of(i);
            if (query < task.queries && key < task.keys && keeps(query_rows(task).at(query), key_rows(task).at(key))) {
                kept |= 1u << i;
            }
        }
        return kept;
    }

    LS_DEVICE uint32_t unmasked_bits() const {
        return bits([&](int64_t query, int64_t key) { return unmasked(p, batch, query, key); });
    }

    LS_DEVICE uint32_t undropped_bits() const {
        return bits([&](int64_t query, int64_t key) { return !dropped(p, batch * p.heads + task.head, query, key); });
    }
};

/* What dropout multiplies weights by that it leaves. */
LS_DEVICE float kept_factor(const Params &p) { return (float)(1 / (1 - p.drop_rate)); }

/* Blocks of a grid over tiles of tasks, rows of the batch and slices of columns. */
struct Cut {
    int tiles, slices, splits;
    float *partial;       /* of splits */
    const float *earlier; /* log-sum-exps of earlier keys where slices would overwrite them */
    double inverse_epoch;
};

/* Merges splits' sums, first to last, into out and lse. */
ls_status merge_splits(const Params &p, const Cut &cut, void *stream);
/* Copies lse to [B, H, Nq]. */
ls_status keep_lse(const Params &p, float *earlier, void *stream);
/* Of every query of the tasks, to [B, H, Nq]. */
ls_status find_intervals(const Params &p, Interval *to, void *stream);
/* Whether the kernel for compute capability 9.0 is asked for, can do the work and is on such a device; that kernel. */
bool hopper_serves(const Params &p);
ls_status attention_by_hopper(const Params &p, void *stream);
/* Bytes. */
int64_t forward_scratch(const Params &p);
ls_status check_attention(const char *who, const Params &p);

} // namespace ls::cuda
