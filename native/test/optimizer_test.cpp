#include "families.h"

namespace {

void adamw(int64_t n, bool front) {
    Numbers numbers(n + 6);
    Guarded<float> w(n, front), g(n, front), m(n, front), v(n, front);
    numbers.fill(w);
    numbers.fill(g);
    std::vector<float> before(w.begin(), w.end());
    ok(ls_adamw(0.5f, 0.9f, 0.1f, 0.99f, 0.01f, 0.001f, 1e-6f, 0.0001f, w, g, m, v, n));
    for (int64_t i = 0; i < n; i++) {
        double mean = 0.05 * g[i], square = 0.0025 * g[i] * g[i];
        close_to("first moment", i, m[i], mean, 1e-7);
        close_to("weight", i, w[i], before[i] - (0.001 * mean / (std::sqrt(square) + 1e-6) + 0.0001 * before[i]), 1e-6);
    }
}

} // namespace

void optimizer_test() {
    for (int64_t n : sizes()) {
        adamw(n, false);
        adamw(n, true);
    }
}
