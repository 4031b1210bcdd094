#pragma once

#include "math.h"
#include "../philox.h"
#include "tile.h"

#include "longspan.h"

/* What attention forward and backward share: blocks of rows, packed operands and tiles of scores. */
namespace ls::LS_TIER {

/* Queries and keys of a score tile: a multiple of every tier's ROWS and COLS; 36 KiB of scores. */
constexpr int BLOCK = 96;
/* Score of a hidden key: finite, so that no difference of two is NaN. */
constexpr float HIDDEN = -1e30f;
constexpr float LOG2_E = 1.442695f;
constexpr double LN_2 = 0.6931471805599453;

/* Blocks that share packed operands: fewer where long rows would fill the scratch. */
constexpr int GROUP = 8;

inline int group_of(const ls_attention_params &p) {
    int64_t width = p.dim + p.value_dim;
    int64_t group = GROUP * 256 / (width < 1 ? 1 : width);
    return (int)(group < 1 ? 1 : group > GROUP ? GROUP : group);
}

/* A regular selection of rows: row t is start + t / run · period + t % run. */
struct Rows {
    int64_t start, run, period;

    int64_t at(int64_t t) const { return run == 1 ? start + t * period : start + t / run * period + t % run; }
};

inline Rows query_rows(const ls_attention_params &p) { return {p.query_start, p.query_run, p.query_period}; }
inline Rows key_rows(const ls_attention_params &p) { return {p.key_start, p.key_run, p.key_period}; }

/* Epoch of the decay that a query or a key of the task lies in; 0 without. */
inline int64_t query_epoch(const ls_attention_params &p, int64_t t) {
    return p.epoch == 0 ? 0 : (p.first_query + query_rows(p).at(t)) / p.epoch;
}

inline int64_t key_epoch(const ls_attention_params &p, int64_t t) {
    return p.epoch == 0 ? 0 : Rows{p.position_start, p.position_run, p.position_period}.at(t) / p.epoch;
}

/* End of the block from row t on: at most BLOCK rows of one epoch, so that one factor serves them all. */
template <class Epoch> int64_t block_end(const ls_attention_params &p, int64_t t, int64_t limit, Epoch epoch) {
    int64_t end = t + BLOCK < limit ? t + BLOCK : limit;
    if (p.epoch > 0 && epoch(p, end - 1) != epoch(p, t)) {
        int64_t other = t + 1;
        while (epoch(p, other) == epoch(p, t)) {
            other++;
        }
        return other;
    }
    return end;
}

/* Floats of a row in a slab: whole tiles, and no multiple of 1 KiB, whose rows would fall on few sets of the cache. */
inline int64_t padded(int64_t dim) {
    int64_t whole = round_up(dim, COLS);
    return whole % 256 == 0 ? whole + COLS : whole;
}

/* Parts of the caller's scratch. */
struct Bump {
    float *at;

