#include "sizes.h"

#include <cstdlib>
#include <cstring>
#include <memory>

/* Products of all layouts and types against sums in double. */
namespace {

constexpr int ALL = LS_HALF_A | LS_HALF_B | LS_HALF_BIAS | LS_HALF_C;

struct Case {
    int64_t rows, cols, depth;
    bool deep_a, deep_b; /* neighbours over the depth */
    int64_t gap;         /* elements between lines */
    int halves;
    bool bias, accumulate, front;
};

/* A matrix by lines, `gap` elements between them that nobody may touch. */
struct Matrix {
    Operand values;
    int64_t pitch;
    bool turned;
    void *at;

    Matrix(int64_t rows, int64_t cols, bool turned, int64_t gap, bool half, bool front, Numbers &numbers)
        : values(size(turned ? cols : rows, turned ? rows : cols, gap), half, front),
          pitch((turned ? rows : cols) + gap), turned(turned) {
        numbers.fill(values.values);
        at = values.written();
    }

    static int64_t size(int64_t lines, int64_t length, int64_t gap) {
        return lines ? (lines - 1) * (length + gap) + length : 0;
    }
    int64_t row() const { return turned ? 1 : pitch; }
    int64_t col() const { return turned ? pitch : 1; }
    float of(int64_t i, int64_t j) const { return values.values[i * row() + j * col()]; }
};

void *blas = nullptr;

void product(const Case &t, uint64_t seed) {
    Numbers numbers(seed);
    Matrix a(t.rows, t.depth, !t.deep_a, t.gap, t.halves & LS_HALF_A, t.front, numbers);
    Matrix b(t.depth, t.cols, t.deep_b, t.gap, t.halves & LS_HALF_B, t.front, numbers);
    Matrix bias(1, t.cols, false, 0, t.halves & LS_HALF_BIAS, t.front, numbers);
    Matrix c(t.rows, t.cols, false, t.gap, t.halves & LS_HALF_C, t.front, numbers);
    if (!t.accumulate) {
        for (int64_t i = 0; i < t.rows; i++) {
            for (int64_t j = 0; j < t.cols; j++) {
                c.values.values[i * c.pitch + j] = NAN;
            }
        }
        c.at = c.values.written();
    }
    std::vector<float> before(c.values.values.begin(), c.values.values.end());
    ls_cuda_gemm_params p{};
    p.size = sizeof p;
    p.rows = t.rows, p.cols = t.cols, p.depth = t.depth;
    p.a = a.at, p.a_row = a.row(), p.a_col = a.col();
    p.b = b.at, p.b_row = b.row(), p.b_col = b.col();
    p.bias = t.bias ? bias.at : nullptr;
    p.c = c.at, p.c_row = c.pitch;
    p.blas = blas;
    p.accumulate = t.accumulate;
    p.halves = t.halves;
    Guarded<char> scratch(ls_cuda_gemm_scratch(&p), true);
    p.scratch = scratch;
    works(ls_cuda_gemm(&p, nullptr));
    c.values.read();
    char what[160];
    std::snprintf(what, sizeof what, "%lld x %lld x %lld deep %d %d gap %lld halves %d bias %d accumulate %d seed %llu",
                  (long long)t.rows, (long long)t.cols, (long long)t.depth, t.deep_a, t.deep_b, (long long)t.gap,
                  t.halves, t.bias, t.accumulate, (unsigned long long)seed);
    for (int64_t i = 0; i < t.rows; i++) {
        for (int64_t j = 0; j < t.cols; j++) {
            double sum = t.bias ? bias.values.values[j] : 0, size = std::fabs(sum);
            for (int64_t k = 0; k < t.depth; k++) {
                double term = (double)a.of(i, k) * b.of(k, j);
                sum += term;
                size += std::fabs(term);
            }
            int64_t at = i * c.pitch + j;
            if (t.accumulate) {
                sum += before[at];
                size += std::fabs(before[at]);
            }
            close_to(what, at, c.values.values[at], sum,
                     6e-7 * size + 1e-7 + (t.halves & LS_HALF_C ? std::fabs(sum) * HALF_ROUNDING : 0));
        }
        for (int64_t j = t.cols; j < c.pitch && i + 1 < t.rows; j++) {
            int64_t at = i * c.pitch + j;
            require(std::memcmp(&c.values.values[at], &before[at], 4) == 0,
                    "what lies between rows must be left alone");
        }
    }
}

void random_products(int count, const std::vector<int64_t> &sizes, const std::vector<int> &halves, uint64_t seed) {
    uint64_t state = seed * 2654435761u + 99;
    auto pick = [&](uint64_t n) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        return (state >> 33) % n;
    };
    for (int i = 0; i < count; i++) {
        auto size = [&] { return sizes[pick(sizes.size())]; };
        int64_t rows = size(), cols = size(), depth = size();
        const int64_t gaps[] = {0, 0, 1, 8};
        uint64_t flags = pick(32);
        product({rows, cols, depth, (flags & 1) != 0, (flags & 2) != 0, gaps[pick(4)], halves[pick(halves.size())],
                 (flags & 4) != 0, (flags & 8) != 0, (flags & 16) != 0},
                seed + i);
    }
}

