#include "kernels.h"
#include "simd.h"

#include <cfloat>

namespace ls::LS_TIER {

namespace {

/* Subnormals become 0: the moments of rows without gradient fade into them, and would stay slow there for ever. */
inline F normal(F x) { return abs(x) < FLT_MIN ? F{} : x; }

} // namespace

/* One sweep over weight, gradient and both moments; the bias corrections are in rate and eps. */
ls_status adamw(float scale, float beta1, float rest1, float beta2, float rest2, float rate, float eps, float decay,
                float *weight, const float *gradient, float *m, float *v, int64_t n) {
    sweep(n, [&](int64_t i, auto in) {
        F g = load(gradient + i, in) * scale;
        F mean = normal(load(m + i, in) * beta1 + g * rest1);
        F square = normal(load(v + i, in) * beta2 + g * rest2 * g);
        F w = load(weight + i, in);
        store(m + i, mean, in);
        store(v + i, square, in);
        store(weight + i, w - (mean * rate / (root(square) + eps) + w * decay), in);
    });
    return LS_OK;
}

} // namespace ls::LS_TIER
