#pragma once

#include "attention.h"

/* What gradients' kernels do with a warp's tile. */
namespace ls::cuda {

/* What a kernel knows of a query: rows that see no key at all get weights of 2^−∞. */
struct Query {
    Interval seen;
    float lse, delta;
};

/* How a gradient's kernel goes over tiles. */
struct Plan {
    int tiles;
    int resident; /* stages of rows that stay in shared memory; the others come with each tile */
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

/* Which of a tile's queries element i of a lane is of. */
template <bool ROWS_ARE_QUERIES> LS_DEVICE int query_of_element(int i) {
    return ROWS_ARE_QUERIES ? i % 4 / 2 * 8 + lane() / 4 : i / 4 * 8 + lane() % 4 * 2 + i % 2;
}

/* A warp's tile of raw scores becomes P. Queries are those of its rows or of its columns. */
template <bool ROWS_ARE_QUERIES, int K>
LS_DEVICE void weigh(const Corner<ROWS_ARE_QUERIES, 4 * K> &corner, const Query *queries, float (&scores)[K][4]) {
    const float scale = (float)corner.p.scale * LOG2_E;
    uint32_t unmasked = corner.p.mask ? corner.unmasked_bits() : 0xffffffffu;
    LS_UNROLL
    for (int i = 0; i < 4 * K; i++) {
        const Query query = queries[query_of_element<ROWS_ARE_QUERIES>(i)];
        int key = ROWS_ARE_QUERIES ? corner.column_of(i) : corner.row_of(i);
        bool seen = key >= query.seen.first && key < query.seen.end && (unmasked >> i & 1);
        float &s = scores[i / 4][i % 4];
        s = seen ? exp2_fast(fmaf(s, scale, -query.lse)) : 0;
    }
}

/* dP becomes dS = P ∘ (dP − δ). */
template <bool ROWS_ARE_QUERIES, int K>
LS_DEVICE void find_gradients(const Query *queries, const float (&weights)[K][4], float (&products)[K][4]) {
    LS_UNROLL
    for (int i = 0; i < 4 * K; i++) {
        float delta = queries[query_of_element<ROWS_ARE_QUERIES>(i)].delta;
        products[i / 4][i % 4] = weights[i / 4][i % 4] * (products[i / 4][i % 4] - delta);
    }
}

/* Sums over a branch's keys of the lane's rows: of P, of P · dP and of P · (|dP| + |δ|). */
template <class S> struct Sums {
    float of[3][2 * S::M] = {};

    template <int K>
    LS_DEVICE void add(int m, const float (&weights)[K][4], const float (&products)[K][4], const Query *queries) {
        LS_UNROLL
        for (int i = 0; i < 4 * K; i++) {
            int half = i % 4 / 2, row = 2 * m + half;
            float w = weights[i / 4][i % 4], dp = products[i / 4][i % 4];
            of[0][row] += w;
            of[1][row] = fmaf(w, dp, of[1][row]);
            of[2][row] = fmaf(w, fabsf(dp) + fabsf(queries[half * 8 + lane() / 4].delta), of[2][row]);
        }
    }

    /* `sides` has room for three floats of every side and row; `queries` are the block's, `from` its first. */
    LS_DEVICE void store(const Params &p, bool centre, const Task &task, int batch, int from, const Query *queries,
                         float *sides) const {
        LS_UNROLL
        for (int i = 0; i < 6 * S::M; i++) {
            float sum = row_sum(of[i % 3][i / 3]);
            if (lane() % 4 == 0) {
                sides[(i % 3 * S::SIDES + S::side()) * S::ROWS + S::row() + i / 3 * 8 + lane() / 4] = sum;
            }
        }
        barrier();
        int row = thread_index();
        if (row >= S::ROWS || from + row >= task.queries) {
            return;
        }
        float sums[3] = {};
        for (int i = 0; i < 3 * S::SIDES; i++) {
            sums[i / S::SIDES] += sides[i * S::ROWS + row];
        }
        float sum = sums[0], dot = sums[1], size = sums[2];
        const Query &query = queries[row];
        float &delta = p.delta[(batch * p.heads + task.head) * p.queries + query_rows(task).at(from + row)];
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
};

} // namespace ls::cuda
