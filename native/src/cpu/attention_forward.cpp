#include "attention.h"
#include "kernels.h"

#include <cmath>

/*
 * Softmax attention by an online softmax, lanes = queries, so that maxima and sums over keys need no sum across lanes. Key
 * blocks come first, so that one packing of a block serves a group of query blocks. Dao et al., arXiv 2205.14135.
 */
namespace ls::LS_TIER {

namespace {

/* max = max(max, scores), weights = 2^(scores − max), rescale = 2^(old max − max), sum = sum · rescale + Σ weights. */
template <class E>
void softmax(const float *scores, int64_t keys, float *max, float *sum, float *rescale, E *weights) {
    F old0 = load(max), old1 = load(max + W);
    F m0 = old0, m1 = old1;
    for (int64_t k = 0; k < keys; k++) {
        m0 = larger(m0, load(scores + k * BLOCK));
        m1 = larger(m1, load(scores + k * BLOCK + W));
    }
    F r0 = exp2_of_minus(m0 - old0), r1 = exp2_of_minus(m1 - old1);
    F s0{}, s1{};
    for (int64_t k = 0; k < keys; k += TERMS<E>, weights += BLOCK) {
        F left[TERMS<E>], right[TERMS<E>];
#pragma GCC unroll 2
        for (int t = 0; t < TERMS<E>; t++) {
            const float *s = scores + (k + t) * BLOCK;
            left[t] = exp2_of_minus(m0 - load(s));
            right[t] = exp2_of_minus(m1 - load(s + W));
            s0 += left[t];
            s1 += right[t];
        }
        put_across(weights, left, right);
    }
    store(max, m0);
    store(max + W, m1);
    store(rescale, r0);
    store(rescale + W, r1);
    store(sum, fma(load(sum), r0, s0));
    store(sum + W, fma(load(sum + W), r1, s1));
}

/* One query's result joins what its row holds: both are weighted by their share of the sum of exponentials. */
void merge(const ls_attention_params &p, int64_t row, float max, float sum, const float *output) {
    bool no_key = max == HIDDEN && !std::isnan(sum); /* the sum is of hidden ones */
    if (no_key && p.pads == 0) {
        return;
    }
    double top = max * LN_2;
    double total = no_key ? 0 : sum;
    double own = p.pads == 0 ? top + ::log(total)
                             : (top > 0 ? top : 0) + ::log(total * ::exp(top < 0 ? top : 0) +
                                                           (double)p.pads * ::exp(-(top > 0 ? top : 0)));
    float *lse = p.lse + row * p.lse_row;
    double earlier = *lse;
    double merged = own;
    float keep = 0;
    if (earlier != -HUGE_VAL) {
        double greater = own > earlier ? own : earlier;
        merged = greater + ::log(::exp(own - greater) + ::exp(earlier - greater));
        keep = (float)::exp(earlier - merged);
    }
    float share = total == 0 ? 0 : (float)::exp(top - merged);
    *lse = (float)merged;
    visit(p.out, all_half(p), [&](auto *outputs) {
        auto *to = outputs + row * p.out_row;
        sweep(p.value_dim, [&](int64_t d, auto in) {
            F o = load(output + d, in) * share;
            store(to + d, keep != 0 ? fma(load(to + d, in), broadcast(keep), o) : o, in);
        });
    });
}

template <class E> struct Work {
    E *panels, *key_strips, *value_slab, *weights;
    float *scores, *outputs, *max, *sum;
    Factors factors;

    Work(const ls_attention_params &p, int group) {
        Bump scratch{p.scratch};
        panels = scratch.take<E>(group * BLOCK * elements<E>(p.dim));
        key_strips = scratch.take<E>(BLOCK * elements<E>(p.dim));
        value_slab = scratch.take<E>(elements<E>(BLOCK) * padded(p.value_dim));
        scores = scratch.floats(BLOCK * BLOCK);
        if constexpr (TERMS<E> == 1) {
            weights = scores;
        } else {
            weights = scratch.take<E>(elements<E>(BLOCK) * BLOCK);
        }
        outputs = scratch.floats(group * BLOCK * padded(p.value_dim));
        max = scratch.floats(group * BLOCK);
        sum = scratch.floats(group * BLOCK);
        factors.values = scratch.floats(p.dim);
    }
};

/* A group of query blocks against all keys that any of them sees. */
template <class E> ls_status run(const ls_attention_params &p, Work<E> &w, QueryBlock *blocks, int count) {
    int64_t width = padded(p.value_dim);
    int64_t first = INT32_MAX, end = 0;
    for (int g = 0; g < count; g++) {
        first = blocks[g].least_first < first ? blocks[g].least_first : first;
        end = blocks[g].greatest_end > end ? blocks[g].greatest_end : end;
    }
    for (int64_t i = 0; i < count * BLOCK; i++) {
        w.max[i] = HIDDEN;
        w.sum[i] = 0;
    }
    std::memset(w.outputs, 0, sizeof(float) * count * BLOCK * width);
    float rescale[BLOCK] = {};
    for (int64_t key = 0, next; key < p.keys_to && key < end; key = next) {
        next = block_end(p, key, p.keys_to, key_epoch);
        if (next <= first) {
            continue;
        }
        if (cancelled(p.cancel)) {
            return LS_CANCELLED;
        }
        pack_across(of_keys(p), key_rows(p), key, next - key, ROWS, w.key_strips);
        pack_slab(of_values(p), key_rows(p), key, next - key, nullptr, w.value_slab);
        for (int g = 0; g < count; g++) {
            QueryBlock &block = blocks[g];
            int64_t seen = block.reach(key, next - key);
            if (seen == 0) {
                continue;
            }
            E *panels = w.panels + g * BLOCK * elements<E>(p.dim);
            int64_t epochs = query_epoch(p, block.start) - key_epoch(p, key);
            if (block.packed != epochs) {
                block.packed = epochs;
                pack_queries(p, block.start, block.count, w.factors.of(p, epochs), panels);
            }
            for (int c = 0; c < block.count; c += COLS) {
                float *scores = panel_of<E>(w.scores, c);
                score_panel(p, w.key_strips, seen, panels + c * elements<E>(p.dim), scores);
                hide(p, block, key, seen, c, scores);
                int64_t keys = complete<E>(scores, seen);
                float *max = w.max + g * BLOCK + c, *sum = w.sum + g * BLOCK + c;
                if (p.drop_rate == 0) {
                    softmax(scores, keys, max, sum, rescale + c, w.weights + c);
                } else {
                    softmax(scores, keys, max, sum, rescale + c, scores);
                    drop(p, block, key, seen, c, scores);
                    columns_of(scores, keys, w.weights + c);
                }
            }
            add_columns_times<End::RESCALE>(w.weights, seen, block.count, w.value_slab, p.value_dim,
                                              w.outputs + g * BLOCK * width, rescale);
        }
    }
    for (int g = 0; g < count; g++) {
        for (int64_t i = 0; i < blocks[g].count; i++) {
            merge(p, query_rows(p).at(blocks[g].start + i), w.max[g * BLOCK + i], w.sum[g * BLOCK + i],
                  w.outputs + (g * BLOCK + i) * width);
        }
    }
    return LS_OK;
}

template <class E> ls_status forward(const ls_attention_params &p) {
    int group = group_of(p);
    Work<E> w(p, group);
    QueryBlock blocks[GROUP];
    for (int64_t t = p.queries_from; t < p.queries_to;) {
        int count = 0;
        while (count < group && t < p.queries_to) {
            int64_t end = block_end(p, t, p.queries_to, query_epoch);
            blocks[count++].look(p, t, end);
            t = end;
        }
        ls_status status = run(p, w, blocks, count);
        if (status != LS_OK) {
            return status;
        }
    }
    return LS_OK;
}

} // namespace

int64_t attention_span(int64_t dim, int64_t value_dim) {
    ls_attention_params p{};
    p.dim = dim;
    p.value_dim = value_dim;
    return group_of(p) * BLOCK;
}

int64_t attention_scratch(int64_t dim, int64_t value_dim) {
    ls_attention_params p{};
    p.dim = dim;
    p.value_dim = value_dim;
    int64_t group = group_of(p);
    int64_t key = padded(dim), value = padded(value_dim);
    /* What the backward takes, which is more than the forward; its parts are rounded up. */
    return BLOCK * (2 * dim + value_dim + 3 * key + 2 * value + group * (dim + 2 * key + 2 * value)) + 4 * BLOCK * BLOCK +
           2 * GROUP * BLOCK + dim + 24 * 16;
}

ls_status attention(const ls_attention_params *params) {
    const ls_attention_params &p = *params;
    return with_operands(p, [&]<class E>(E) { return forward<E>(p); });
}

} // namespace ls::LS_TIER
