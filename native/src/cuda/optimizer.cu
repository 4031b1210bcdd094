#include "sweep.h"

#include <cfloat>

namespace ls::cuda {

namespace {

/* Subnormals become 0, as on the CPU. */
LS_DEVICE float normal(float x) { return fabsf(x) < FLT_MIN ? 0 : x; }

struct AdamW {
    using Element = float;
    float scale, beta1, rest1, beta2, rest2, rate, eps, decay;
    float *weight;
    const float *gradient;
    float *m, *v;

    template <int W> LS_DEVICE void run(int64_t i) const {
        Floats<W> w = load<W>(weight + i), g = load<W>(gradient + i), mean = load<W>(m + i), square = load<W>(v + i);
        LS_UNROLL
        for (int lane = 0; lane < W; lane++) {
            float slope = g.at[lane] * scale;
            mean.at[lane] = normal(mean.at[lane] * beta1 + slope * rest1);
            square.at[lane] = normal(square.at[lane] * beta2 + slope * rest2 * slope);
            w.at[lane] -= mean.at[lane] * rate / (sqrtf(square.at[lane]) + eps) + w.at[lane] * decay;
        }
        store<W>(m + i, mean);
        store<W>(v + i, square);
        store<W>(weight + i, w);
    }
};

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_adamw(float scale, float beta1, float rest1, float beta2, float rest2, float rate, float eps,
                        float decay, float *weight, const float *gradient, float *m, float *v, int64_t n,
                        void *stream) {
    LS_NEEDS(n >= 0);
    return sweep("adamw", AdamW{scale, beta1, rest1, beta2, rest2, rate, eps, decay, weight, gradient, m, v}, n,
                 aligned(weight, gradient, m, v), stream);
}
