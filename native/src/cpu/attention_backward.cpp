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

template <class E> struct Work {
    E *panels, *query_slab, *key_strips, *key_slabs, *value_strips, *d_out_panels, *d_out_slab, *decayed_keys;
    float *scores, *d_scores, *d_queries, *d_keys, *d_values, *lse, *delta, *sum, *dot;
    /* Of a block: weights and gradients of scores as operands of sums over queries, and the latter of sums over keys. */
    E *weights, *d_rows, *d_columns;
    Factors factors;

    Work(const ls_attention_params &p, int group) {
        Bump scratch{p.scratch};
        int64_t key = padded(p.dim), value = padded(p.value_dim), half = elements<E>(BLOCK);
        panels = scratch.take<E>(BLOCK * elements<E>(p.dim));
        query_slab = scratch.take<E>(half * key);
        key_strips = scratch.take<E>(group * BLOCK * elements<E>(p.dim));
        key_slabs = scratch.take<E>(group * half * key);
        value_strips = scratch.take<E>(group * BLOCK * elements<E>(p.value_dim));
        scores = scratch.floats(BLOCK * BLOCK);
        d_scores = scratch.floats(BLOCK * BLOCK);
        if constexpr (TERMS<E> == 1) {
            weights = scores;
            d_rows = d_columns = d_scores;
        } else {
            weights = scratch.take<E>(half * BLOCK);
            d_rows = scratch.take<E>(half * BLOCK);
            d_columns = scratch.take<E>(half * BLOCK);
        }
        d_out_panels = scratch.take<E>(BLOCK * elements<E>(p.value_dim));
        d_out_slab = scratch.take<E>(half * value);
        d_queries = scratch.floats(BLOCK * key);
        d_keys = scratch.floats(group * BLOCK * key);
        d_values = scratch.floats(group * BLOCK * value);
        decayed_keys = scratch.take<E>(half * key);
        lse = scratch.floats(BLOCK);
        delta = scratch.floats(BLOCK);
        sum = scratch.floats(BLOCK);
        dot = scratch.floats(BLOCK);
        factors.values = scratch.floats(p.dim);
    }
};

/* In double: δ is what weighted sums of dP cancel with. */
double dot(const float *a, const float *b, int64_t n) {
    double sum = 0;
    for (int64_t d = 0; d < n; d++) {
        sum += (double)a[d] * b[d];
    }
    return sum;
}

/* In chains that fill vectors. */
double dot(const Half *a, const Half *b, int64_t n) {
    constexpr int CHAINS = 8;
    double sums[CHAINS] = {};
    int64_t d = 0;
    for (; d + CHAINS <= n; d += CHAINS) {
        for (int i = 0; i < CHAINS; i++) {
            sums[i] += (double)value(a[d + i]) * value(b[d + i]);
        }
    }
    for (int i = 0; d < n; d++, i++) {
        sums[i] += (double)value(a[d]) * value(b[d]);
    }
    double sum = 0;
    for (double s : sums) {
        sum += s;
    }
    return sum;
}

/* Log-sum-exps in powers of two and δ of a block of queries; rows without keys get weights of zero. */
void load_state(const ls_attention_params &p, const QueryBlock &block, float *lse, float *delta) {
    for (int i = 0; i < BLOCK; i++) {
        lse[i] = -HIDDEN;
        delta[i] = 0;
    }
    for (int64_t i = 0; i < block.count; i++) {
        int64_t row = query_rows(p).at(block.start + i);
        float own = p.lse[row * p.lse_row];
        if (own == -__builtin_inff()) {
            continue;
        }
        lse[i] = (float)(own / LN_2);
        if (p.delta) {
            delta[i] = p.delta[row];
        } else if (p.out) {
            double sum = 0;
            visit(p.d_out, all_half(p), [&](auto *gradients) {
                auto *out = static_cast<decltype(gradients)>(p.out) + row * p.out_row;
                sum = dot(out, gradients + row * p.d_out_row, p.value_dim);
            });
            delta[i] = (float)sum - (p.d_lse ? p.d_lse[row * p.d_lse_row] : 0);
        }
    }
}