    float *floats(int64_t n) {
        float *part = at;
        at += round_up(n, 16);
        return part;
    }
};

/* A matrix of one head, by rows. */
struct Head {
    const void *values;
    int64_t row;
    int64_t dim;
    bool half;
};

inline Head of_queries(const ls_attention_params &p) { return {p.q, p.q_row, p.dim, p.half != 0}; }
inline Head of_keys(const ls_attention_params &p) { return {p.k, p.k_row, p.dim, p.half != 0}; }
inline Head of_values(const ls_attention_params &p) { return {p.v, p.v_row, p.value_dim, p.half != 0}; }
inline Head of_outputs(const ls_attention_params &p) { return {p.d_out, p.d_out_row, p.value_dim, p.half != 0}; }

/* to[t][0..padded) = row from + t of the selection ⊙ factors (none: NULL), zeros behind the last dimension. */
inline void pack_slab(Head m, Rows rows, int64_t from, int64_t count, const float *factors, float *to) {
    int64_t width = padded(m.dim);
    visit(m.values, m.half, [&](auto *values) {
        for (int64_t t = 0; t < count; t++, to += width) {
            auto *x = values + rows.at(from + t) * m.row;
            sweep(m.dim, [&](int64_t d, auto in) {
                F v = load(x + d, in);
                store(to + d, factors ? v * load(factors + d, in) : v, in);
            });
            for (int64_t d = m.dim; d < width; d++) {
                to[d] = 0;
            }
        }
    });
}

/* to[t / lanes][d][t % lanes] = scale · row from + t ⊙ factors (none: NULL), zeros behind the last row. */
inline void pack_across(Head m, Rows rows, int64_t from, int64_t count, float scale, const float *factors, int lanes,
                        float *to) {
    visit(m.values, m.half, [&](auto *values) {
        for (int64_t panel = 0; panel < count; panel += lanes, to += lanes * m.dim) {
            for (int64_t lane = 0; lane < lanes; lane++) {
                if (panel + lane >= count) {
                    for (int64_t d = 0; d < m.dim; d++) {
                        to[d * lanes + lane] = 0;
                    }
                    continue;
                }
                auto *x = values + rows.at(from + panel + lane) * m.row;
                for (int64_t d = 0; d < m.dim; d++) {
                    to[d * lanes + lane] = value(x[d]) * (factors ? scale * factors[d] : scale);
                }
            }
        }
    });
}

/* Row from + t of the selection += scale · slab[t]. */
inline void add_slab(const float *slab, int64_t dim, float scale, float *values, int64_t row, Rows rows, int64_t from,
                     int64_t count) {
    for (int64_t t = 0; t < count; t++) {
        float *to = values + rows.at(from + t) * row;
        const float *x = slab + t * padded(dim);
        sweep(dim, [&](int64_t d, auto in) { store(to + d, fma(load(x + d, in), broadcast(scale), load(to + d, in)), in); });
    }
}

/* A block of queries, and the interval of the task's keys that each of them sees. */
struct QueryBlock {
    static constexpr int64_t NEVER = INT64_MIN;

    int64_t start, count;
    int32_t first[BLOCK], end[BLOCK];
    int32_t least_first, greatest_first, least_end, greatest_end;
    /* Distance in epochs that its packed queries are for. */
    int64_t packed = NEVER;

    void look(const ls_attention_params &p, int64_t from, int64_t to) {
        start = from;
        count = to - from;
        least_first = least_end = INT32_MAX;
        greatest_first = greatest_end = 0;
        for (int i = 0; i < BLOCK; i++) {
            first[i] = i < count ? p.first[from + i - p.queries_from] : 0;
            end[i] = i < count ? p.end[from + i - p.queries_from] : 0;
            if (i < count) {
                least_first = first[i] < least_first ? first[i] : least_first;
                greatest_first = first[i] > greatest_first ? first[i] : greatest_first;
                least_end = end[i] < least_end ? end[i] : least_end;
                greatest_end = end[i] > greatest_end ? end[i] : greatest_end;
            }
        }
        packed = NEVER;
    }

    /* How many of the keys from `key` on must be looked at, up to a whole tile. */
    int64_t reach(int64_t key, int64_t keys) const {
        int64_t seen = greatest_end - key < keys ? greatest_end - key : keys;
        if (least_first >= key + keys || seen <= 0) {
            return 0;
        }
        seen = round_up(seen, ROWS);
        return seen < keys ? seen : keys;
    }
};

/* The decay of each dimension over a distance in epochs. */
struct Factors {
    float *values;
    int64_t computed = QueryBlock::NEVER;

