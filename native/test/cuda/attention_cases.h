#pragma once

#include "../check.h"
#include "device.h"

#include <functional>
#include <memory>

/* Attention by plain loops in double, and operands that lie flush against guarded pages. */
namespace cases {

using Params = ls_cuda_attention_params;
using Task = ls_cuda_attention_task;

/* Philox 4x32-10, written again: Salmon et al., SC 2011, figure 2. */
inline float uniform(uint64_t key, uint64_t stream, uint64_t counter) {
    uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    uint32_t k[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
    for (int round = 0; round < 10; round++, k[0] += 0x9E3779B9u, k[1] += 0xBB67AE85u) {
        uint64_t p0 = 0xD2511F53ull * c[0], p1 = 0xCD9E8D57ull * c[2];
        uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k[0], (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c[3] ^ k[1], (uint32_t)p0};
        std::memcpy(c, next, sizeof c);
    }
    return (float)(c[0] >> 8) / 16777216.0f;
}

struct Sizes {
    int64_t batch = 1, heads = 1, queries = 8, keys = 8, dim = 8, value_dim = 8;
    bool half = false;
    int64_t gap = 0; /* columns between rows that nobody may touch */
};

/* A tensor [B, N, H, D] with its gradient, its values as the kernel sees them. */
struct Matrix {
    int64_t rows, heads, dim, row;
    Operand memory;

    Matrix(const Sizes &s, int64_t rows, int64_t dim, bool half)
        : rows(rows), heads(s.heads), dim(dim), row(s.heads * dim + s.gap), memory(s.batch * rows * row, half, false) {}

    float &at(int64_t b, int64_t i, int64_t h, int64_t d) const { return memory.values[(b * rows + i) * row + h * dim + d]; }
};

struct Case {
    Sizes s;
    std::vector<Task> tasks;
    Params p{};
    Matrix q, k, v, out, d_out, dq, dk, dv;
    Guarded<float> lse, d_lse, delta;
    std::vector<int64_t> documents;
    std::vector<uint8_t> mask;
    std::vector<double> decay;
    std::unique_ptr<Guarded<char>> scratch;

    Case(const Sizes &sizes, uint64_t seed)
        : s(sizes), q(s, s.queries, s.dim, s.half), k(s, s.keys, s.dim, s.half), v(s, s.keys, s.value_dim, s.half),
          out(s, s.queries, s.value_dim, s.half), d_out(s, s.queries, s.value_dim, s.half), dq(s, s.queries, s.dim, false),
          dk(s, s.keys, s.dim, false), dv(s, s.keys, s.value_dim, false), lse(s.batch * s.heads * s.queries), d_lse(lse.size()),
          delta(lse.size()) {
        Numbers numbers(seed);
        for (Matrix *m : {&q, &k, &v, &d_out, &dq, &dk, &dv}) {
            numbers.fill(m->memory.values);
        }
        numbers.fill(d_lse);
        for (int64_t i = 0; i < lse.size(); i++) {
            lse[i] = -INFINITY;
            delta[i] = NAN;
        }
        for (int64_t i = 0; i < out.memory.values.size(); i++) {
            out.memory.values[i] = 0;
        }
        p.size = sizeof p;
        p.batch = s.batch, p.heads = s.heads, p.queries = s.queries, p.keys = s.keys, p.dim = s.dim, p.value_dim = s.value_dim;
        p.scale = 1 / std::sqrt((double)s.dim);
        p.half = s.half;
    }

    /* Every head gets tasks(head). */
    void all_heads(const std::function<std::vector<Task>(int64_t)> &of) {
        for (int64_t h = 0; h < s.heads; h++) {
            for (Task t : of(h)) {
                t.head = h;
                tasks.push_back(t);
            }
        }
    }

    /* Writes operands and gives the kernel's view of them. */
    Params params() {
        Params x = p;
        auto set = [](Matrix &m, int64_t &batch, int64_t &row, int64_t &head) {
            batch = m.rows * m.row, row = m.row, head = m.dim;
            return m.memory.written();
        };
        x.q = set(q, x.q_batch, x.q_row, x.q_head);
        x.k = set(k, x.k_batch, x.k_row, x.k_head);
        x.v = set(v, x.v_batch, x.v_row, x.v_head);
        x.out = set(out, x.out_batch, x.out_row, x.out_head);
        x.d_out = set(d_out, x.d_out_batch, x.d_out_row, x.d_out_head);
        x.dq = static_cast<float *>(set(dq, x.dq_batch, x.dq_row, x.dq_head));
        x.dk = static_cast<float *>(set(dk, x.dk_batch, x.dk_row, x.dk_head));
        x.dv = static_cast<float *>(set(dv, x.dv_batch, x.dv_row, x.dv_head));
        x.lse = lse, x.lse_batch = s.heads * s.queries, x.lse_head = s.queries, x.lse_row = 1;
        x.d_lse_batch = x.lse_batch, x.d_lse_head = x.lse_head, x.d_lse_row = 1;
        x.delta = delta;
        x.tasks = tasks.data(), x.task_count = (int64_t)tasks.size();
        x.most_queries = x.most_keys = 0;
        for (const Task &t : tasks) {
            x.most_queries = std::max(x.most_queries, t.queries);
            x.most_keys = std::max(x.most_keys, t.keys);
        }
        x.documents = documents.empty() ? nullptr : documents.data();
        x.mask = mask.empty() ? nullptr : mask.data();
        x.decay = decay.empty() ? nullptr : decay.data();
        scratch = std::make_unique<Guarded<char>>((ls_cuda_attention_scratch(&x) + 255) / 256 * 256);
        std::memset(scratch->begin(), 0xff, scratch->size());
        x.scratch = scratch->begin();
        return x;
    }

    static int64_t row(int64_t start, int64_t run, int64_t period, int64_t t) { return start + t / run * period + t % run; }
    int64_t query_row(const Task &t, int64_t i) const { return row(t.query_start, t.query_run, t.query_period, i); }
    int64_t key_row(const Task &t, int64_t j) const { return row(t.key_start, t.key_run, t.key_period, j); }
    int64_t number(int64_t b, const Task &t, int64_t i) const { return (b * s.heads + t.head) * s.queries + query_row(t, i); }

    bool sees(int64_t b, const Task &t, int64_t i, int64_t j) const {
        int64_t query = p.first_query + query_row(t, i), key = row(t.position_start, t.position_run, t.position_period, j);
        bool yes = !p.causal || key <= query;
        if (p.block > 0) {
            int64_t away = key / p.block - query / p.block;
            yes &= away >= -p.before && away <= p.after;
        }
        if (p.blockwise > 0) {
            yes &= key / (p.blockwise / 2) >= query / (p.blockwise / 2) - 1;
        }
        if (!documents.empty()) {
            const int64_t *starts = documents.data() + b * p.documents_batch;
            for (int64_t n = 0; n < p.document_count; n++) {
                yes &= (key >= starts[n]) == (query >= starts[n]);
            }
        }
        if (!mask.empty()) {
            yes &= mask[(size_t)(b * p.mask_batch + query_row(t, i) * p.mask_row + key_row(t, j) * p.mask_col)] != 0;
        }
        return yes;
    }

    double factor(const Task &t, int64_t i, int64_t j, int64_t d) const {
        if (p.epoch == 0) {
            return 1;
        }
        int64_t key = row(t.position_start, t.position_run, t.position_period, j);
        return std::exp2(decay[(size_t)d] * (double)((p.first_query + query_row(t, i)) / p.epoch - key / p.epoch));
    }

    double score(int64_t b, const Task &t, int64_t i, int64_t j) const {
        double sum = 0;
        for (int64_t d = 0; d < s.dim; d++) {
            sum += (double)q.at(b, query_row(t, i), t.head, d) * k.at(b, key_row(t, j), t.head, d) * factor(t, i, j, d);
        }
        return sum * p.scale;
    }

    double dropped(int64_t b, const Task &t, int64_t i, int64_t j) const {
        if (p.drop_rate == 0) {
            return 1;
        }
        uint64_t seed = (uint64_t)p.drop_seed ^ (uint64_t)(b * s.heads + t.head) * 0x9E3779B97F4A7C15ull;
        uint64_t stream = (uint64_t)p.drop_stream ^ (uint64_t)query_row(t, i) * 0xD1B54A32D192ED03ull;
        return uniform(seed, stream, (uint64_t)key_row(t, j)) < p.drop_rate ? 0 : 1 / (1 - p.drop_rate);
    }

    void each_query(const std::function<void(int64_t, const Task &, int64_t)> &body) const {
        for (int64_t b = 0; b < s.batch; b++) {
            for (const Task &t : tasks) {
                for (int64_t i = 0; i < t.queries; i++) {
                    body(b, t, i);
                }
            }
        }
    }
};

inline Task of_rows(int64_t start, int64_t stride, int64_t count, int64_t key_start, int64_t key_stride, int64_t keys, int64_t pads = 0) {
    return {0, start, 1, stride, count, key_start, 1, key_stride, keys, key_start, 1, key_stride, pads};
}

inline Task dense(const Sizes &s) { return of_rows(0, 1, s.queries, 0, 1, s.keys); }

/* Final log-sum-exps of the case's keys and some others. */
inline void finish(Case &c) {
    c.each_query([&](int64_t b, const Task &t, int64_t i) {
        double sum = 0.2 + t.pads;
        for (int64_t j = 0; j < t.keys; j++) {
            sum += c.sees(b, t, i, j) ? std::exp(c.score(b, t, i, j)) : 0;
        }
        c.lse[c.number(b, t, i)] = (float)std::log(sum);
    });
}

/* What a random operand's result may be off by: float32 sums of some hundred terms, or weights and results of eight bits. */
inline double bound(const Case &c) { return c.s.half ? 0.03 : 2e-5; }

/* Runs the kernel, and compares out and lse with what plain loops make of them. */
inline void forward(const char *what, Case &c) {
    Params p = c.params();
    std::vector<double> out(c.out.memory.values.begin(), c.out.memory.values.end()), lse(c.lse.begin(), c.lse.end());
    c.each_query([&](int64_t b, const Task &t, int64_t i) {
        double sum = t.pads, earlier = lse[c.number(b, t, i)];
        std::vector<double> total(c.s.value_dim);
        for (int64_t j = 0; j < t.keys; j++) {
            if (c.sees(b, t, i, j)) {
                double w = std::exp(c.score(b, t, i, j));
                sum += w;
                for (int64_t d = 0; d < c.s.value_dim; d++) {
                    total[d] += w * c.dropped(b, t, i, j) * c.v.at(b, c.key_row(t, j), t.head, d);
                }
            }
        }
        if (sum == 0) {
            return;
        }
        double all = sum + std::exp(earlier);
        lse[c.number(b, t, i)] = std::log(all);
        for (int64_t d = 0; d < c.s.value_dim; d++) {
            double &o = out[&c.out.at(b, c.query_row(t, i), t.head, d) - c.out.memory.values.begin()];
            o = (o * std::exp(earlier) + total[d]) / all;
        }
    });
    require(ls_cuda_attention(&p, nullptr) == LS_OK, ls_cuda_last_error());
    c.out.memory.read();
    for (int64_t i = 0; i < c.lse.size(); i++) {
        if (lse[i] == -INFINITY) {
            require(c.lse[i] == -INFINITY, what);
        } else {
            close_to((std::string(what) + ", lse").c_str(), i, c.lse[i], lse[i], c.s.half ? 0.02 : 1e-5);
        }
    }
    for (int64_t i = 0; i < (int64_t)out.size(); i++) {
        close_to((std::string(what) + ", out").c_str(), i, c.out.memory.values[i], out[i], bound(c));
    }
}

struct Gradients {
    std::vector<double> dq, dk, dv, delta;

    explicit Gradients(const Case &c)
        : dq(c.dq.memory.values.begin(), c.dq.memory.values.end()), dk(c.dk.memory.values.begin(), c.dk.memory.values.end()),
          dv(c.dv.memory.values.begin(), c.dv.memory.values.end()), delta(c.delta.begin(), c.delta.end()) {}

    void add(const Case &c) {
        auto at = [](std::vector<double> &values, const Matrix &m, int64_t b, int64_t i, int64_t h, int64_t d) -> double & {
            return values[&m.at(b, i, h, d) - m.memory.values.begin()];
        };
        c.each_query([&](int64_t b, const Task &t, int64_t i) {
            int64_t qi = c.query_row(t, i), h = t.head;
            float lse = c.lse[c.number(b, t, i)];
            for (int64_t j = 0; j < t.keys; j++) {
                if (!c.sees(b, t, i, j)) {
                    continue;
                }
                int64_t kj = c.key_row(t, j);
                double w = std::exp(c.score(b, t, i, j) - lse), drop = c.dropped(b, t, i, j), dp = 0;
                for (int64_t d = 0; d < c.s.value_dim; d++) {
                    dp += (double)c.d_out.at(b, qi, h, d) * c.v.at(b, kj, h, d);
                    at(dv, c.dv, b, kj, h, d) += w * drop * c.d_out.at(b, qi, h, d);
                }
                double ds = w * (dp * drop - c.delta[c.number(b, t, i)]) * c.p.scale;
                for (int64_t d = 0; d < c.s.dim; d++) {
                    at(dq, c.dq, b, qi, h, d) += ds * c.k.at(b, kj, h, d) * c.factor(t, i, j, d);
                    at(dk, c.dk, b, kj, h, d) += ds * c.q.at(b, qi, h, d) * c.factor(t, i, j, d);
                }
            }
        });
    }

    void add_deltas(const Case &c) {
        c.each_query([&](int64_t b, const Task &t, int64_t i) {
            double lse = c.lse[c.number(b, t, i)], sum = t.pads * std::exp(-lse), dot = 0;
            for (int64_t j = 0; j < t.keys; j++) {
                if (c.sees(b, t, i, j)) {
                    double w = std::exp(c.score(b, t, i, j) - lse);
                    sum += w;
                    for (int64_t d = 0; d < c.s.value_dim; d++) {
                        dot += w * c.dropped(b, t, i, j) * c.d_out.at(b, c.query_row(t, i), t.head, d) *
                               c.v.at(b, c.key_row(t, j), t.head, d);
                    }
                }
            }
            delta[c.number(b, t, i)] = sum == 0 ? 0 : dot / sum;
        });
    }
};

} // namespace cases
