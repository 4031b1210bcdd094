#pragma once

#include "device.h"

/* Outputs and log-sum-exps of keys that come in parts. */
namespace ls::cuda {

constexpr float INF = __builtin_huge_valf();

/* A row's share in what it and its earlier keys give together: out · keep + sums · own. */
struct Share {
    float keep, own, lse;
    bool nothing;
};

/* Of sums that are normalised by `own`. */
LS_DEVICE Share joined(double lse, float own, float earlier) {
    if (earlier == -INF) {
        return {0, own, (float)lse, false};
    }
    float ahead = (float)(lse - earlier);
    double greater = ahead > 0 ? lse : (double)earlier;
    return {1 / (1 + expf(ahead)), own / (1 + expf(-ahead)), (float)(greater + log1pf(expf(-fabsf(ahead)))), false};
}

/* base: the greatest score in powers of two; sum: of 2^(score − base). */
LS_DEVICE Share share_of(float base, float sum, int64_t pads, float earlier) {
    bool none = sum == 0;
    if (none && pads == 0) {
        return {1, 0, earlier, true};
    }
    /* In double what is added to logarithms: of them only differences count. */
    double top = none ? 0 : base * 0.6931471805599453, lse;
    float own;
    if (pads == 0) {
        lse = top + logf(sum);
        own = 1 / sum;
    } else {
        float low = none ? 0 : expf(fminf((float)top, 0));
        double high = top > 0 ? top : 0;
        float total = sum * low + (float)pads * expf(-(float)high);
        lse = high + logf(total);
        own = low / total;
    }
    return joined(lse, own, earlier);
}

/* What becomes of an element of out. */
template <class T> LS_DEVICE float merged(T earlier, float sum, const Share &share) {
    return share.keep == 0 ? sum * share.own : fmaf(value(earlier), share.keep, sum * share.own);
}

} // namespace ls::cuda
