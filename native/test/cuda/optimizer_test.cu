#include "sizes.h"

#include <cfloat>

/* AdamW against its formula in double. */
int main() {
    for (int64_t n : AWKWARD) {
        each_storage(false, [&](int, bool front) {
            Guarded<float> w(n, front), g(n, front), m(n, front), v(n, front);
            Numbers numbers(n + 11);
            numbers.fill(w);
            numbers.fill(g);
            numbers.fill(m);
            numbers.fill(v);
            for (int64_t i = 0; i < n; i++) {
                v[i] = v[i] * v[i];
            }
            if (n > 3) {
                g[3] = 0;
                m[3] = v[3] = FLT_MIN;
            }
            std::vector<float> w0(w.begin(), w.end()), m0(m.begin(), m.end()), v0(v.begin(), v.end());
            works(ls_cuda_adamw(0.5f, 0.9f, 0.1f, 0.99f, 0.01f, 0.02f, 1e-6f, 1e-3f, w, g, m, v, n, nullptr));
            for (int64_t i = 0; i < n; i++) {
                double slope = 0.5 * g[i], mean = 0.9f * m0[i] + 0.1f * slope,
                       square = 0.99f * v0[i] + 0.01f * slope * slope;
                if (i == 3) {
                    mean = square = 0; /* no subnormal is kept */
                }
                close_to("m", i, m[i], mean, bound(mean, 0));
                close_to("v", i, v[i], square, bound(square, 0));
                double e = w0[i] - (0.02f * mean / (std::sqrt(square) + 1e-6f) + 1e-3f * w0[i]);
                close_to("w", i, w[i], e, bound(e, 0));
            }
        });
    }
    std::puts("optimizer: ok");
}
