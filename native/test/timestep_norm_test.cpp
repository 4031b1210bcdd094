#include "families.h"

namespace {

void timestep_norm(int64_t rows, int64_t groups, int64_t d, bool front) {
    Numbers numbers(rows * 5 + d);
    int64_t width = groups * d;
    Guarded<float> x(rows * width, front), y(rows * width, front), w(width, front), b(width, front);
    Guarded<int64_t> counts(rows, front);
    Guarded<uint8_t> fresh(rows, front), padded(rows, front);
    Guarded<double> mean0(groups, front), var0(groups, front), mean(groups, front), var(groups, front);
    Guarded<double> means(rows * groups, front), rstds(rows * groups, front);
    numbers.fill(x);
    numbers.fill(w);
    numbers.fill(b);
    for (int64_t t = 0; t < rows; t++) counts[t] = t + 2;
    for (int64_t g = 0; g < groups; g++) var0[g] = 1;
    ls_timestep_norm_params p{};
    p.size = sizeof p;
    p.rows = rows;
    p.row = width;
    p.d = d;
    p.n = p.groups = groups;
    p.x = x;
    p.weight = w;
    p.bias = b;
    p.eps = 0.01;
    p.counts = counts;
    p.fresh = fresh;
    p.padded = padded;
    p.fresh_mean = p.start_mean = mean0;
    p.fresh_var = p.start_var = var0;
    p.y = y;
    p.last_mean = mean;
    p.last_var = var;
    p.means = means;
    p.rstds = rstds;
    ok(ls_timestep_norm(&p));
    for (int64_t g = 0; g < groups; g++) {
        double m = 0, v = 1;
        for (int64_t t = 0; t < rows; t++) {
            const float *row = x + t * width + g * d;
            double u = 0, own = 0, n = (double)(t + 2);
            for (int64_t j = 0; j < d; j++) u += (double)row[j] / d;
            for (int64_t j = 0; j < d; j++) own += (row[j] - u) * (row[j] - u) / d;
            v = (n - 1) / n * v + own / n + (n - 1) / (n * n) * (u - m) * (u - m);
            m += (u - m) / n;
            for (int64_t j = 0; j < d; j++) {
                double want = (row[j] - m) / std::sqrt(v + 0.01) * w[g * d + j] + b[g * d + j];
                close_to("timestep norm", t * width + g * d + j, y[t * width + g * d + j], want, 1e-5);
            }
        }
        close_to("last mean", g, mean[g], m, 1e-12);
        close_to("last variance", g, var[g], v, 1e-12);
    }
}

} // namespace

void timestep_norm_test() {
    for (int64_t n = 1; n <= 40; n++) {
        timestep_norm(n, 1 + n % 3, n, n & 1);
    }
}