    /* NULL without a decay. */
    const float *of(const ls_attention_params &p, int64_t epochs) {
        if (p.epoch == 0) {
            return nullptr;
        }
        if (epochs != computed) {
            computed = epochs;
            for (int64_t d = 0; d < p.dim; d++) {
                double factor = __builtin_exp2(p.decay[d] * (double)epochs);
                /* Products with less than this would be subnormal, and slow. */
                values[d] = factor < 0x1p-100 ? 0 : (float)factor;
            }
        }
        return values;
    }
};

/* tile = strips · panels for queries c to c + COLS: scores of K and Q, or value gradients of V and dOut. */
inline void multiply_panel(const float *strips, int64_t keys, const float *panels, int c, int64_t dim, float *scores) {
    for (int64_t k = 0; k < keys; k += ROWS) {
        tile<1, ROWS, Begin::ZERO>(dim, strips + k * dim, panels + c * dim, COLS, scores + k * BLOCK + c, BLOCK);
    }
}

/* sums += tile · slab: for each key a sum over the queries' rows. */
inline void add_rows_times(const float *scores, int64_t keys, int64_t queries, const float *slab, int64_t dim, float *sums) {
    int64_t width = padded(dim);
    for (int64_t d = 0; d < dim; d += COLS) {
        for (int64_t k = 0; k < keys; k += ROWS) {
            tile<BLOCK, 1, Begin::CONTINUE>(queries, scores + k * BLOCK, slab + d, width, sums + k * width + d, width);
        }
    }
}

/* sums = sums · rescale + tileᵀ · slab: for each query a sum over the keys' rows. */
template <Begin BEGIN>
inline void add_columns_times(const float *scores, int64_t keys, int64_t queries, const float *slab, int64_t dim, float *sums,
                              const float *rescale = nullptr) {
    int64_t width = padded(dim);
    for (int64_t d = 0; d < dim; d += COLS) {
        for (int64_t i = 0; i < queries; i += ROWS) {
            tile<1, BLOCK, BEGIN>(keys, scores + i, slab + d, width, sums + i * width + d, width,
                                  rescale ? rescale + i : nullptr);
        }
    }
}

/* Hides in a panel, queries c to c + COLS, of the keys from `key` on what they do not see. */
inline void hide(const ls_attention_params &p, const QueryBlock &block, int64_t key, int64_t keys, int c, float *scores) {
    if (block.greatest_first > key || block.least_end < key + keys) {
        for (int i = c; i < c + COLS; i += W) {
            I from = load(block.first + i);
            I to = load(block.end + i);
            for (int64_t k = 0; k < keys; k++) {
                int32_t number = (int32_t)(key + k);
                float *s = scores + k * BLOCK + i;
                store(s, (from <= number) & (to > number) ? load(s) : broadcast(HIDDEN));
            }
        }
    }
    if (p.mask) {
        int64_t stop = c + COLS < block.count ? c + COLS : block.count;
        for (int64_t i = c; i < stop; i++) {
            const uint8_t *row = p.mask + query_rows(p).at(block.start + i) * p.mask_row;
            for (int64_t k = 0; k < keys; k++) {
                if (row[key_rows(p).at(key + k) * p.mask_col] == 0) {
                    scores[k * BLOCK + i] = HIDDEN;
                }
            }
        }
    }
}

/* Multiplies a panel by what dropout makes of each key's weight. */
inline void drop(const ls_attention_params &p, const QueryBlock &block, int64_t key, int64_t keys, int c, float *scores) {
    if (p.drop_rate == 0) {
        return;
    }
    float kept = (float)(1 / (1 - p.drop_rate));
    int64_t stop = c + COLS < block.count ? c + COLS : block.count;
    for (int64_t i = c; i < stop; i++) {
        int64_t row = query_rows(p).at(block.start + i);
        int64_t stream = p.drop_stream ^ (int64_t)((uint64_t)row * 0xD1B54A32D192ED03ull);
        for (int64_t k = 0; k < keys; k++) {
            float u = uniform(p.drop_seed, stream, key_rows(p).at(key + k));
            scores[k * BLOCK + i] *= u < p.drop_rate ? 0 : kept;
        }
    }
}

} // namespace ls::LS_TIER
