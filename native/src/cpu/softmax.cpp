#include "kernels.h"
#include "math.h"
#include "row.h"

/* A row at a time, from memory once and from the first-level cache after that. */
namespace ls::LS_TIER {

namespace {

constexpr float LOG2_E = 1.442695f;
/* Exponentials of a row that is written past the caches: 16 KiB. */
constexpr int64_t KEPT = 4096;

template <bool PAST> void scale(const float *e, float factor, float *y, int64_t d) {
    sweep(d, [&](int64_t i, auto in) {
        F v = load(e + i, in) * factor;
        PAST ? store_past_caches(y + i, v, in) : store(y + i, v, in);
    });
}

} // namespace

ls_status softmax(const float *x, float *y, int64_t rows, int64_t d) {
    bool past = x != y && goes_past_caches(y, rows * d) && d % W == 0 && d <= KEPT;
    float kept[KEPT];
    for (int64_t row = 0; row < rows; row++, x += d, y += d) {
        float max = largest(x, d);
        float *e = past ? kept : y;
        float sum = row_sum(d, [&](int64_t i, auto in, F s) {
            F v = exp2_of_minus((max - load(x + i, in)) * LOG2_E);
            store(e + i, v, in);
            return s + within(v, in);
        });
        (past ? scale<true> : scale<false>)(e, 1 / sum, y, d);
    }
    settle_past_caches(past);
    return LS_OK;
}

ls_status softmax_backward(const float *y, const float *dy, float *dx, int64_t rows, int64_t d) {
    for (int64_t row = 0; row < rows; row++, y += d, dy += d, dx += d) {
        float dot = row_sum(d, [&](int64_t i, auto in, F s) { return fma(load(y + i, in), load(dy + i, in), s); });
        sweep(d, [&](int64_t i, auto in) {
            store(dx + i, fma(load(y + i, in), load(dy + i, in) - dot, load(dx + i, in)), in);
        });
    }
    return LS_OK;
}

} // namespace ls::LS_TIER
