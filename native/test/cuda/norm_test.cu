#include "sizes.h"

/* Norms and their gradients against the formulas in double. */
namespace {

enum Kind { LAYER, RMS, AFFINE };
constexpr double EPS = 1e-5;
constexpr float FACTOR = 0.7f, OFFSET = 0.5f;

struct Moments {
    double mean = 0, rstd = FACTOR;

    Moments(Kind kind, const float *x, int64_t d) {
        if (kind == AFFINE) {
            return;
        }
        double squares = 0;
        for (int64_t j = 0; j < d && kind == LAYER; j++) {
            mean += x[j] / (double)d;
        }
        for (int64_t j = 0; j < d; j++) {
            squares += (x[j] - mean) * (x[j] - mean);
        }
        rstd = 1 / std::sqrt(squares / d + EPS);
    }
};

void forward(Kind kind, int64_t rows, int64_t d, int half, bool front, bool weighted) {
    Operand x(rows * d, half, front), w(d, half, front), b(d, half, front), y(rows * d, half, front);
    Guarded<float> mean(rows, front), rstd(rows, front);
    Numbers numbers(rows * 131 + d);
    numbers.fill(x.values);
    numbers.fill(w.values);
    numbers.fill(b.values);
    poison(y.values);
    poison(mean);
    poison(rstd);
    void *px = x.written(), *pw = w.written(), *pb = b.written(), *py = y.written();
    pw = weighted ? pw : nullptr;
    pb = weighted ? pb : nullptr;
    works(kind == AFFINE ? ls_cuda_affine(px, pw, pb, OFFSET, FACTOR, py, rows, d, half, nullptr)
                         : ls_cuda_norm(px, pw, pb, OFFSET, EPS, py, kind == LAYER ? mean.begin() : nullptr, rstd, rows,
                                        d, half, nullptr));
    y.read();
    for (int64_t i = 0; i < rows && d > 0; i++) {
        Moments m(kind, x.values + i * d, d);
        if (kind == LAYER) {
            close_to("mean", i, mean[i], m.mean, 1e-6);
        }
        if (kind != AFFINE) {
            close_to("rstd", i, rstd[i], m.rstd, 4e-6 * m.rstd);
        }
        for (int64_t j = 0; j < d; j++) {
            double e = (x.values[i * d + j] - m.mean) * m.rstd;
            e = weighted ? e * (w.values[j] + OFFSET) + b.values[j] : e;
            close_to("y", i * d + j, y.values[i * d + j], e, bound(e, half) + 1e-5);
        }
    }
}

void backward(Kind kind, int64_t rows, int64_t d, bool front, bool weighted) {
    Guarded<float> x(rows * d, front), dy(rows * d, front), dx(rows * d, front), w(d, front), dw(d, front),
        db(d, front);
    Guarded<float> mean(rows, front), rstd(rows, front);
    Numbers numbers(rows * 137 + d);
    numbers.fill(x);
    numbers.fill(dy);
    numbers.fill(dx);
    numbers.fill(w);
    numbers.fill(dw);
    numbers.fill(db);
    std::vector<Moments> moments;
    for (int64_t i = 0; i < rows; i++) {
        moments.emplace_back(kind, x + i * d, d);
        mean[i] = (float)moments[i].mean;
        rstd[i] = (float)moments[i].rstd;
    }
    std::vector<float> dx0(dx.begin(), dx.end()), dw0(dw.begin(), dw.end()), db0(db.begin(), db.end());
    Guarded<char> scratch(ls_cuda_norm_backward_scratch(rows, d), true);
    ls_cuda_norm_backward_params p{};
    p.size = sizeof p;
    p.rows = rows, p.d = d;
    p.x = x, p.dy = dy, p.dx = dx, p.weight = weighted ? w.begin() : nullptr;
    p.mean = kind == LAYER ? mean.begin() : nullptr, p.rstd = kind == AFFINE ? nullptr : rstd.begin();
    p.d_weight = weighted ? dw.begin() : nullptr, p.d_bias = weighted ? db.begin() : nullptr;
    p.weight_offset = OFFSET, p.factor = FACTOR, p.scratch = scratch;
    works(ls_cuda_norm_backward(&p, nullptr));
    std::vector<double> dw1(dw0.begin(), dw0.end()), db1(db0.begin(), db0.end());
    for (int64_t i = 0; i < rows; i++) {
        double m = moments[i].mean, r = moments[i].rstd, mean_g = 0, mean_gx = 0;
        auto g = [&](int64_t j) { return dy[i * d + j] * (weighted ? w[j] + (double)OFFSET : 1.0); };
        for (int64_t j = 0; j < d; j++) {
            mean_g += kind == LAYER ? g(j) / d : 0;
            mean_gx += kind == AFFINE ? 0 : g(j) * (x[i * d + j] - m) * r / d;
        }
        for (int64_t j = 0; j < d; j++) {
            double hat = (x[i * d + j] - m) * r, e = dx0[i * d + j] + r * (g(j) - mean_g - hat * mean_gx);
            close_to("dx", i * d + j, dx[i * d + j], e, 1e-5 * (1 + r) * (1 + std::fabs(hat)));
            dw1[j] += hat * dy[i * d + j];
            db1[j] += dy[i * d + j];
        }
    }
    for (int64_t j = 0; j < d; j++) {
        close_to("dWeight", j, dw[j], weighted ? dw1[j] : dw0[j], 2e-6 * (1 + rows));
        close_to("dBias", j, db[j], weighted ? db1[j] : db0[j], 2e-6 * (1 + rows));
    }
}

void softmax(int64_t rows, int64_t d, int half, bool front) {
    Operand x(rows * d, half, front), y(rows * d, half, front);
    Guarded<float> p(rows * d, front), dy(rows * d, front), dx(rows * d, front);
    Numbers numbers(rows * 139 + d);
    numbers.fill(x.values);
    numbers.fill(dy);
    numbers.fill(dx);
    poison(y.values);
    std::vector<float> dx0(dx.begin(), dx.end());
    void *px = x.written(), *py = y.written();
    works(ls_cuda_softmax(px, py, rows, d, half, nullptr));
    y.read();
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0, dot = 0;
        for (int64_t j = i * d; j < (i + 1) * d; j++) {
            sum += std::exp((double)x.values[j]);
        }
        for (int64_t j = i * d; j < (i + 1) * d; j++) {
            p[j] = (float)(std::exp((double)x.values[j]) / sum);
            dot += (double)p[j] * dy[j];
            close_to("softmax", j, y.values[j], p[j], p[j] * (half ? HALF_ROUNDING + 3e-6 : 3e-6));
        }
        for (int64_t j = i * d; j < (i + 1) * d; j++) {
            dx0[j] = (float)(dx0[j] + p[j] * (dy[j] - dot));
        }
    }
    works(ls_cuda_softmax_backward(p, dy, dx, rows, d, nullptr));
    for (int64_t j = 0; j < rows * d; j++) {
        close_to("softmax's gradient", j, dx[j], dx0[j], 3e-6);
    }
}

} // namespace

int main() {
    for (Kind kind : {LAYER, RMS, AFFINE}) {
        for (int64_t d : {1, 2, 3, 4, 5, 7, 8, 16, 31, 33, 40, 64, 127, 128, 260, 1024, 1028, 1030, 8192, 8200}) {
            for (int64_t rows : {0, 1, 5, 67}) {
                if (rows > (d > 1030 ? 1 : d > 40 ? 5 : 67) || (d > 1030 && kind == AFFINE)) {
                    continue;
                }
                each_storage(true, [&](int half, bool front) {
                    forward(kind, rows, d, half, front, d % 3 != 2);
                    if (!half) {
                        backward(kind, rows, d, front, d % 3 != 1);
                    }
                    if (kind == RMS) {
                        softmax(rows, d, half, front);
                    }
                });
            }
        }
    }
    std::puts("norm: ok");
}