/*
 * weights = 2^(scores − lse), gradients of scores = weights · (dScores − δ), of a panel: from gradients of the weights to those
 * of the scores. Floats of rows and columns lie at one place.
 */
template <class E>
void gradients(const float *scores, const float *d_scores, int64_t keys, const float *lse, const float *delta, E *weights,
               E *d_rows, E *d_columns) {
    F l0 = load(lse), l1 = load(lse + W);
    F d0 = load(delta), d1 = load(delta + W);
    for (int64_t k = 0; k < keys; k += TERMS<E>, d_columns += BLOCK) {
        F left[TERMS<E>], right[TERMS<E>];
#pragma GCC unroll 2
        for (int t = 0; t < TERMS<E>; t++) {
            const float *s = scores + (k + t) * BLOCK, *d = d_scores + (k + t) * BLOCK;
            F w0 = exp2_of_minus(l0 - load(s)), w1 = exp2_of_minus(l1 - load(s + W));
            left[t] = w0 * (load(d) - d0);
            right[t] = w1 * (load(d + W) - d1);
            put_along(weights + (k + t) * BLOCK / TERMS<E>, w0, w1);
            put_along(d_rows + (k + t) * BLOCK / TERMS<E>, left[t], right[t]);
        }
        if constexpr (TERMS<E> == 2) {
            put_across(d_columns, left, right);
        }
    }
}

/*
 * As gradients, in place, where these may be all the keys that the queries see: what then is left of Σ dS, which is zero, is the
 * rounding of δ, and is taken off each weight's share. The gradient of a key's bias consists of nothing else. Where more than
 * rounding is left there are other keys elsewhere, and dS stays as it is.
 */
