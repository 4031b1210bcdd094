#include "ids.h"
#include "kernels.h"
#include "math.h"
#include "row.h"

#include <cinttypes>
#include <cmath>
#include <type_traits>

/* A row of logits at a time: its maximum, then the sum of exponentials, then a logarithm in double. */
namespace ls::LS_TIER {

namespace {

float sum_of_exp(const float *x, float max, int64_t n) {
    F total{};
    float rest[W] = {};
    sweep(n, [&](int64_t i, auto in) {
        if constexpr (std::is_same_v<decltype(in), All>) {
            total += exp(load(x + i) - max);
        } else {
            store(rest, exp(load(x + i, in) - max), in);
        }
    });
    return sum(total) + sum(load(rest));
}

ls_status outside(int64_t target, int64_t i, int64_t classes) {
    return bad("targets must be below classes: targets[%" PRId64 "]=%" PRId64 ", classes=%" PRId64, i, target, classes);
}

} // namespace

ls_status cross_entropy(const float *logits, int64_t logits_row, const void *targets, int32_t wide, float *losses,
                        float *lse, int64_t rows, int64_t classes) {
    Ids target{targets, wide};
    for (int64_t i = 0; i < rows; i++) {
        const float *row = logits + i * logits_row;
        if (target[i] >= classes) {
            return outside(target[i], i, classes);
        }
        float max = largest(row, classes);
        double log_sum = std::log((double)sum_of_exp(row, max, classes));
        lse[i] = (float)(max + log_sum);
        losses[i] = target[i] < 0 ? 0 : (float)((double)max - row[target[i]] + log_sum);
    }
    return LS_OK;
}

ls_status cross_entropy_backward(const float *logits, int64_t logits_row, const void *targets, int32_t wide,
                                 const float *lse, const float *d_losses, float *d_logits, int64_t d_row, int64_t rows,
                                 int64_t classes) {
    Ids target{targets, wide};
    for (int64_t i = 0; i < rows; i++) {
        if (target[i] >= classes) {
            return outside(target[i], i, classes);
        }
        if (target[i] < 0) {
            continue;
        }
        const float *row = logits + i * logits_row;
        float *to = d_logits + i * d_row;
        double miss = std::exp((double)row[target[i]] - lse[i]) - 1;
        float at_target = (float)(to[target[i]] + d_losses[i] * miss);
        sweep(classes, [&](int64_t j, auto in) {
            store(to + j, fma(exp(load(row + j, in) - lse[i]), broadcast(d_losses[i]), load(to + j, in)), in);
        });
        to[target[i]] = at_target;
    }
    return LS_OK;
}

} // namespace ls::LS_TIER
