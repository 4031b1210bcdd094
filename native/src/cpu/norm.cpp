#include "kernels.h"
#include "row.h"

#include <cmath>

/* A row at a time, from memory once and from the first-level cache after that. */
namespace ls::LS_TIER {

namespace {

template <class Lanes> F factor(const float *weight, float offset, int64_t i, Lanes in) {
    return weight ? load(weight + i, in) + offset : broadcast(1);
}

template <bool PAST, class Fetch>
void apply(const float *x, float m, float r, const float *weight, float offset, const float *bias, float *y, int64_t d,
           Fetch fetch) {
    sweep(d, [&](int64_t i, auto in) {
        fetch(i);
        F shift = bias ? load(bias + i, in) : F{};
        F v = fma((load(x + i, in) - m) * r, factor(weight, offset, i, in), shift);
        PAST ? store_past_caches(y + i, v, in) : store(y + i, v, in);
    });
}

/* Rows as they lie. */
struct Given {
    const float *x;

    template <class Lanes> F first(int64_t i, Lanes in) const { return load(x + i, in); }
    void fetch(int64_t i) const { __builtin_prefetch(x + i); }
    void step(int64_t d) { x += d; }
};

/* Rows of alpha·left + right, which are stored to x when they are read first. */
struct Sums {
    const float *left, *right;
    float alpha;
    float *x;

    template <class Lanes> F first(int64_t i, Lanes in) const {
        F sum = fma(load(left + i, in), broadcast(alpha), load(right + i, in));
        store(x + i, sum, in);
        return sum;
    }
    void fetch(int64_t i) const {
        __builtin_prefetch(left + i);
        __builtin_prefetch(right + i);
    }
    void step(int64_t d) {
        left += d;
        right += d;
        x += d;
    }
};

template <class Rows>
ls_status norms(Rows of, const float *weight, const float *bias, float weight_offset, double eps, float *y, float *mean,
                float *rstd, int64_t rows, int64_t d) {
    bool past = of.x != y && goes_past_caches(y, rows * d) && d % W == 0;
    for (int64_t row = 0; row < rows; row++, of.step(d), y += d) {
        float m = 0;
        auto squares = [&](auto element) {
            return row_sum(d, [&](int64_t i, auto in, F s) {
                F c = within(element(i, in) - m, in);
                return fma(c, c, s);
            });
        };
        float spread;
        if (mean) {
            m = row_sum(d, [&](int64_t i, auto in, F s) { return s + of.first(i, in); }) / (float)d;
            mean[row] = m;
            spread = squares([&](int64_t i, auto in) { return load(of.x + i, in); });
        } else {
            spread = squares([&](int64_t i, auto in) { return of.first(i, in); });
        }
        float r = (float)(1 / std::sqrt(spread / (float)d + eps));
        rstd[row] = r;
        /* The sums over the next row would wait for memory: rows of 4,096 bytes take 0.7 to 0.9 of the time with this. */
        auto fetch = [&, next = row + 1 < rows ? d : 0](int64_t i) { of.fetch(next + i); };
        past ? apply<true>(of.x, m, r, weight, weight_offset, bias, y, d, fetch)
             : apply<false>(of.x, m, r, weight, weight_offset, bias, y, d, fetch);
    }
    settle_past_caches(past);
    return LS_OK;
}

} // namespace

ls_status norm(const float *x, const float *weight, const float *bias, float weight_offset, double eps, float *y,
               float *mean, float *rstd, int64_t rows, int64_t d) {
    return norms(Given{x}, weight, bias, weight_offset, eps, y, mean, rstd, rows, d);
}

ls_status sum_norm(const float *x, float alpha, const float *f, float *sum, const float *weight, const float *bias,
                   float weight_offset, double eps, float *y, float *mean, float *rstd, int64_t rows, int64_t d) {
    return norms(Sums{x, f, alpha, sum}, weight, bias, weight_offset, eps, y, mean, rstd, rows, d);
}

ls_status affine(const float *x, const float *weight, const float *bias, float weight_offset, float factor, float *y,
                 int64_t rows, int64_t d) {
    for (int64_t row = 0; row < rows; row++) {
        apply<false>(x + row * d, 0, factor, weight, weight_offset, bias, y + row * d, d, [](int64_t) {});
    }
    return LS_OK;
}

/* dx += r·(g − mean(g) − x̂·mean(g ⊙ x̂)) with g = dy ⊙ w and x̂ = (x − m)·r. */
ls_status norm_backward(const float *x, const float *weight, float weight_offset, const float *mean, const float *rstd,
                        float factor_of_rows, const float *dy, float *dx, float *d_weight, float *d_bias, int64_t rows,
                        int64_t d) {
    for (int64_t row = 0; row < rows; row++, x += d, dy += d) {
        float m = mean ? mean[row] : 0;
        float r = rstd ? rstd[row] : factor_of_rows;
        auto g = [&](int64_t i, auto in) { return load(dy + i, in) * factor(weight, weight_offset, i, in); };
        if (dx) {
            float mean_g = 0;
            float mean_gx = 0;
            if (mean) {
                mean_g = row_sum(d, [&](int64_t i, auto in, F s) { return s + g(i, in); }) / (float)d;
            }
            if (rstd) {
                mean_gx = row_sum(d, [&](int64_t i, auto in, F s) {
                    return fma(g(i, in), within(load(x + i, in) - m, in), s);
                }) * r / (float)d;
            }
            float *to = dx + row * d;
            sweep(d, [&](int64_t i, auto in) {
                F slope = g(i, in) - mean_g;
                if (rstd) {
                    slope = fma((load(x + i, in) - m) * r, broadcast(-mean_gx), slope);
                }
                store(to + i, fma(slope, broadcast(r), load(to + i, in)), in);
            });
        }
        if (d_weight) {
            sweep(d, [&](int64_t i, auto in) {
                store(d_weight + i, fma((load(x + i, in) - m) * r, load(dy + i, in), load(d_weight + i, in)), in);
            });
        }
        if (d_bias) {
            sweep(d, [&](int64_t i, auto in) { store(d_bias + i, load(d_bias + i, in) + load(dy + i, in), in); });
        }
    }
    return LS_OK;
}

ls_status add_blocks(const float *blocks, int64_t count, int64_t d, float *sums) {
    for (int64_t j = 0; j < d; j++) {
        double sum = 0;
        for (int64_t i = 0; i < count; i++) {
            sum += blocks[i * d + j];
        }
        sums[j] = (float)(sums[j] + sum);
    }
    return LS_OK;
}

} // namespace ls::LS_TIER
