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
LS_DEVICE void weigh(const Corner<ROWS_ARE_QUERIES> &corner, const Query *queries, const float (&products)[8][4],
                     float (&scores)[8][4]) {
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

} // namespace ls::cuda