void everything() {
    std::vector<int> halves = {0, 0, LS_HALF_A | LS_HALF_B, ALL, LS_HALF_A, LS_HALF_B | LS_HALF_BIAS, LS_HALF_C};
    std::vector<int64_t> small;
    for (int64_t n = 1; n <= 40; n++) {
        small.push_back(n);
    }
    random_products(250, small, halves, 1000);
    random_products(60, {9, 16, 63, 64, 65, 127, 128, 129, 130}, halves, 2000);
    for (int flags = 0; flags < 8; flags++) {
        for (int half : {0, LS_HALF_A | LS_HALF_B, (int)LS_HALF_A}) {
            bool deep_a = flags & 1, deep_b = flags & 2, front = flags & 4;
            product({20, 37, 1100, deep_a, deep_b, 0, half, front, !front, front},
                    3000 + flags); /* parts of the depth */
            product({4, 70, 600, deep_a, deep_b, 8, half, !front, front, front}, 4000 + flags);
            product({70, 3, 600, deep_a, deep_b, 0, half, !front, front, front}, 5000 + flags);
            product({140, 30, 40, deep_a, deep_b, 1, half, front, front, front}, 6000 + flags);
        }
    }
    product({9, 5, 0, true, true, 0, 0, true, false, true}, 7000);
    product({9, 12, 0, true, true, 0, 0, true, true, true}, 7001);
    product({0, 12, 3, true, true, 0, 0, true, true, true}, 7002);
    product({300, 260, 33, true, true, 0, LS_HALF_A | LS_HALF_B, false, false, true}, 7003);
}

void column_sums() {
    for (int64_t rows : {0, 1, 2, 31, 33, 64, 65, 300}) {
        for (int64_t cols : {1, 3, 4, 17, 31, 128, 130}) {
            for (int64_t gap : {0, 3, 4}) {
                Numbers numbers(rows * 1000 + cols);
                Matrix x(rows, cols, false, gap, false, gap == 0, numbers);
                Guarded<float> sums(cols, gap != 0);
                numbers.fill(sums);
                std::vector<float> before(sums.begin(), sums.end());
                Guarded<char> scratch(ls_cuda_add_column_sums_scratch(rows, cols), true);
                works(ls_cuda_add_column_sums(x.values.values, x.pitch, rows, cols, sums, scratch, nullptr));
                for (int64_t j = 0; j < cols; j++) {
                    double e = before[j];
                    for (int64_t i = 0; i < rows; i++) {
                        e += x.of(i, j);
                    }
                    close_to("column sums", j, sums[j], e, 2e-6 * (1 + std::sqrt(rows)));
                }
            }
        }
    }
}

/* NaN of either kind in one element reaches its row of c and nothing else. */
void keeps_nan() {
    for (uint32_t bits : {0x7fc00000u, 0x7fffffffu, 0xffffffffu, 0x7f800001u}) {
        Guarded<float> a(9 * 8), b(8 * 9), c(81);
        Numbers numbers(1);
        numbers.fill(a);
        numbers.fill(b);
        std::memcpy(a + 13, &bits, 4);
        ls_cuda_gemm_params p{};
        p.size = sizeof p;
        p.rows = p.cols = 9, p.depth = 8;
        p.a = a, p.a_row = 8, p.a_col = 1, p.b = b, p.b_row = 9, p.b_col = 1, p.c = c, p.c_row = 9;
        works(ls_cuda_gemm(&p, nullptr));
        for (int i = 0; i < 81; i++) {
            require(std::isnan(c[i]) == (i / 9 == 1), "NaN stays in its row");
        }
    }
}

void refusals() {
    float x[4] = {};
    ls_cuda_gemm_params p{};
    p.size = 8;
    require(ls_cuda_gemm(&p, nullptr) == LS_BAD_ARGUMENT, "a struct of another size");
    p.size = sizeof p;
    p.rows = p.cols = p.depth = 2;
    p.a = p.b = x, p.c = x;
    p.a_row = p.a_col = 2, p.b_row = 2, p.b_col = 1;
    require(ls_cuda_gemm(&p, nullptr) == LS_BAD_ARGUMENT, "no stride is 1");
}

/* Through a library that has cuBLASLt's functions and computes what they ask for, or refuses. */
void by_blas() {
    setenv("LONGSPAN_CUBLASLT", "off", 1);
    works(ls_cuda_blas_open(&blas));
    require(!blas && std::strstr(ls_cuda_last_error(), "off"), "the environment turns it off");
    setenv("LONGSPAN_CUBLASLT", "/no/such/library.so", 1);
    works(ls_cuda_blas_open(&blas));
    require(!blas && std::strstr(ls_cuda_last_error(), "/no/such/library.so"), "a library that is not there is named");
    setenv("LONGSPAN_CUBLASLT", CUBLASLT_STANDS_IN, 1);
    works(ls_cuda_blas_open(&blas));
    require(blas, ls_cuda_last_error());
    everything();
    ls_cuda_blas_close(blas);
    blas = nullptr;
}

} // namespace

int main() {
    refusals();
    keeps_nan();
    column_sums();
    everything();
    by_blas();
    std::puts("gemm: ok");
}
