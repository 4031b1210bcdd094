#pragma once

#include "attention_operands.h"
#include "math.h"
#include "../philox.h"

/* What attention forward and backward share: blocks of rows, packed operands and tiles of scores. */
namespace ls::LS_TIER {

/* Queries and keys of a score tile: a multiple of every tier's ROWS and COLS; 36 KiB of scores. */
constexpr int BLOCK = 96;
/* Score of a hidden key: finite, so that no difference of two is NaN. */
constexpr float HIDDEN = -1e30f;
constexpr double LN_2 = 0.6931471805599453;

/* Blocks that share packed operands: fewer where long rows would fill the scratch. */
constexpr int GROUP = 8;

inline int group_of(const ls_attention_params &p) {
    int64_t width = p.dim + p.value_dim;
    int64_t group = GROUP * 256 / (width < 1 ? 1 : width);
    return (int)(group < 1 ? 1 : group > GROUP ? GROUP : group);
}

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

/* Parts of the caller's scratch. */
struct Bump {
    float *at;

    float *floats(int64_t n) { return take<float>(n); }

    template <class E> E *take(int64_t n) {
        static_assert(sizeof(E) == sizeof(float));
        float *part = at;
        at += round_up(n, 16);
        return reinterpret_cast<E *>(part);
    }
};

/*
 * body(e), e of the type of operands: pairs where that loses nothing, that is where what is stored are bfloat16 without the
 * factors of a decay.
 */
template <class Body> ls_status with_operands([[maybe_unused]] const ls_attention_params &p, Body body) {
#if defined(__AVX512BF16__)
    if (all_half(p) && p.epoch == 0) {
        return body(Pair{});
    }
#endif
    return body(float{});
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

/* tile = strips · panel for a panel of queries: value gradients of V and dOut; with SCALE in one chain and times a factor. */
template <End END = End::STORE, class E>
inline void multiply_panel(const E *strips, int64_t keys, const E *panel, int64_t dim, float *scores,
                           const float *factor = nullptr) {
    int64_t depth = elements<E>(dim);
    int64_t first = END == End::SCALE || depth < CHAIN ? depth : CHAIN;
    for (int64_t k = 0; k < keys; k += ROWS) {
        tile<1, ROWS, END>(first, strips + k * depth, panel, COLS, scores + k * BLOCK, BLOCK, factor);
        for (int64_t d = first; d < depth; d += CHAIN) {
            int64_t terms = depth - d < CHAIN ? depth - d : CHAIN;
            tile<1, ROWS, End::ADD>(terms, strips + k * depth + d * ROWS, panel + d * COLS, COLS, scores + k * BLOCK, BLOCK);
        }
    }
}

/* The same of K and Q: scores in powers of two, whether or not the queries were packed as such. */
template <class E>
inline void score_panel(const ls_attention_params &p, const E *strips, int64_t keys, const E *panel, float *scores) {
    float scale = score_scale(p);
    multiply_panel<TERMS<E> == 1 ? End::STORE : End::SCALE>(strips, keys, panel, p.dim, scores, &scale);
}

/* Where a panel's scores lie: products of floats take a block's panels together, pairs are made of one panel at a time. */
template <class E> float *panel_of(float *scores, int c) { return TERMS<E> == 1 ? scores + c : scores; }

/* sums += tile · slab: for each key a sum over the queries' rows. */
template <class E>
inline void add_rows_times(const E *scores, int64_t keys, int64_t queries, const E *slab, int64_t dim, float *sums) {
    int64_t width = padded(dim);
    constexpr int ROW = BLOCK / TERMS<E>;
    for (int64_t d = 0; d < dim; d += COLS) {
        for (int64_t k = 0; k < keys; k += ROWS) {
            tile<ROW, 1, End::ADD>(elements<E>(queries), scores + k * ROW, slab + d, width, sums + k * width + d, width);
        }
    }
}

/* sums = sums · rescale + tileᵀ · slab: for each query a sum over the keys' rows. */
template <End END, class E>
inline void add_columns_times(const E *scores, int64_t keys, int64_t queries, const E *slab, int64_t dim, float *sums,
                              const float *rescale = nullptr) {
    int64_t width = padded(dim);
    for (int64_t d = 0; d < dim; d += COLS) {
        for (int64_t i = 0; i < queries; i += ROWS) {
            tile<1, BLOCK, END>(elements<E>(keys), scores + i, slab + d, width, sums + i * width + d, width,
                                rescale ? rescale + i : nullptr);
        }
    }
}

/* Hides in a panel, queries c to c + COLS, of the keys from `key` on what they do not see. */
inline void hide(const ls_attention_params &p, const QueryBlock &block, int64_t key, int64_t keys, int c, float *scores) {
    if (block.greatest_first > key || block.least_end < key + keys) {
        for (int i = 0; i < COLS; i += W) {
            I from = load(block.first + c + i);
            I to = load(block.end + c + i);
            for (int64_t k = 0; k < keys; k++) {
                int32_t number = (int32_t)(key + k);
                float *s = scores + k * BLOCK + i;
                store(s, (from <= number) & (to > number) ? load(s) : broadcast(HIDDEN));
            }
        }
    }
    if (p.mask) {
        for (int64_t i = 0; i < COLS && c + i < block.count; i++) {
            const uint8_t *row = p.mask + query_rows(p).at(block.start + c + i) * p.mask_row;
            for (int64_t k = 0; k < keys; k++) {
                if (row[key_rows(p).at(key + k) * p.mask_col] == 0) {
                    scores[k * BLOCK + i] = HIDDEN;
                }
            }
        }
    }
}

/* Hides what stands behind the last key, to make whole pairs; returns how many keys there are then. */
template <class E> int64_t complete(float *scores, int64_t keys) {
    int64_t whole = round_up(keys, TERMS<E>);
    for (int i = 0; keys < whole && i < COLS; i += W) {
        store(scores + keys * BLOCK + i, broadcast(HIDDEN));
    }
    return whole;
}

/* to[0..COLS / TERMS) = a panel's numbers of one key, as an operand of sums over queries. */
inline void put_along(float *to, F left, F right) {
    store(to, left);
    store(to + W, right);
}

/* to[0..COLS) = a panel's numbers of as many keys as an element has terms, as an operand of sums over keys. */
inline void put_across(float *to, const F (&left)[1], const F (&right)[1]) {
    store(to, left[0]);
    store(to + W, right[0]);
}

#if defined(__AVX512BF16__)
inline void put_along(Pair *to, F left, F right) { store(to, round_along(left, right)); }

inline void put_across(Pair *to, const F (&left)[2], const F (&right)[2]) {
    store(to, round_across(left[0], left[1]));
    store(to + W, round_across(right[0], right[1]));
}
#endif

/* A panel's numbers as an operand of sums over queries or over keys, which floats are as they lie. */
template <class E> void rows_of(const float *scores, int64_t keys, E *to) {
    if constexpr (TERMS<E> == 2) {
        for (int64_t k = 0; k < keys; k++, scores += BLOCK) {
            put_along(to + k * BLOCK / 2, load(scores), load(scores + W));
        }
    }
}

template <class E> void columns_of(const float *scores, int64_t keys, E *to) {
    if constexpr (TERMS<E> == 2) {
        for (int64_t k = 0; k < keys; k += 2, to += BLOCK) {
            const float *s = scores + k * BLOCK;
            put_across(to, {load(s), load(s + BLOCK)}, {load(s + W), load(s + BLOCK + W)});
        }
    }
}

/* Multiplies a panel by what dropout makes of each key's weight. */
inline void drop(const ls_attention_params &p, const QueryBlock &block, int64_t key, int64_t keys, int c, float *scores) {
    if (p.drop_rate == 0) {
        return;
    }
    float kept = (float)(1 / (1 - p.drop_rate));
    for (int64_t i = 0; i < COLS && c + i < block.count; i++) {
        int64_t row = query_rows(p).at(block.start + c + i);
        int64_t stream = p.drop_stream ^ (int64_t)((uint64_t)row * 0xD1B54A32D192ED03ull);
        for (int64_t k = 0; k < keys; k++) {
            float u = uniform(p.drop_seed, stream, key_rows(p).at(key + k));
            scores[k * BLOCK + i] *= u < p.drop_rate ? 0 : kept;
        }
    }
}

} // namespace ls::LS_TIER
