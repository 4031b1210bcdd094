#pragma once

#include "attention_cases.h"

/* Attention's kernels against the plain loops, backward too. */
namespace cases {

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

/* Final log-sum-exps are given, so deltas may be anything: those of the branch go on to the gradients. */
inline void backward(const std::string &what, Case &c) {
    finish(c);
    Params p = c.params();
    p.d_lse = c.d_lse;
    double share = c.s.half ? 0.02 : 1e-5;
    Gradients expected(c);
    for (int64_t n = 0; n < c.lse.size(); n++) {
        int64_t i = n % c.s.queries, h = n / c.s.queries % c.s.heads, b = n / c.s.queries / c.s.heads;
        expected.delta[n] = -c.d_lse[n];
        for (int64_t d = 0; d < c.s.value_dim; d++) {
            expected.delta[n] += (double)c.out.at(b, i, h, d) * c.d_out.at(b, i, h, d);
        }
    }
    require(ls_cuda_attention_dots(&p, nullptr) == LS_OK, ls_cuda_last_error());
    compare(what + ", dots", c.delta, expected.delta, share);
    expected.add_deltas(c);
    require(ls_cuda_attention_deltas(&p, nullptr) == LS_OK, ls_cuda_last_error());
    compare(what + ", delta", c.delta, expected.delta, share);
    expected.add(c);
    require(ls_cuda_attention_backward(&p, nullptr) == LS_OK, ls_cuda_last_error());
    compare(what + ", dq", c.dq.memory.values, expected.dq, share);
    compare(what + ", dk", c.dk.memory.values, expected.dk, share);
    compare(what + ", dv", c.dv.memory.values, expected.dv, share);
}

inline void both(const std::string &what, Case &c) {
    forward(what.c_str(), c);
    backward(what, c);
}

} // namespace cases
