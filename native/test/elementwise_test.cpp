#include "families.h"

#include <algorithm>
#include <cstring>

namespace {

void elementwise(int64_t n, bool front) {
    Numbers numbers(n + 1);
    Guarded<float> x(n, front), dy(n, front), y(n, front), old(n, front);
    numbers.fill(x);
    numbers.fill(dy);
    numbers.fill(old);
    auto reset = [&] { std::memcpy(y, old, sizeof(float) * n); };
    ok(ls_fill(0.5f, y, n));
    for (int64_t i = 0; i < n; i++) close_to("fill", i, y[i], 0.5, 0);
    reset();
    ok(ls_axpby(0.3f, x, 0.7f, y, n));
    for (int64_t i = 0; i < n; i++) close_to("axpby", i, y[i], 0.3 * x[i] + 0.7 * old[i], 1e-6);
    reset();
    ok(ls_add(x, dy, y, n));
    for (int64_t i = 0; i < n; i++) close_to("add", i, y[i], (double)x[i] + dy[i], 1e-6);
    reset();
    ok(ls_multiply(x, dy, y, n, 1));
    for (int64_t i = 0; i < n; i++) close_to("multiply", i, y[i], (double)x[i] * dy[i] + old[i], 3e-6);
    reset();
    ok(ls_add_scalar(2, y, n));
    for (int64_t i = 0; i < n; i++) close_to("add scalar", i, y[i], old[i] + 2.0, 1e-6);
    reset();
    ok(ls_clamp(0.5f, y, n));
    for (int64_t i = 0; i < n; i++) close_to("clamp", i, y[i], std::clamp((double)old[i], -0.5, 0.5), 0);
    double sum = 0, squares = 0, total, total_squares;
    for (int64_t i = 0; i < n; i++) {
        sum += x[i];
        squares += (double)x[i] * x[i];
    }
    ok(ls_sum(x, n, &total));
    ok(ls_sum_squares(x, n, &total_squares));
    close_to("sum", 0, total, sum, 1e-12 * (1 + n));
    close_to("sum of squares", 0, total_squares, squares, 1e-12 * (1 + n));
    reset();
    if (n > 2) {
        y[n - 1] = NAN;
        y[0] = INFINITY;
    }
    int64_t found;
    ok(ls_count_non_finite(y, n, &found));
    require(found == (n > 2 ? 2 : 0), "count of NaN and infinities");
    ok(ls_dropout(0.25, 3, 4, 100, x, y, n, 0));
    for (int64_t i = 0; i < n; i++) {
        require(y[i] == 0 || std::fabs(y[i] - x[i] / 0.75) < 1e-5, "dropout keeps or drops");
    }
}

} // namespace

void elementwise_test() {
    for (int64_t n : sizes()) {
        elementwise(n, false);
        elementwise(n, true);
    }
}
