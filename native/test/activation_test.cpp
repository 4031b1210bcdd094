#include "families.h"

namespace {

double cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

double value(int f, double x) {
    switch (f) {
    case LS_RELU: return x > 0 ? x : 0;
    case LS_GELU: return x * cdf(x);
    case LS_GELU_TANH: return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case LS_SILU: return x / (1 + std::exp(-x));
    default: return std::tanh(x);
    }
}

void activations(int64_t n, bool front) {
    Numbers numbers(n + 2);
    for (int f = LS_RELU; f <= LS_TANH; f++) {
        Guarded<float> x(n, front), up(n, front), dy(n, front), y(n, front), dx(n, front), du(n, front);
        numbers.fill(x);
        numbers.fill(up);
        numbers.fill(dy);
        ok(ls_activation(f, x, y, n));
        ok(ls_activation_backward(f, x, dy, dx, n));
        for (int64_t i = 0; i < n; i++) {
            double h = 1e-5;
            double slope = (value(f, x[i] + h) - value(f, x[i] - h)) / (2 * h);
            close_to("activation", i, y[i], value(f, x[i]), 1e-6);
            close_to("its slope", i, dx[i], slope * dy[i], 2e-5);
            dx[i] = 0;
        }
        ok(ls_gated(f, x, up, y, n));
        ok(ls_gated_backward(f, x, up, dy, dx, du, n));
        for (int64_t i = 0; i < n; i++) {
            double h = 1e-5;
            double slope = (value(f, x[i] + h) - value(f, x[i] - h)) / (2 * h);
            close_to("gated", i, y[i], value(f, x[i]) * up[i], 3e-6);
            close_to("its gate's gradient", i, dx[i], slope * dy[i] * up[i], 5e-5);
            close_to("its other gradient", i, du[i], value(f, x[i]) * dy[i], 3e-6);
        }
    }
    require(ls_activation(9, nullptr, nullptr, 0) == LS_BAD_ARGUMENT, "an unknown activation is refused");
}

} // namespace

void activation_test() {
    for (int64_t n : sizes()) {
        activations(n, false);
        activations(n, true);
    }
    /* Past the caches. */
    activations(65541, true);
}
