#pragma once

#include "attention.h"

/* What the forward kernel does with a block's scores and sums. */
namespace ls::cuda {

/* The block's place: which queries of which task, and which columns of the values. */
template <class S> struct Forward {
    using T = typename S::T;
    static constexpr int M = S::M, TILES = S::KEYS / 8;

    const Params &p;
    const Cut &cut;
    const Task &task;
    int from;

    /* Asked for again rather than kept while sums need the registers. */
    LS_DEVICE int batch() const { return block_y(); }
    LS_DEVICE int slice() const { return block_z() % cut.slices; }
    LS_DEVICE int split() const { return block_z() / cut.slices; }
    LS_DEVICE int64_t query_row(int m, int half) const {
        int t = from + S::row() + m * 16 + half * 8 + lane() / 4;
        return query_rows(task).at(t < task.queries ? t : (int)task.queries - 1);
    }

    LS_DEVICE bool there(int m, int half) const { return from + S::row() + m * 16 + half * 8 + lane() / 4 < task.queries; }

    LS_DEVICE int64_t number(int64_t row) const { return (batch() * p.heads + task.head) * p.queries + row; }

    /* A split()'s sums, for attention_merge. */
    LS_DEVICE void keep(const float (&out)[M][S::SUMS][4], const float (&max)[M][2], const float (&sum)[M][2],
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
            if (speaks()) {
                stats[place * 2] = max[m][half] * scale;
                stats[place * 2 + 1] = sum[m][half];
            }
            store(cut.partial + place * p.value_dim, out[m], half, [](float, float x) { return x; });
        }
    }

    LS_DEVICE void merge(const float (&out)[M][S::SUMS][4], const float (&max)[M][2], const float (&sum)[M][2],
                         float scale) const {
        float *lse = p.lse + batch() * p.lse_batch + task.head * p.lse_head;
        T *to = static_cast<T *>(p.out) + batch() * p.out_batch + task.head * p.out_head;
        float earlier[2 * M];
        LS_UNROLL
        for (int i = 0; i < 2 * M; i++) {
            int64_t row = query_row(i / 2, i % 2);
            earlier[i] = cut.earlier ? cut.earlier[number(row)] : lse[row * p.lse_row];
        }
        barrier(); /* all lanes of a row read what one writes */
        LS_UNROLL
        for (int i = 0; i < 2 * M; i++) {
            int m = i / 2, half = i % 2;
            int64_t row = query_row(m, half);
            Share share = share_of(max[m][half] * scale, sum[m][half], task.pads, earlier[i]);
            share.own *= p.drop_rate > 0 ? kept_factor(p) : 1;
            if (!there(m, half) || share.nothing) {
                continue;
            }
            if (speaks()) {
                lse[row * p.lse_row] = share.lse;
            }
            store(to + row * p.out_row, out[m], half, [&](T before, float x) { return merged(before, x, share); });
        }
    }

    /* Whether the lane writes what its row has once. */
    LS_DEVICE bool speaks() const { return slice() == 0 && S::side() == 0 && lane() % 4 == 0; }

    template <class E, class Change>
    LS_DEVICE void store(E *row, const float (&out)[S::SUMS][4], int half, Change change) const {
        LS_UNROLL
        for (int n = 0; n < S::SUMS; n++) {
            int column = slice() * S::OUT + S::unit(n * 8 / S::UNIT) + n * 8 % S::UNIT + lane() % 4 * 2;
            change_pair(row, column, (int)p.value_dim, out[n][2 * half], out[n][2 * half + 1], change);
        }
    }

    LS_DEVICE Corner<true, TILES * 4> corner(int m, int tile) const {
        return {p, task, batch(), from + S::row() + m * 16, tile * COLUMNS + S::side() * S::KEYS};
    }

    /* Scores of keys that a query does not see become −∞. */
    LS_DEVICE void hide(float (&scores)[M][TILES][4], const Interval *rows, const Sight &warps, int tile) const {
        if (!warps.all(tile * COLUMNS, COLUMNS)) {
            LS_UNROLL
            for (int m = 0; m < M; m++) {
                LS_UNROLL
                for (int i = 0; i < TILES * 4; i++) {
                    Interval seen = rows[S::row() + m * 16 + i % 4 / 2 * 8 + lane() / 4];
                    int number = corner(m, tile).column_of(i);
                    scores[m][i / 4][i % 4] = number >= seen.first && number < seen.end ? scores[m][i / 4][i % 4] : -INF;
                }
            }
        }
        if (p.mask) {
            LS_UNROLL
            for (int m = 0; m < M; m++) {
                uint32_t kept = corner(m, tile).unmasked_bits();
                LS_UNROLL
                for (int i = 0; i < TILES * 4; i++) {
                    scores[m][i / 4][i % 4] = kept >> i & 1 ? scores[m][i / 4][i % 4] : -INF;
                }
            }
        }
    }
};

/* The greatest of what a row of 16 has seen and these scores. */
template <int K> LS_DEVICE float greatest(const float (&scores)[K][4], int half, float seen) {
    LS_UNROLL
    for (int n = 0; n < K; n++) {
        seen = fmaxf(seen, fmaxf(scores[n][2 * half], scores[n][2 * half + 1]));
    }
    return row_max(seen);
}

/* What the sides know of each row, put together from the first to the last; `all` has room for a float of every side and row. */
template <class S, class Join> LS_DEVICE void join_sides(float *all, float (&known)[S::M][2], Join join) {
    LS_UNROLL
    for (int i = 0; i < 2 * S::M; i++) {
        if (lane() % 4 == 0) {
            all[S::side() * S::ROWS + S::row() + i * 8 + lane() / 4] = known[i / 2][i % 2];
        }
    }
    barrier();
    LS_UNROLL
    for (int i = 0; i < 2 * S::M; i++) {
        const float *row = all + S::row() + i * 8 + lane() / 4;
        float joined = row[0];
        for (int side = 1; side < S::SIDES; side++) {
            joined = join(joined, row[side * S::ROWS]);
        }
        known[i / 2][i % 2] = joined;
    }
}

/* max = most_of(m, half), scores = 2^(scores − max), sums and totals in step with them. */
template <int M, int K, int N, class Most>
LS_DEVICE void softmax(float (&scores)[M][K][4], Most most_of, float scale, float (&max)[M][2], float (&sum)[M][2],
                       float (&out)[M][N][4]) {
    LS_UNROLL
    for (int m = 0; m < M; m++) {
        LS_UNROLL
        for (int half = 0; half < 2; half++) {
            float most = most_of(m, half);
            /* No key yet: −∞ − −∞ would be NaN. */
            float base = most == -INF ? 0 : most * scale;
            float rescale = exp2_fast(fmaf(max[m][half], scale, -base));
            float total = sum[m][half] * rescale;
            LS_UNROLL
            for (int n = 0; n < K; n++) {
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

} // namespace ls::cuda
