#pragma once

#include "longspan.h"
#include "tile.h"

/* Rows of a head, packed as the operands of products: floats, or pairs where the CPU multiplies bfloat16. */
namespace ls::LS_TIER {

constexpr float LOG2_E = 1.442695f;

/* A regular selection of rows: row t is start + t / run · period + t % run. */
struct Rows {
    int64_t start, run, period;

    int64_t at(int64_t t) const { return run == 1 ? start + t * period : start + t / run * period + t % run; }
};

inline Rows query_rows(const ls_attention_params &p) { return {p.query_start, p.query_run, p.query_period}; }
inline Rows key_rows(const ls_attention_params &p) { return {p.key_start, p.key_run, p.key_period}; }

/* Floats of a row in a slab: whole tiles, and no multiple of 1 KiB, whose rows would fall on few sets of the cache. */
inline int64_t padded(int64_t dim) {
    int64_t whole = round_up(dim, COLS);
    return whole % 256 == 0 ? whole + COLS : whole;
}

/* A matrix of one head, by rows. */
struct Head {
    const void *values;
    int64_t row;
    int64_t dim;
    bool half;
};

inline bool all_half(const ls_attention_params &p) { return p.half == 1; }

inline Head of_queries(const ls_attention_params &p) { return {p.q, p.q_row, p.dim, all_half(p)}; }
inline Head of_keys(const ls_attention_params &p) { return {p.k, p.k_row, p.dim, p.half != 0}; }
inline Head of_values(const ls_attention_params &p) { return {p.v, p.v_row, p.value_dim, p.half != 0}; }
inline Head of_outputs(const ls_attention_params &p) { return {p.d_out, p.d_out_row, p.value_dim, all_half(p)}; }

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
        pack_across([&](int64_t t) { return values + rows.at(from + t) * m.row; }, 1, count, m.dim, lanes,
                    [&](int64_t d) { return factors ? scale * factors[d] : scale; }, to);
    });
}

/* Scores are in powers of two. */
inline float score_scale(const ls_attention_params &p) { return (float)p.scale * LOG2_E; }

inline void pack_queries(const ls_attention_params &p, int64_t from, int64_t count, const float *factors, float *panels) {
    pack_across(of_queries(p), query_rows(p), from, count, score_scale(p), factors, COLS, panels);
}

inline void pack_across(Head m, Rows rows, int64_t from, int64_t count, int lanes, float *to) {
    pack_across(m, rows, from, count, 1, nullptr, lanes, to);
}

#if defined(__AVX512BF16__)
/* to[t / 2][0..padded) = rows from + t and from + t + 1 side by side, zeros behind the last of each dimension. */
inline void pack_slab(Head m, Rows rows, int64_t from, int64_t count, const float *, Pair *to) {
    int64_t width = padded(m.dim);
    auto *values = static_cast<const Half *>(m.values);
    for (int64_t t = 0; t < count; t += 2, to += width) {
        auto *first = values + rows.at(from + t) * m.row;
        auto *second = t + 1 < count ? values + rows.at(from + t + 1) * m.row : nullptr;
        sweep(m.dim, [&](int64_t d, auto in) {
            store(to + d, pairs_of(load(first + d, in), second ? load(second + d, in) : F{}), in);
        });
        std::memset(to + m.dim, 0, sizeof(Pair) * (width - m.dim));
    }
}

/* to[t / lanes][d / 2][t % lanes] = d and d + 1 of row from + t, zeros behind the last of each dimension. */
inline void pack_across(Head m, Rows rows, int64_t from, int64_t count, int lanes, Pair *to) {
    int64_t depth = elements<Pair>(m.dim);
    auto *values = static_cast<const Half *>(m.values);
    for (int64_t panel = 0; panel < count; panel += lanes, to += lanes * depth) {
        for (int64_t lane = 0; lane < lanes; lane++) {
            if (panel + lane >= count) {
                for (int64_t d = 0; d < depth; d++) {
                    to[d * lanes + lane] = Pair{};
                }
                continue;
            }
            auto *x = values + rows.at(from + panel + lane) * m.row;
            for (int64_t d = 0; d < m.dim / 2; d++) {
                std::memcpy(to + d * lanes + lane, x + 2 * d, sizeof(Pair));
            }
            if (m.dim % 2 != 0) {
                to[(depth - 1) * lanes + lane] = Pair{x[m.dim - 1].bits};
            }
        }
    }
}

/* Without decay, and not yet scaled. */
inline void pack_queries(const ls_attention_params &p, int64_t from, int64_t count, const float *, Pair *panels) {
    pack_across(of_queries(p), query_rows(p), from, count, COLS, panels);
}
#endif

} // namespace ls::LS_TIER
