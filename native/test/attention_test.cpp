#include "families.h"

#include <algorithm>
#include <cstring>

namespace {

struct AttentionSize {
    int64_t queries, keys, dim, value_dim;
    bool causal;
};

/* What rounding weights and their gradients to bfloat16 moves of a sum by: at most this share of its terms' sizes. */
double share_of_sizes(bool half) { return half && std::strcmp(ls_tier(), "avx512_bf16") == 0 ? HALF_ROUNDING : 0; }

/* Forward and gradients of one head; causal queries are the last ones. */
void attention(AttentionSize s, bool half, bool front) {
    Numbers numbers(s.queries * 31 + s.keys);
    Operand of_q(s.queries * s.dim, half, front), of_k(s.keys * s.dim, half, front), of_v(s.keys * s.value_dim, half, front);
    Operand of_out(s.queries * s.value_dim, half, front), of_d_out(s.queries * s.value_dim, half, front);
    Guarded<float> &q = of_q.values, &k = of_k.values, &v = of_v.values, &out = of_out.values, &d_out = of_d_out.values;
    Guarded<float> d_lse(s.queries, front), deltas(s.queries, front);
    Guarded<float> lse(s.queries, front), dq(s.queries * s.dim, front), dk(s.keys * s.dim, front), dv(s.keys * s.value_dim, front);
    Guarded<int32_t> first(s.queries, front), end(s.queries, front);
    Guarded<float> scratch(ls_attention_scratch(s.dim, s.value_dim));
    numbers.fill(q);
    numbers.fill(k);
    numbers.fill(v);
    numbers.fill(d_out);
    numbers.fill(d_lse);
    for (int64_t i = 0; i < s.queries; i++) {
        lse[i] = -INFINITY;
        end[i] = (int32_t)(s.causal ? s.keys - s.queries + i + 1 : s.keys);
    }
    ls_attention_params p{};
    p.size = sizeof p;
    p.dim = s.dim;
    p.value_dim = s.value_dim;
    p.half = half;
    p.q = of_q.written();
    p.k = of_k.written();
    p.v = of_v.written();
    p.q_row = p.k_row = p.dq_row = p.dk_row = s.dim;
    p.v_row = p.out_row = p.d_out_row = p.dv_row = s.value_dim;
    p.out = of_out.written();
    p.lse = lse;
    p.lse_row = 1;
    p.query_run = p.query_period = p.key_run = p.key_period = p.position_run = p.position_period = 1;
    p.queries_to = s.queries;
    p.keys_to = p.keys = s.keys;
    p.first = first;
    p.end = end;
    p.scale = 1 / std::sqrt((double)s.dim);
    p.scratch = scratch;
    ok(ls_attention(&p));
    of_out.read();
    p.d_out = of_d_out.written();
    p.delta = deltas;
    ok(ls_attention_deltas(&p));
    p.delta = nullptr;
    p.d_lse = d_lse;
    p.d_lse_row = 1;
    p.dq = dq;
    p.dk = dk;
    p.dv = dv;
    p.keys_too = p.queries_too = p.dense = 1;
    ok(ls_attention_backward(&p));
    double share = share_of_sizes(half);
    std::vector<double> want_dk(s.keys * s.dim), want_dv(s.keys * s.value_dim);
    std::vector<double> dk_sizes(s.keys * s.dim), dv_sizes(s.keys * s.value_dim);
    for (int64_t i = 0; i < s.queries; i++) {
        std::vector<double> weights(end[i]);
        double max = -INFINITY, sum = 0, delta = -d_lse[i], own = 0;
        for (int64_t j = 0; j < end[i]; j++) {
            for (int64_t d = 0; d < s.dim; d++) weights[j] += p.scale * q[i * s.dim + d] * k[j * s.dim + d];
            max = std::max(max, weights[j]);
        }
        for (double &w : weights) sum += w = std::exp(w - max);
        close_to("lse", i, lse[i], max + std::log(sum), 5e-6);
        std::vector<double> o(s.value_dim), sizes(s.value_dim), want_dq(s.dim), dq_sizes(s.dim);
        for (int64_t j = 0; j < end[i]; j++) {
            weights[j] /= sum;
            for (int64_t d = 0; d < s.value_dim; d++) {
                o[d] += weights[j] * v[j * s.value_dim + d];
                sizes[d] += weights[j] * std::fabs(v[j * s.value_dim + d]);
            }
        }
        for (int64_t d = 0; d < s.value_dim; d++) {
            double bound = 5e-6 + share * sizes[d];
            close_to("attention", i * s.value_dim + d, out[i * s.value_dim + d], o[d],
                     bound + (half ? (std::fabs(o[d]) + bound) * HALF_ROUNDING : 0));
            /* What the kernel was given as its output. */
            delta += (half ? out[i * s.value_dim + d] : o[d]) * d_out[i * s.value_dim + d];
        }
        for (int64_t j = 0; j < end[i]; j++) {
            double dp = 0;
            for (int64_t d = 0; d < s.value_dim; d++) {
                dp += (double)v[j * s.value_dim + d] * d_out[i * s.value_dim + d];
                want_dv[j * s.value_dim + d] += weights[j] * d_out[i * s.value_dim + d];
                dv_sizes[j * s.value_dim + d] += weights[j] * std::fabs(d_out[i * s.value_dim + d]);
            }
            own += weights[j] * dp;
            double ds = weights[j] * (dp - delta) * p.scale;
            for (int64_t d = 0; d < s.dim; d++) {
                want_dq[d] += ds * k[j * s.dim + d];
                want_dk[j * s.dim + d] += ds * q[i * s.dim + d];
                dq_sizes[d] += std::fabs(ds * k[j * s.dim + d]);
                dk_sizes[j * s.dim + d] += std::fabs(ds * q[i * s.dim + d]);
            }
        }
        close_to("delta", i, deltas[i], own, 2e-5);
        for (int64_t d = 0; d < s.dim; d++) {
            close_to("dq", i * s.dim + d, dq[i * s.dim + d], want_dq[d], 2e-5 + share * dq_sizes[d]);
        }
    }
    for (int64_t i = 0; i < s.keys * s.dim; i++) close_to("dk", i, dk[i], want_dk[i], 5e-5 + share * dk_sizes[i]);
    for (int64_t i = 0; i < s.keys * s.value_dim; i++) close_to("dv", i, dv[i], want_dv[i], 5e-5 + share * dv_sizes[i]);
    int32_t raised = 1;
    p.cancel = &raised;
    require(s.keys == 0 || ls_attention(&p) == LS_CANCELLED, "a raised flag stops attention");
}

} // namespace

void attention_test() {
    for (int64_t n = 1; n <= 40; n++) {
        attention({n, n, 1 + n % 9, 1 + n % 35, true}, n % 3 == 0, n & 1);
        attention({1 + n % 5, n, 8, 17, false}, n % 3 == 1, n & 1);
    }
    for (int64_t n : {95, 96, 97, 200, 300}) {
        attention({n, n, 24, 40, true}, n & 1, false);
        attention({n / 2, n, 33, 65, false}, !(n & 1), true);
    }
}
