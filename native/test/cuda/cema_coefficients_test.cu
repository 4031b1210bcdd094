#include "../check.h"
#include "device.h"

/* CEMA's coefficients against their formulas, and the way back against central differences, in double. */
namespace {

struct Case {
    int64_t channels, modes;
    bool phases;
    uint64_t seed;

    double logistic(double x) { return 1 / (1 + std::exp(-x)); }

    /* Σ gradient ⊙ (q, p, c), with one parameter moved by `by`; plain loops. */
    double loss(const std::vector<double> *parameters, const double *dq, const double *dp, const double *dc) {
        double sum = 0;
        for (int64_t d = 0; d < channels; d++) {
            for (int64_t k = 0; k < modes; k++) {
                int64_t at = d * modes + k, re = 2 * k * channels + d;
                double pole = logistic(parameters[0][at]), radius = 1 - pole * logistic(parameters[1][at]);
                double phase = phases ? (double)(k + 1) * 2 * M_PI / (double)modes * logistic(parameters[2][d]) : 0;
                double scale = pole / std::sqrt((double)modes);
                sum += dq[re] * radius * std::cos(phase) + dq[re + channels] * radius * std::sin(phase) +
                       dp[k * channels + d] * pole;
                sum += scale * (dc[re] * parameters[3][2 * at] + dc[re + channels] * parameters[3][2 * at + 1]);
            }
        }
        return sum;
    }

    void check() {
        int64_t n = channels * modes, sizes[4] = {n, n, channels, 2 * n};
        Numbers numbers(seed);
        Guarded<float> alpha(n), delta(n), theta(channels), gamma(2 * n), d_alpha(n), d_delta(n), d_theta(channels),
            d_gamma(2 * n);
        Guarded<double> q(2 * n), p(n), c(2 * n), dq(2 * n), dp(n), dc(2 * n);
        Guarded<float> *inputs[4] = {&alpha, &delta, &theta, &gamma},
                       *gradients[4] = {&d_alpha, &d_delta, &d_theta, &d_gamma};
        std::vector<double> parameters[4], before[4];
        for (int i = 0; i < 4; i++) {
            numbers.fill(*inputs[i]);
            numbers.fill(*gradients[i]);
            parameters[i].assign(inputs[i]->begin(), inputs[i]->end());
            before[i].assign(gradients[i]->begin(), gradients[i]->end());
        }
        for (auto *values : {&dq, &dp, &dc}) {
            numbers.fill(*values);
        }
        for (auto *values : {&q, &p, &c}) {
            for (int64_t i = 0; i < values->size(); i++) {
                (*values)[i] = NAN;
            }
        }
        ls_cuda_cema_coefficients_params params{
            sizeof params, channels, modes, alpha, delta, phases ? theta.begin() : nullptr, gamma, q, p, c, dq, dp, dc,
            d_alpha, d_delta, d_theta, d_gamma};
        require(ls_cuda_cema_coefficients(&params, nullptr) == LS_OK, ls_cuda_last_error());
        require(ls_cuda_cema_coefficients_backward(&params, nullptr) == LS_OK, ls_cuda_last_error());
        // Each result weighted by what it alone has: the loss with a gradient of one in one place.
        std::vector<double> one(2 * n), none(2 * n);
        for (int64_t i = 0; i < 2 * n; i++) {
            one[i] = 1;
            close_to("q", i, q[i], loss(parameters, one.data(), none.data(), none.data()), 1e-14);
            close_to("c", i, c[i], loss(parameters, none.data(), none.data(), one.data()), 1e-14);
            if (i < n) {
                close_to("p", i, p[i], loss(parameters, none.data(), one.data(), none.data()), 1e-15);
            }
            one[i] = 0;
        }
        for (int g = 0; g < 4; g++) {
            for (int64_t i = 0; i < sizes[g]; i++) {
                double kept = parameters[g][i], by = 1e-5;
                parameters[g][i] = kept + by;
                double above = loss(parameters, dq, dp, dc);
                parameters[g][i] = kept - by;
                double below = loss(parameters, dq, dp, dc);
                parameters[g][i] = kept;
                close_to("gradient", g * 1000 + i, (*gradients[g])[i], before[g][i] + (above - below) / (2 * by), 1e-5);
            }
        }
    }
};

} // namespace

int main() {
    uint64_t seed = 0;
    for (int64_t channels : {1, 3, 31, 33}) {
        for (int64_t modes : {1, 2, 9}) {
            Case{channels, modes, modes != 2, seed++}.check();
        }
    }
    std::puts("cema coefficients: ok");
}
