#include "families.h"

namespace {

/* The same product with an activation of it has the bits of the two calls, with a gap between rows. */
void epilogue(ls_gemm_params p, const std::vector<float> &before, int64_t choice, bool front) {
    int64_t elements = p.rows * p.cols;
    Guarded<float> c(elements, front), up(elements, front), y((p.rows - 1) * (p.cols + 3) + p.cols, front), want(elements);
    std::copy(before.begin(), before.end(), c.begin());
    Numbers(elements).fill(up);
    const float *product = static_cast<const float *>(p.c);
    p.c = c;
    p.y = y;
    p.y_row = p.cols + 3;
    p.f = (int32_t)(choice % 5);
    if (choice & 1) {
        p.up = up;
        p.up_row = p.cols;
        ok(ls_gated(p.f, product, up, want, elements));
    } else {
        ok(ls_activation(p.f, product, want, elements));
    }
    ok(ls_gemm(&p));
    for (int64_t i = 0; i < elements; i++) {
        close_to("product of an epilogue", i, c[i], product[i], 0);
        close_to("epilogue", i, y[i / p.cols * p.y_row + i % p.cols], want[i], 0);
    }
}

/* Variants are added up: b across, accumulate, then LS_HALF_A, B, BIAS and C. */
void gemm(int64_t m, int64_t n, int64_t k, int variant, bool front) {
    Numbers numbers(m * 10007 + n * 101 + k);
    bool across = variant & 1, few = m <= 4, accumulate = variant & 2;
    int32_t halves = variant >> 2;
    Operand a(m * k, halves & LS_HALF_A, front), b(k * n, halves & LS_HALF_B, front), c(m * n, halves & LS_HALF_C, front);
    Operand bias(n, halves & LS_HALF_BIAS, front);
    numbers.fill(a.values);
    numbers.fill(b.values);
    numbers.fill(c.values);
    numbers.fill(bias.values);
    int64_t panels = (n + ls_gemm_panel() - 1) / ls_gemm_panel();
    Guarded<float> packed(panels * ls_gemm_panel() * k), scratch(ls_gemm_scratch(m, n, k));
    ls_gemm_params p{};
    p.size = sizeof p;
    p.rows = m;
    p.cols = n;
    p.depth = k;
    p.a = a.written();
    p.a_row = across ? 1 : k;
    p.a_col = across ? m : 1;
    p.b_row = across ? 1 : n;
    p.b_col = across ? k : 1;
    if (few) {
        p.b = b.written();
    } else {
        ok(ls_gemm_pack(b.written(), halves & LS_HALF_B, p.b_row, p.b_col, n, k, packed));
        p.packed = packed;
    }
    void *added = bias.written();
    p.bias = accumulate ? nullptr : added;
    p.c = c.written();
    std::vector<float> before(c.values.begin(), c.values.end());
    p.c_row = n;
    p.scratch = scratch;
    p.accumulate = accumulate;
    p.halves = halves;
    ok(ls_gemm(&p));
    c.read();
    if (!(halves & LS_HALF_C)) {
        epilogue(p, before, m + n, front);
    }
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            double sum = accumulate ? before[i * n + j] : bias.values[j];
            double size = std::fabs(sum);
            for (int64_t t = 0; t < k; t++) {
                double term = (double)a.values[i * p.a_row + t * p.a_col] * b.values[t * p.b_row + j * p.b_col];
                sum += term;
                size += std::fabs(term);
            }
            double rounding = halves & LS_HALF_C ? std::fabs(sum) * HALF_ROUNDING : 0;
            close_to("gemm", i * n + j, c.values[i * n + j], sum, size * 1.2e-7 * (2 + std::sqrt((double)k)) + rounding);
        }
    }
}

void column_sums(int64_t rows, int64_t cols, bool front) {
    Numbers numbers(rows * 31 + cols);
    Guarded<float> x(rows * cols, front), sums(cols, front);
    numbers.fill(x);
    numbers.fill(sums);
    std::vector<double> want(sums.begin(), sums.end());
    ok(ls_add_column_sums(x, cols, rows, cols, sums));
    for (int64_t i = 0; i < rows * cols; i++) want[i % cols] += x[i];
    for (int64_t j = 0; j < cols; j++) close_to("column's sum", j, sums[j], want[j], 1e-6 * (1 + rows));
}

} // namespace

void gemm_test() {
    for (int64_t m : {1, 2, 4, 5, 6, 11, 12, 13, 24, 25, 40}) {
        for (int64_t n : sizes()) {
            if (n > 0 && n < 200) {
                for (int64_t k : {1, 2, 7, 31, 40}) {
                    gemm(m, n, k, (int)(m + n + k) % 4, n & 1);
                    gemm(m, n, k, (int)(m + 7 * n + 13 * k) % 64, n & 1);
                }
            }
        }
    }
    gemm(97, 65, 513, 0, false);
    gemm(3, 300, 600, 1, true);
    gemm(13, 33, 0, 0, false);
    for (int64_t n : sizes()) {
        column_sums(n, 1 + n % 40, false);
        column_sums(1 + n % 7, n, true);
    }
    column_sums(2049, 17, false);
}
