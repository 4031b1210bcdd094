#include "kernels.h"
#include "tile.h"

#include <type_traits>

/*
 * Products from packed panels. An element's sum takes its terms in order by fused multiply-adds, in chains that begin with
 * zero and are added up in order, and is then added to c: its bits depend on its row, its column and the depth alone, but
 * where few rows meet weights that lie along the sums. The caller cuts the depth where the sums are to be added.
 */
namespace ls::LS_TIER {

namespace {

/* Terms that are packed at once: a strip of a and a panel of b stay in the first-level cache. */
constexpr int64_t SLICE = 256;
/* Vectors of partial sums where the weights lie along the sums: a multiply-add takes four cycles. */
constexpr int ABREAST = 4;

/* Bytes from a half in work to the one that is asked for: three pages, where the CPU itself looks no further than the page's end. */
constexpr int AHEAD = 12 << 10;

/* Calls add(first, from, to) for chain after chain. */
template <class Add> void chains(int64_t depth, Add add) {
    for (int64_t k = 0; k < depth; k += CHAIN) {
        add(k == 0, k, depth - k < CHAIN ? depth : k + CHAIN);
    }
}

/* c's elements from (row, col) on = sums (+ c) (+ bias), then y's, while c's are in the first cache. */
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
    if (p.y) {
        const float *c = static_cast<const float *>(p.c) + row * p.c_row + col;
        float *y = p.y + row * p.y_row + col;
        p.up ? gated(p.f, c, p.up + row * p.up_row + col, y, count) : activation(p.f, c, y, count);
    }
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

/* Terms side by side: partial sums, then their lanes halves on halves, then the last few terms. */
template <class B> float along(const float *a, const B *b, int64_t depth) {
    F s[ABREAST] = {};
    int64_t k = 0;
    auto add = [&](int vectors) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++, k += W) {
            if (!std::is_same_v<B, float> && v % 2 == 0) {
                __builtin_prefetch(reinterpret_cast<const char *>(b + k) + AHEAD);
            }
            s[v] = fma(load(b + k), load(a + k), s[v]);
        }
    };
    while (k + ABREAST * W <= depth) {
        add(ABREAST);
    }
    if (k + ABREAST / 2 * W <= depth) {
        add(ABREAST / 2);
    }
    float total = sum((s[0] + s[1]) + (s[2] + s[3]));
    for (; k < depth; k++) {
        total = fma(value(b[k]), a[k], total);
    }
    return total;
}

/* A row of a as floats, where it lies or in scratch. */
template <class A> const float *row_of(const ls_gemm_params &p, const A *a, float *scratch) {
    if constexpr (std::is_same_v<A, float>) {
        if (p.a_col == 1) {
            return a;
        }
    }
    for (int64_t k = 0; k < p.depth; k++) {
        scratch[k] = value(a[k * p.a_col]);
    }
    return scratch;
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
                    if (p.b_row == 1) {
                        const float *row = row_of(p, a + i * p.a_row, p.scratch + FEW * W);
                        for (int64_t j = 0; j < count; j++) {
                            p.scratch[j] = along(row, b + (col + j) * p.b_col, p.depth);
                        }
                    } else {
                        across(p, a + i * p.a_row, b + col, count, p.scratch);
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
    int64_t tiled = strips * (depth < SLICE ? depth : SLICE) + strips * round_up(cols, COLS);
    return FEW * W + (depth < tiled ? tiled : depth);
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
                        tile<1, ROWS, End::STORE>(terms, a + row * slice, b, COLS, c, width);
                    } else {
                        tile<1, ROWS, End::ADD>(terms, a + row * slice + t * ROWS, b + t * COLS, COLS, c, width);
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