void centred_gradients(float *scores, float *d_scores, int64_t keys, const float *lse, const float *delta) {
    for (int i = 0; i < COLS; i += W) {
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

/* weights = 2^(scores − lse), sum += Σ weights, dot += Σ weights · dScores, of a panel. */
void branch_sums(const float *scores, const float *d_scores, int64_t keys, const float *lse, float *sum, float *dot) {
    for (int i = 0; i < COLS; i += W) {
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

/* Weights and gradients of scores of a panel, queries c to c + COLS, and the keys from `key` on, as operands. */
template <class E>
void panel_gradients(const ls_attention_params &p, Work<E> &w, const QueryBlock &block, int64_t key, int64_t seen, int c,
                     float *scores, float *d_scores, bool one_block) {
    constexpr int T = TERMS<E>;
    E *weights = w.weights + c / T, *d_rows = w.d_rows + c / T, *d_columns = w.d_columns + c;
    int64_t keys = complete<E>(scores, seen);
    drop(p, block, key, seen, c, d_scores);
    if (one_block) {
        centred_gradients(scores, d_scores, keys, w.lse + c, w.delta + c);
    } else if (T == 2 && p.drop_rate == 0) {
        gradients(scores, d_scores, keys, w.lse + c, w.delta + c, weights, d_rows, d_columns);
        return;
    } else {
        gradients(scores, d_scores, keys, w.lse + c, w.delta + c, scores, d_scores, d_scores);
    }
    if (p.keys_too) {
        drop(p, block, key, seen, c, scores);
    }
    rows_of(scores, keys, weights);
    rows_of(d_scores, keys, d_rows);
    columns_of(d_scores, keys, d_columns);
}

template <class E>
void query_block(const ls_attention_params &p, Work<E> &w, QueryBlock &block, const KeyBlock *keys, int count, bool one_block) {
    int64_t key_width = padded(p.dim), value_width = padded(p.value_dim);
    int64_t dim = elements<E>(p.dim), value_dim = elements<E>(p.value_dim);
    int64_t rows = block.count;
    pack_across(of_outputs(p), query_rows(p), block.start, rows, COLS, w.d_out_panels);
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
            pack_queries(p, block.start, rows, factors, w.panels);
            if (p.keys_too) {
                pack_slab(of_queries(p), query_rows(p), block.start, rows, factors, w.query_slab);
            }
        }
        for (int c = 0; c < rows; c += COLS) {
            float *scores = panel_of<E>(w.scores, c), *d_scores = panel_of<E>(w.d_scores, c);
            score_panel(p, w.key_strips + g * BLOCK * dim, seen, w.panels + c * dim, scores);
            hide(p, block, key, seen, c, scores);
            multiply_panel(w.value_strips + g * BLOCK * value_dim, seen, w.d_out_panels + c * value_dim, p.value_dim, d_scores);
            panel_gradients(p, w, block, key, seen, c, scores, d_scores, one_block);
        }
        if (p.keys_too) {
            add_rows_times(w.weights, seen, rows, w.d_out_slab, p.value_dim, w.d_values + g * BLOCK * value_width);
            add_rows_times(w.d_rows, seen, rows, w.query_slab, p.dim, w.d_keys + g * BLOCK * key_width);
        }
        if (p.queries_too) {
            const E *slab = w.key_slabs + g * elements<E>(BLOCK) * key_width;
            if (factors) {
                pack_slab(of_keys(p), key_rows(p), key, seen, factors, w.decayed_keys);
                slab = w.decayed_keys;
            }
            add_columns_times<End::ADD>(w.d_columns, seen, rows, slab, p.dim, w.d_queries);
        }
    }
    if (p.queries_too) {
        add_slab(w.d_queries, p.dim, (float)p.scale, p.dq, p.dq_row, query_rows(p), block.start, rows);
    }
}

template <class E> ls_status backward(const ls_attention_params &p) {
    int group = group_of(p);
    Work<E> w(p, group);
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
            pack_across(of_keys(p), key_rows(p), key, end - key, ROWS, w.key_strips + count * BLOCK * elements<E>(p.dim));
            pack_slab(of_keys(p), key_rows(p), key, end - key, nullptr, w.key_slabs + count * elements<E>(BLOCK) * key_width);
            pack_across(of_values(p), key_rows(p), key, end - key, ROWS,
                        w.value_strips + count * BLOCK * elements<E>(p.value_dim));
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

template <class E> ls_status sums_of_branch(ls_attention_params p) {
    float *deltas = p.delta;
    p.delta = nullptr;
    p.out = nullptr; /* only log-sum-exps are asked for */
    Work<E> w(p, group_of(p));
    QueryBlock block;
    for (int64_t t = p.queries_from, next; t < p.queries_to; t = next) {
        next = block_end(p, t, p.queries_to, query_epoch);
        block.look(p, t, next);
        load_state(p, block, w.lse, w.delta);
        pack_across(of_outputs(p), query_rows(p), t, block.count, COLS, w.d_out_panels);
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
                pack_queries(p, t, block.count, w.factors.of(p, epochs), w.panels);
            }
            pack_across(of_keys(p), key_rows(p), key, seen, ROWS, w.key_strips);
            pack_across(of_values(p), key_rows(p), key, seen, ROWS, w.value_strips);
            for (int c = 0; c < block.count; c += COLS) {
                float *scores = panel_of<E>(w.scores, c), *d_scores = panel_of<E>(w.d_scores, c);
                score_panel(p, w.key_strips, seen, w.panels + c * elements<E>(p.dim), scores);
                hide(p, block, key, seen, c, scores);
                multiply_panel(w.value_strips, seen, w.d_out_panels + c * elements<E>(p.value_dim), p.value_dim, d_scores);
                drop(p, block, key, seen, c, d_scores);
                branch_sums(scores, d_scores, seen, w.lse + c, w.sum + c, w.dot + c);
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

} // namespace

ls_status attention_backward(const ls_attention_params *params) {
    return with_operands(*params, [&]<class E>(E) { return backward<E>(*params); });
}

/* δ = Σ P dP / Σ P of one branch alone, dropout in dP only: dOut · Oᵢ without having kept the branch's own output Oᵢ. */
ls_status attention_deltas(const ls_attention_params *params) {
    return with_operands(*params, [&]<class E>(E) { return sums_of_branch<E>(*params); });
}

} // namespace ls::LS_TIER
