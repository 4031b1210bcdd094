#include "attention_cases.h"

/* Attention's kernels against plain loops in double: sizes at tiles' edges, all patterns, both types. */
namespace {

using namespace cases;

/* What a random operand's result may be off by: float32 sums of some hundred terms, or weights and results of eight bits. */
double bound(const Case &c) { return c.s.half ? 0.03 : 2e-5; }

void forward(const char *what, Case &c) {
    Params p = c.params();
    std::vector<double> out(c.out.memory.values.begin(), c.out.memory.values.end()), lse(c.lse.begin(), c.lse.end());
    int64_t base = 0;
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
    for (int64_t i = base; i < c.lse.size(); i++) {
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

/* Final log-sum-exps of the case's keys and some others. */
void finish(Case &c) {
    c.each_query([&](int64_t b, const Task &t, int64_t i) {
        double sum = 0.2 + t.pads;
        for (int64_t j = 0; j < t.keys; j++) {
            sum += c.sees(b, t, i, j) ? std::exp(c.score(b, t, i, j)) : 0;
        }
        c.lse[c.number(b, t, i)] = (float)std::log(sum);
    });
}

struct Gradients {
    std::vector<double> dq, dk, dv, delta;

    explicit Gradients(const Case &c)
        : dq(c.dq.memory.values.begin(), c.dq.memory.values.end()), dk(c.dk.memory.values.begin(), c.dk.memory.values.end()),
          dv(c.dv.memory.values.begin(), c.dv.memory.values.end()), delta(c.delta.begin(), c.delta.end()) {}

    /* As `wanted` says of P and dP where it is given, and else by the deltas that the case holds. */
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

template <class Values>
void compare(const std::string &what, const Values &actual, const std::vector<double> &expected, double share) {
    double most = 1;
    for (double x : expected) {
        most = std::isfinite(x) ? std::max(most, std::fabs(x)) : most;
    }
    for (size_t i = 0; i < expected.size(); i++) {
        if (!std::isnan(expected[i])) {
            close_to(what.c_str(), (int64_t)i, actual[(int64_t)i], expected[i], share * most);
        } else {
            require(std::isnan(actual[(int64_t)i]), what.c_str());
        }
    }
}

void backward(const std::string &what, Case &c, bool detached) {
    finish(c);
    Params p = c.params();
    double share = c.s.half ? 0.02 : 1e-5;
    Gradients expected(c);
    if (detached) {
        expected.add_deltas(c);
        require(ls_cuda_attention_deltas(&p, nullptr) == LS_OK, ls_cuda_last_error());
    } else {
        p.d_lse = c.d_lse;
        for (int64_t n = 0; n < c.lse.size(); n++) {
            int64_t i = n % c.s.queries, h = n / c.s.queries % c.s.heads, b = n / c.s.queries / c.s.heads;
            expected.delta[n] = -c.d_lse[n];
            for (int64_t d = 0; d < c.s.value_dim; d++) {
                expected.delta[n] += (double)c.out.at(b, i, h, d) * c.d_out.at(b, i, h, d);
            }
        }
        require(ls_cuda_attention_dots(&p, nullptr) == LS_OK, ls_cuda_last_error());
    }
    compare(what + ", delta", c.delta, expected.delta, share);
    expected.add(c);
    require(ls_cuda_attention_backward(&p, nullptr) == LS_OK, ls_cuda_last_error());
    compare(what + ", dq", c.dq.memory.values, expected.dq, share);
    compare(what + ", dk", c.dk.memory.values, expected.dk, share);
    compare(what + ", dv", c.dv.memory.values, expected.dv, share);
}

void both(const std::string &what, Case &c) {
    forward(what.c_str(), c);
    backward(what, c, false);
    backward(what + ", detached", c, true);
}

void sizes() {
    for (bool half : {false, true}) {
        for (int64_t n : {1, 2, 7, 16, 17, 40, 63, 64, 65, 129}) {
            Case c({1, 1, n, n, 24, 8, half}, n);
            c.p.causal = n % 2;
            c.tasks = {dense(c.s)};
            both("sizes", c);
        }
        for (int64_t d : {1, 8, 24, 48, 64, 80, 128, 256}) {
            Case c({1, 2, 20, 70, d, d == 256 ? 300 : d, half, d % 3}, d);
            c.all_heads([&](int64_t) { return std::vector<Task>{dense(c.s)}; });
            both("dims", c);
        }
    }
}

} // namespace

int main() {
    sizes();
    std::puts("attention: ok");
}
