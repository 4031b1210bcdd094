#include "families.h"

#include <cstring>

namespace {

void norms(int64_t d, bool front) {
    if (d == 0) {
        return;
    }
    int64_t rows = 3;
    Numbers numbers(d + 3);
    Guarded<float> x(rows * d, front), w(d, front), b(d, front), y(rows * d, front), mean(rows, front), rstd(rows, front);
    Guarded<float> dy(rows * d, front), dx(rows * d, front), dw(d, front), db(d, front);
    numbers.fill(x);
    numbers.fill(w);
    numbers.fill(b);
    numbers.fill(dy);
    for (bool centred : {true, false}) {
        ok(ls_norm(x, w, b, 0.25f, 0.01, y, centred ? (float *)mean : nullptr, rstd, rows, d));
        std::memset(dx, 0, sizeof(float) * rows * d);
        std::memset(dw, 0, sizeof(float) * d);
        std::memset(db, 0, sizeof(float) * d);
        ok(ls_norm_backward(x, w, 0.25f, centred ? (float *)mean : nullptr, rstd, 0, dy, dx, dw, db, rows, d));
        std::vector<double> want_dw(d), want_db(d);
        for (int64_t i = 0; i < rows; i++) {
            double m = 0, squares = 0, mg = 0, mgx = 0;
            for (int64_t j = 0; centred && j < d; j++) m += (double)x[i * d + j] / d;
            for (int64_t j = 0; j < d; j++) squares += (x[i * d + j] - m) * (x[i * d + j] - m) / d;
            double r = 1 / std::sqrt(squares + 0.01);
            for (int64_t j = 0; j < d; j++) {
                double g = dy[i * d + j] * (w[j] + 0.25), hat = (x[i * d + j] - m) * r;
                close_to("norm", i * d + j, y[i * d + j], hat * (w[j] + 0.25) + b[j], 3e-5);
                mg += centred ? g / d : 0;
                mgx += g * hat / d;
                want_dw[j] += hat * dy[i * d + j];
                want_db[j] += dy[i * d + j];
            }
            for (int64_t j = 0; j < d; j++) {
                double g = dy[i * d + j] * (w[j] + 0.25), hat = (x[i * d + j] - m) * r;
                close_to("norm's gradient", i * d + j, dx[i * d + j], r * (g - mg - hat * mgx), 3e-4);
            }
        }
        for (int64_t j = 0; j < d; j++) {
            close_to("weight's gradient", j, dw[j], want_dw[j], 1e-4);
            close_to("bias's gradient", j, db[j], want_db[j], 1e-5);
        }
    }
}

/* The bits of a sum and of its norm, each on its own. */
void norms_of_sums(int64_t rows, int64_t d, bool front) {
    size_t bytes = sizeof(float) * rows * d;
    Numbers numbers(d + 6);
    Guarded<float> x(rows * d, front), f(rows * d, front), w(d, front), b(d, front), sum(rows * d, front), y(rows * d, front);
    Guarded<float> want_sum(rows * d, front), want(rows * d, front), mean(rows, front), rstd(rows, front);
    numbers.fill(x);
    numbers.fill(f);
    numbers.fill(w);
    numbers.fill(b);
    for (float alpha : {1.0f, 1.7f}) {
        ok(ls_axpby(1, f, 0, want_sum, rows * d));
        alpha == 1 ? ok(ls_add(x, f, want_sum, rows * d)) : ok(ls_axpby(alpha, x, 1, want_sum, rows * d));
        for (bool centred : {true, false}) {
            for (bool weighted : {true, false}) {
                float *means = centred ? (float *)mean : nullptr, *weights = weighted ? (float *)w : nullptr;
                float *biases = weighted && centred ? (float *)b : nullptr;
                ok(ls_norm(want_sum, weights, biases, 1, 0.01, want, means, rstd, rows, d));
                std::vector<float> moments(rstd.begin(), rstd.end());
                ok(ls_sum_norm(x, alpha, f, sum, weights, biases, 1, 0.01, y, means, rstd, rows, d));
                require(!std::memcmp(sum, want_sum, bytes), "a sum with a norm has other bits");
                require(!std::memcmp(y, want, bytes), "the norm of a sum has other bits");
                require(!std::memcmp(rstd, moments.data(), sizeof(float) * rows), "the norm of a sum has other moments");
                ok(ls_sum_norm(x, alpha, f, y, weights, biases, 1, 0.01, y, means, rstd, rows, d));
                require(!std::memcmp(y, want, bytes), "the norm of a sum in place has other bits");
            }
        }
    }
}

/* Rows multiplied by a factor that does not depend on them. */
void affine(int64_t d, bool front) {
    int64_t rows = 3;
    Numbers numbers(d + 4);
    Guarded<float> x(rows * d, front), w(d, front), b(d, front), y(rows * d, front);
    Guarded<float> dy(rows * d, front), dx(rows * d, front), dw(d, front), db(d, front);
    numbers.fill(x);
    numbers.fill(w);
    numbers.fill(b);
    numbers.fill(dy);
    ok(ls_affine(x, w, b, 0.25f, 0.5f, y, rows, d));
    ok(ls_norm_backward(x, w, 0.25f, nullptr, nullptr, 0.5f, dy, dx, dw, db, rows, d));
    std::vector<double> want_dw(d), want_db(d);
    for (int64_t i = 0; i < rows * d; i++) {
        close_to("affine", i, y[i], 0.5 * x[i] * (w[i % d] + 0.25) + b[i % d], 3e-6);
        close_to("affine's gradient", i, dx[i], 0.5 * dy[i] * (w[i % d] + 0.25), 3e-6);
        want_dw[i % d] += 0.5 * x[i] * dy[i];
        want_db[i % d] += dy[i];
    }
    for (int64_t j = 0; j < d; j++) {
        close_to("affine weight's gradient", j, dw[j], want_dw[j], 1e-5);
        close_to("affine bias's gradient", j, db[j], want_db[j], 1e-5);
    }
    Guarded<float> sums(d, front);
    numbers.fill(sums);
    std::vector<double> want(sums.begin(), sums.end());
    ok(ls_add_blocks(x, rows, d, sums));
    for (int64_t i = 0; i < rows * d; i++) want[i % d] += x[i];
    for (int64_t j = 0; j < d; j++) close_to("sum of blocks", j, sums[j], want[j], 2e-6);
}

void softmax(int64_t rows, int64_t d, bool front) {
    Numbers numbers(d + 5);
    Guarded<float> x(rows * d, front), y(rows * d, front), dy(rows * d, front), dx(rows * d, front);
    numbers.fill(x);
    numbers.fill(dy);
    numbers.fill(dx);
    std::vector<float> before(dx.begin(), dx.end());
    ok(ls_softmax(x, y, rows, d));
    ok(ls_softmax_backward(y, dy, dx, rows, d));
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0, dot = 0;
        for (int64_t j = i * d; j < (i + 1) * d; j++) sum += std::exp((double)x[j]);
        for (int64_t j = i * d; j < (i + 1) * d; j++) dot += std::exp((double)x[j]) / sum * dy[j];
        for (int64_t j = i * d; j < (i + 1) * d; j++) {
            double want = std::exp((double)x[j]) / sum;
            close_to("softmax", j, y[j] / want, 1, 2e-6);
            close_to("softmax's gradient", j, dx[j], before[j] + want * (dy[j] - dot), 3e-6);
        }
    }
}

} // namespace

void norm_test() {
    for (int64_t n : sizes()) {
        norms(n, false);
        norms(n, true);
        norms_of_sums(3, n, false);
        norms_of_sums(3, n, true);
        affine(n, false);
        affine(n, true);
        softmax(3, n, false);
        softmax(3, n, true);
    }
    /* Past the caches, but for the softmax of long rows. */
    norms(21856, true);
    norms_of_sums(64, 1024, true);
    softmax(64, 1024, true);
    softmax(3, 21856, true);
}
