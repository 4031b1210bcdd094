#include "attention.h"
#include "kernels.h"

#include <cfloat>

/*
 * Weights are computed again from the final log-sum-exp, so that branches need no results of their own: dV += Pᵀ dOut,
 * dS = P ∘ (dOut Vᵀ − δ), dQ += scale · dS K, dK += scale · dSᵀ Q. Groups of key blocks come first. Dao, arXiv 2307.08691.
 */
namespace ls::LS_TIER {

namespace {

/* 64 units in the last place: what sums of some hundred terms may be off by. */
constexpr float ROUNDING = 0x1p-18f;

struct Work {
    float *panels, *query_slab, *key_strips, *key_slabs, *value_strips, *scores, *d_scores, *d_out_panels, *d_out_slab;
    float *d_queries, *d_keys, *d_values, *decayed_keys, *lse, *delta, *sum, *dot;
    Factors factors;

    Work(const ls_attention_params &p, int group) {
        Bump scratch{p.scratch};
        int64_t key = padded(p.dim), value = padded(p.value_dim);
        panels = scratch.floats(BLOCK * p.dim);
        query_slab = scratch.floats(BLOCK * key);
        key_strips = scratch.floats(group * BLOCK * p.dim);
        key_slabs = scratch.floats(group * BLOCK * key);
        value_strips = scratch.floats(group * BLOCK * p.value_dim);
        scores = scratch.floats(BLOCK * BLOCK);
        d_scores = scratch.floats(BLOCK * BLOCK);
        d_out_panels = scratch.floats(BLOCK * p.value_dim);
        d_out_slab = scratch.floats(BLOCK * value);
        d_queries = scratch.floats(BLOCK * key);
        d_keys = scratch.floats(group * BLOCK * key);
        d_values = scratch.floats(group * BLOCK * value);
        decayed_keys = scratch.floats(BLOCK * key);
        lse = scratch.floats(BLOCK);
        delta = scratch.floats(BLOCK);
        sum = scratch.floats(BLOCK);
        dot = scratch.floats(BLOCK);
        factors.values = scratch.floats(p.dim);
    }
};

/* Log-sum-exps in powers of two and δ of a block of queries; rows without keys get weights of zero. */
void load_state(const ls_attention_params &p, const QueryBlock &block, float *lse, float *delta) {
    for (int i = 0; i < BLOCK; i++) {
        lse[i] = -HIDDEN;
        delta[i] = 0;
    }
    for (int64_t i = 0; i < block.count; i++) {
        int64_t row = query_rows(p).at(block.start + i);
        float sum = p.lse[row * p.lse_row];
        if (sum == -__builtin_inff()) {
            continue;
        }
        lse[i] = (float)(sum / LN_2);
        if (p.delta) {
            delta[i] = p.delta[row];
        } else if (p.out) {
            /* In double: δ is what weighted sums of dP cancel with. */
            double dot = 0;
            visit(p.d_out, p.half, [&](auto *gradients) {
                auto *out = static_cast<decltype(gradients)>(p.out) + row * p.out_row;
                for (int64_t d = 0; d < p.value_dim; d++) {
                    dot += (double)value(out[d]) * value(gradients[row * p.d_out_row + d]);
                }
            });
            delta[i] = (float)dot - (p.d_lse ? p.d_lse[row * p.d_lse_row] : 0);
        }
    }
}

/* tile = 2^(tile − lse), dTile = tile · (dTile − δ): from gradients of the weights to those of the scores. */
void gradients(float *scores, float *d_scores, int64_t keys, int c, const float *lse, const float *delta) {
    for (int i = c; i < c + COLS; i += W) {
        F l = load(lse + i);
        F d = load(delta + i);
        for (int64_t k = i; k < i + keys * BLOCK; k += BLOCK) {
            F w = exp2_of_minus(l - load(scores + k));
            store(scores + k, w);
            store(d_scores + k, w * (load(d_scores + k) - d));
        }
    }
}

/*
 * As gradients, where these may be all the keys that the queries see: what then is left of Σ dS, which is zero, is the
 * rounding of δ, and is taken off each weight's share. The gradient of a key's bias consists of nothing else. Where more than
 * rounding is left there are other keys elsewhere, and dS stays as it is.
 */
void centred_gradients(float *scores, float *d_scores, int64_t keys, int c, const float *lse, const float *delta) {
    for (int i = c; i < c + COLS; i += W) {
        F l = load(lse + i);
        F d = load(delta + i);
        F sum{}, left{}, size{};
        for (int64_t k = i; k < i + keys * BLOCK; k += BLOCK) {
            F w = exp2_of_minus(l - load(scores + k));
            F dp = load(d_scores + k);
            store(scores + k, w);
            sum += w;
            left = fma(w, dp - d, left);
            size = fma(w, abs(dp) + abs(d), size);
        }
        F share = left / (sum > FLT_MIN ? sum : broadcast(FLT_MIN)); /* without keys all weights are 0 */
        share = abs(left) > size * ROUNDING ? F{} : share;
        for (int64_t k = i; k < i + keys * BLOCK; k += BLOCK) {
            store(d_scores + k, load(scores + k) * (load(d_scores + k) - d - share));
        }
    }
}

/* tile = 2^(tile − lse), sum += Σ tile, dot += Σ tile · dTile. */
void branch_sums(float *scores, const float *d_scores, int64_t keys, int c, const float *lse, float *sum, float *dot) {
    for (int i = c; i < c + COLS; i += W) {
        F s = load(sum + i);
        F d = load(dot + i);
        for (int64_t k = i; k < i + keys * BLOCK; k += BLOCK) {
            F w = exp2_of_minus(load(lse + i) - load(scores + k));
            s += w;
            d = fma(w, load(d_scores + k), d);
        }
        store(sum + i, s);
        store(dot + i, d);
    }
}

/* One block of keys of a group. */
struct KeyBlock {
    int64_t start, count;
};

void query_block(const ls_attention_params &p, Work &w, QueryBlock &block, const KeyBlock *keys, int count, bool one_block) {
    int64_t key_width = padded(p.dim), value_width = padded(p.value_dim);
    int64_t rows = block.count;
    pack_across(of_outputs(p), query_rows(p), block.start, rows, 1, nullptr, COLS, w.d_out_panels);
    if (p.keys_too) {
        pack_slab(of_outputs(p), query_rows(p), block.start, rows, nullptr, w.d_out_slab);
    }
    if (p.queries_too) {
        std::memset(w.d_queries, 0, sizeof(float) * BLOCK * key_width);
    }
    load_state(p, block, w.lse, w.delta);
    for (int g = 0; g < count; g++) {
        int64_t key = keys[g].start;
        int64_t seen = block.reach(key, keys[g].count);
        if (seen == 0) {
            continue;
        }
        int64_t epochs = query_epoch(p, block.start) - key_epoch(p, key);
        const float *factors = w.factors.of(p, epochs);
        if (block.packed != epochs) {
            block.packed = epochs;
            pack_across(of_queries(p), query_rows(p), block.start, rows, (float)p.scale * LOG2_E, factors, COLS, w.panels);
            if (p.keys_too) {
                pack_slab(of_queries(p), query_rows(p), block.start, rows, factors, w.query_slab);
            }
        }
        for (int c = 0; c < rows; c += COLS) {
            multiply_panel(w.key_strips + g * BLOCK * p.dim, seen, w.panels, c, p.dim, w.scores);
            hide(p, block, key, seen, c, w.scores);
            multiply_panel(w.value_strips + g * BLOCK * p.value_dim, seen, w.d_out_panels, c, p.value_dim, w.d_scores);
            drop(p, block, key, seen, c, w.d_scores);
            if (one_block) {
                centred_gradients(w.scores, w.d_scores, seen, c, w.lse, w.delta);
            } else {
                gradients(w.scores, w.d_scores, seen, c, w.lse, w.delta);
            }
            if (p.keys_too) {
                drop(p, block, key, seen, c, w.scores);
            }
        }
        if (p.keys_too) {
            add_rows_times(w.scores, seen, rows, w.d_out_slab, p.value_dim, w.d_values + g * BLOCK * value_width);
            add_rows_times(w.d_scores, seen, rows, w.query_slab, p.dim, w.d_keys + g * BLOCK * key_width);
        }
        if (p.queries_too) {
            const float *slab = w.key_slabs + g * BLOCK * key_width;
            if (factors) {
                pack_slab(of_keys(p), key_rows(p), key, seen, factors, w.decayed_keys);
                slab = w.decayed_keys;
            }
            add_columns_times<Begin::CONTINUE>(w.d_scores, seen, rows, slab, p.dim, w.d_queries);
        }
    }
    if (p.queries_too) {
        add_slab(w.d_queries, p.dim, (float)p.scale, p.dq, p.dq_row, query_rows(p), block.start, rows);
    }
}

} // namespace

ls_status attention_backward(const ls_attention_params *params) {
    const ls_attention_params &p = *params;
    int group = group_of(p);
    Work w(p, group);
    int64_t key_width = padded(p.dim), value_width = padded(p.value_dim);
    bool one_block = p.dense && p.keys > 0 && block_end(p, 0, p.keys, key_epoch) == p.keys;
    QueryBlock block;
    for (int64_t key = p.keys_from; key < p.keys_to;) {
        KeyBlock keys[GROUP];
        int64_t from = key;
        /* Groups end where work items may: gradients of queries are added once a group, in any split alike. */
        int64_t span = key - key % (group * BLOCK) + group * BLOCK;
        int64_t limit = span < p.keys_to ? span : p.keys_to;
        int count = 0;
        for (; count < group && key < limit; count++) {
            int64_t end = block_end(p, key, limit, key_epoch);
            keys[count] = {key, end - key};
            pack_across(of_keys(p), key_rows(p), key, end - key, 1, nullptr, ROWS, w.key_strips + count * BLOCK * p.dim);
            pack_slab(of_keys(p), key_rows(p), key, end - key, nullptr, w.key_slabs + count * BLOCK * key_width);
            pack_across(of_values(p), key_rows(p), key, end - key, 1, nullptr, ROWS,
                        w.value_strips + count * BLOCK * p.value_dim);
            key = end;
        }
        std::memset(w.d_keys, 0, sizeof(float) * count * BLOCK * key_width);
        std::memset(w.d_values, 0, sizeof(float) * count * BLOCK * value_width);
        for (int64_t t = p.queries_from, next; t < p.queries_to; t = next) {
            if (cancelled(p.cancel)) {
                return LS_CANCELLED;
            }
            next = block_end(p, t, p.queries_to, query_epoch);
            block.look(p, t, next);
            if (block.greatest_end > from && block.least_first < key) {
                query_block(p, w, block, keys, count, one_block);
            }
        }
        for (int g = 0; p.keys_too && g < count; g++) {
            add_slab(w.d_keys + g * BLOCK * key_width, p.dim, (float)p.scale, p.dk, p.dk_row, key_rows(p), keys[g].start,
                     keys[g].count);
            add_slab(w.d_values + g * BLOCK * value_width, p.value_dim, 1, p.dv, p.dv_row, key_rows(p), keys[g].start,
                     keys[g].count);
        }
    }
    return LS_OK;
}

/* δ = Σ P dP / Σ P of one branch alone, dropout in dP only: dOut · Oᵢ without having kept the branch's own output Oᵢ. */
ls_status attention_deltas(const ls_attention_params *params) {
    ls_attention_params p = *params;
    float *deltas = p.delta;
    p.delta = nullptr;
    p.out = nullptr; /* only log-sum-exps are asked for */
    Work w(p, group_of(p));
    QueryBlock block;
    for (int64_t t = p.queries_from, next; t < p.queries_to; t = next) {
        next = block_end(p, t, p.queries_to, query_epoch);
        block.look(p, t, next);
        load_state(p, block, w.lse, w.delta);
        pack_across(of_outputs(p), query_rows(p), t, block.count, 1, nullptr, COLS, w.d_out_panels);
        std::memset(w.sum, 0, sizeof(float) * BLOCK);
        std::memset(w.dot, 0, sizeof(float) * BLOCK);
        for (int64_t key = 0, end; key < p.keys_to && key < block.greatest_end; key = end) {
            end = block_end(p, key, p.keys_to, key_epoch);
            int64_t seen = block.reach(key, end - key);
            if (seen == 0) {
                continue;
            }
            if (cancelled(p.cancel)) {
                return LS_CANCELLED;
            }
            int64_t epochs = query_epoch(p, t) - key_epoch(p, key);
            if (block.packed != epochs) {
                block.packed = epochs;
                pack_across(of_queries(p), query_rows(p), t, block.count, (float)p.scale * LOG2_E, w.factors.of(p, epochs),
                            COLS, w.panels);
            }
            pack_across(of_keys(p), key_rows(p), key, seen, 1, nullptr, ROWS, w.key_strips);
            pack_across(of_values(p), key_rows(p), key, seen, 1, nullptr, ROWS, w.value_strips);
            for (int c = 0; c < block.count; c += COLS) {
                multiply_panel(w.key_strips, seen, w.panels, c, p.dim, w.scores);
                hide(p, block, key, seen, c, w.scores);
                multiply_panel(w.value_strips, seen, w.d_out_panels, c, p.value_dim, w.d_scores);
                drop(p, block, key, seen, c, w.d_scores);
                branch_sums(w.scores, w.d_scores, seen, c, w.lse, w.sum, w.dot);
            }
        }
        for (int64_t i = 0; i < block.count; i++) {
            /* Padded keys have weight 2^-lse each and no value. */
            double total = w.sum[i] + (double)p.pads * __builtin_exp2(-(double)w.lse[i]);
            deltas[query_rows(p).at(t + i)] = total == 0 ? 0 : (float)(w.dot[i] / total);
        }
    }
    return LS_OK;
}

} // namespace ls::LS_TIER
