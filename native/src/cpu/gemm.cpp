#include "kernels.h"
#include "tile.h"

/*
 * Products from packed panels. An element's sum takes its terms in order by fused multiply-adds, in chains that begin with
 * zero and are added up in order, and is then added to c: its bits depend on its row, its column and the depth alone. The
 * caller cuts the depth where the sums are to be added.
 */
namespace ls::LS_TIER {

namespace {

/* Terms of a chain: the error's variance grows as they and the number of chains together. */
constexpr int64_t CHAIN = 64;
/* Terms that are packed at once: a strip of a and a panel of b stay in the first-level cache. */
constexpr int64_t SLICE = 256;
/* Columns summed at once where the weights lie along the sums: they do not wait for each other. */
constexpr int ABREAST = 8;

/* Calls add(first, from, to) for chain after chain. */
template <class Add> void chains(int64_t depth, Add add) {
    for (int64_t k = 0; k < depth; k += CHAIN) {
        add(k == 0, k, depth - k < CHAIN ? depth : k + CHAIN);
    }
}

/* c's elements from (row, col) on = sums (+ c) (+ bias). */
void put_row(const ls_gemm_params &p, const float *sums, int64_t row, int64_t col, int64_t count) {
    visit(p.c, p.halves & LS_HALF_C, [&](auto *all) {
        visit(p.bias, p.halves & LS_HALF_BIAS, [&](auto *bias) {
            auto *c = all + row * p.c_row + col;
            sweep(count, [&](int64_t j, auto in) {
                F sum = load(sums + j, in);
                if (p.accumulate) {
                    sum += load(c + j, in);
                }
                if (bias) {
                    sum += load(bias + col + j, in);
                }
                store(c + j, sum, in);
            });
        });
    });
}

/* Columns of b side by side: row after row of the weights, FEW vectors at a time. */
constexpr int FEW = 8;

template <class A, class B>
void across(const ls_gemm_params &p, const A *a, const B *b, int64_t count, float *sums) {
    if (count == FEW * W) {
        F total[FEW] = {};
        chains(p.depth, [&](bool first, int64_t from, int64_t to) {
            F s[FEW] = {};
            for (int64_t k = from; k < to; k++) {
                F term = broadcast(value(a[k * p.a_col]));
#pragma GCC unroll 8
                for (int v = 0; v < FEW; v++) {
                    s[v] = fma(term, load(b + k * p.b_row + v * W), s[v]);
                }
            }
            for (int v = 0; v < FEW; v++) {
                total[v] = first ? s[v] : total[v] + s[v];
            }
        });
        std::memcpy(sums, total, sizeof total);
        return;
    }
    sweep(count, [&](int64_t j, auto in) {
        F total{};
        chains(p.depth, [&](bool first, int64_t from, int64_t to) {
            F s{};
            for (int64_t k = from; k < to; k++) {
                s = fma(broadcast(value(a[k * p.a_col])), load(b + k * p.b_row + j, in), s);
            }
            total = first ? s : total + s;
        });
        store(sums + j, total, in);
    });
}

/* Terms side by side: scalars, ABREAST columns at a time. */
template <class A, class B>
void along(const ls_gemm_params &p, const A *a, const B *b, int64_t count, float *sums) {
    for (int64_t j = 0; j < count; j += ABREAST) {
        const B *w[ABREAST];
        float total[ABREAST] = {};
        for (int c = 0; c < ABREAST; c++) {
            /* Past the last column any weights do: their sums are not stored. */
            w[c] = b + (j + c < count ? j + c : count - 1) * p.b_col;
        }
        chains(p.depth, [&](bool first, int64_t from, int64_t to) {
            float s[ABREAST] = {};
            for (int64_t k = from; k < to; k++) {
                float term = value(a[k * p.a_col]);
#pragma GCC unroll 8
                for (int c = 0; c < ABREAST; c++) {
                    s[c] = fma(term, value(w[c][k * p.b_row]), s[c]);
                }
            }
            for (int c = 0; c < ABREAST; c++) {
                total[c] = first ? s[c] : total[c] + s[c];
            }
        });
        std::memcpy(sums + j, total, sizeof total);
    }
}

/* Up to four rows: each weight is used so seldom that packing it would cost more than it saves. */
ls_status few(const ls_gemm_params &p) {
    for (int64_t col = 0; col < p.cols; col += FEW * W) {
        if (cancelled(p.cancel)) {
            return LS_CANCELLED;
        }
        int64_t count = p.cols - col < FEW * W ? p.cols - col : FEW * W;
        visit(p.a, p.halves & LS_HALF_A, [&](auto *a) {
            visit(p.b, p.halves & LS_HALF_B, [&](auto *b) {
                for (int64_t i = 0; i < p.rows; i++) {
                    if (p.b_col == 1) {
                        across(p, a + i * p.a_row, b + col, count, p.scratch);
                    } else {
                        along(p, a + i * p.a_row, b + col * p.b_col, count, p.scratch);
                    }
                    put_row(p, p.scratch, i, col, count);
                }
            });
        });
    }
    return LS_OK;
}

} // namespace

int64_t gemm_panel() { return COLS; }

ls_status gemm_pack(const void *from, int32_t half, int64_t b_row, int64_t b_col, int64_t cols, int64_t depth, float *packed) {
    visit(from, half, [&](auto *b) { pack(b, b_col, b_row, cols, depth, COLS, packed); });
    return LS_OK;
}

int64_t gemm_scratch(int64_t rows, int64_t cols, int64_t depth) {
    int64_t strips = round_up(rows, ROWS);
    return FEW * W + strips * (depth < SLICE ? depth : SLICE) + strips * round_up(cols, COLS);
}

ls_status gemm(const ls_gemm_params *params) {
    const ls_gemm_params &p = *params;
    if (p.b) {
        return few(p);
    }
    int64_t padded = round_up(p.rows, ROWS);
    int64_t width = round_up(p.cols, COLS);
    float *sums = p.scratch;
    float *a = p.scratch + padded * width;
    for (int64_t k = 0; k == 0 || k < p.depth; k += SLICE) {
        int64_t slice = p.depth - k < SLICE ? p.depth - k : SLICE;
        visit(p.a, p.halves & LS_HALF_A,
              [&](auto *from) { pack(from + k * p.a_col, p.a_row, p.a_col, p.rows, slice, ROWS, a); });
        for (int64_t col = 0; col < width; col += COLS) {
            if (cancelled(p.cancel)) {
                return LS_CANCELLED;
            }
            const float *b = p.packed + col * p.depth + k * COLS;
            for (int64_t row = 0; row < padded; row += ROWS) {
                float *c = sums + row * width + col;
                for (int64_t t = 0; t == 0 || t < slice; t += CHAIN) {
                    int64_t terms = slice - t < CHAIN ? slice - t : CHAIN;
                    if (k + t == 0) {
                        tile<1, ROWS, Begin::ZERO>(terms, a + row * slice, b, COLS, c, width);
                    } else {
                        tile<1, ROWS, Begin::ADD>(terms, a + row * slice + t * ROWS, b + t * COLS, COLS, c, width);
                    }
                }
            }
        }
    }
    for (int64_t i = 0; i < p.rows; i++) {
        put_row(p, sums + i * width, i, 0, p.cols);
    }
    return LS_OK;
}

ls_status add_column_sums(const float *x, int64_t x_row, int64_t rows, int64_t cols, float *sums) {
    /* Blocks of rows bound the rounding error, as in products. */
    constexpr int64_t BLOCK = 2048;
    for (int64_t from = 0; from < rows; from += BLOCK) {
        int64_t to = from + BLOCK < rows ? from + BLOCK : rows;
        sweep(cols, [&](int64_t j, auto in) {
            F s{};
            for (int64_t i = from; i < to; i++) {
                s += load(x + i * x_row + j, in);
            }
            store(sums + j, load(sums + j, in) + s, in);
        });
    }
    return LS_OK;
}

} // namespace ls::LS_TIER
