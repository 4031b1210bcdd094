#include "../check.h"
#include "device.h"

/* Timestep norm on the emulated device against plain loops in double, row after row. */
namespace {

struct Case {
    int64_t rows, groups, d, batch;
    bool documents = false, padding = false, starts = false, affine = true;
    double offset = 0; /* of x: far from zero moments in float32 would be lost */
    uint64_t seed;

    /* Doubles, their values before, and gradients of moments. */
    struct Sums {
        Guarded<double> values;
        std::vector<double> expected;

        Sums(int64_t n, Numbers &numbers) : values(n) {
            numbers.fill(values);
            expected.assign(values.begin(), values.end());
        }

        void check(const char *what, double bound) {
            for (int64_t i = 0; i < values.size(); i++) {
                close_to(what, i, values[i], expected[i], bound * (1 + std::fabs(expected[i])));
            }
        }
    };

    void check() {
        int64_t channels = groups * d, cells = batch * rows * channels, moments = batch * rows * groups;
        Numbers numbers(seed);
        Guarded<float> x(cells), y(cells), dy(cells), dx(cells), weight(channels), bias(channels), d_weight(channels),
            d_bias(channels);
        Guarded<double> means(moments), rstds(moments), last_mean(batch * groups), last_var(batch * groups);
        Guarded<int64_t> fresh_count(1), start_count(batch), last_count(batch);
        Guarded<uint8_t> fresh(batch * rows), padded(batch * rows);
        for (auto *floats : {&x, &dy, &dx, &weight, &bias, &d_weight, &d_bias}) {
            numbers.fill(*floats);
        }
        for (float &v : x) {
            v = (float)(offset + v);
        }
        Sums fresh_mean(groups, numbers), fresh_var(groups, numbers), start_mean(batch * groups, numbers),
            start_var(batch * groups, numbers);
        Sums d_last_mean(batch * groups, numbers), d_last_var(batch * groups, numbers), d_fresh_mean(groups, numbers),
            d_fresh_var(groups, numbers), d_start_mean(batch * groups, numbers), d_start_var(batch * groups, numbers);
        for (auto *vars : {&fresh_var, &start_var}) {
            for (double &v : vars->values) {
                v = std::fabs(v) + 0.1;
            }
        }
        for (auto *moment : {&fresh_mean, &start_mean}) {
            for (double &v : moment->values) {
                v += offset;
            }
        }
        fresh_count[0] = seed % 2 ? 0 : 3;
        for (int64_t b = 0; b < batch; b++) {
            start_count[b] = 4 * b;
        }
        for (int64_t i = 0; i < batch * rows; i++) {
            fresh[i] = numbers.next() > 1.7 || (i % rows % 32 == 0 && numbers.next() > 0.5);
            padded[i] = (i % 97 < 40 && i / 97 % 3 == 1) || numbers.next() > 1.5;
        }
        for (auto *outputs : {&means, &rstds, &last_mean, &last_var}) {
            for (double &v : *outputs) {
                v = NAN;
            }
        }
        for (float &v : y) {
            v = NAN;
        }

        ls_cuda_timestep_norm_params p{};
        p.size = sizeof p;
        p.batch = batch, p.rows = rows, p.channels = channels, p.groups = groups;
        p.x = x, p.weight = affine ? weight.begin() : nullptr, p.bias = affine ? bias.begin() : nullptr;
        p.weight_offset = 1, p.eps = 1e-5;
        p.fresh = documents ? fresh.begin() : nullptr, p.padded = padding ? padded.begin() : nullptr;
        p.fresh_count = fresh_count, p.fresh_mean = fresh_mean.values, p.fresh_var = fresh_var.values;
        if (starts) {
            p.start_count = start_count, p.start_mean = start_mean.values, p.start_var = start_var.values;
        }
        p.y = y, p.last_count = last_count, p.last_mean = last_mean, p.last_var = last_var;
        Guarded<double> scratch(ls_cuda_timestep_norm_scratch(&p) / 8 + 1);
        p.scratch = scratch.begin();
        require(ls_cuda_timestep_norm(&p, nullptr) == LS_OK, ls_cuda_last_error());
        std::vector<float> without(y.begin(), y.end());
        p.means = means, p.rstds = rstds;
        require(ls_cuda_timestep_norm(&p, nullptr) == LS_OK, ls_cuda_last_error());
        for (int64_t i = 0; i < cells; i++) {
            close_to("y with kept moments", i, y[i], without[i], 0);
        }
        if (starts) {
            // In place, as streams do: the same y, and moments of other tensors.
            Guarded<int64_t> count(batch);
            Guarded<double> mean(batch * groups), var(batch * groups);
            std::copy(start_count.begin(), start_count.end(), count.begin());
            std::copy(start_mean.values.begin(), start_mean.values.end(), mean.begin());
            std::copy(start_var.values.begin(), start_var.values.end(), var.begin());
            ls_cuda_timestep_norm_params stream = p;
            stream.start_count = stream.last_count = count, stream.start_mean = stream.last_mean = mean;
            stream.start_var = stream.last_var = var;
            require(ls_cuda_timestep_norm(&stream, nullptr) == LS_OK, ls_cuda_last_error());
            for (int64_t i = 0; i < cells; i++) {
                close_to("y in place", i, y[i], without[i], 0);
            }
            for (int64_t i = 0; i < batch * groups; i++) {
                close_to("mean in place", i, mean[i], last_mean[i], 0);
                close_to("count in place", i / groups, (double)count[i / groups], (double)last_count[i / groups], 0);
            }
        }
        std::vector<float> dx0(dx.begin(), dx.end()), dw0(d_weight.begin(), d_weight.end()),
            db0(d_bias.begin(), d_bias.end());
        Guarded<double> back(ls_cuda_timestep_norm_backward_scratch(&p) / 8 + 1);
        p.scratch = back.begin();
        p.dy = dy, p.dx = dx, p.d_weight = affine ? d_weight.begin() : nullptr, p.d_bias = d_bias;
        p.d_last_mean = d_last_mean.values, p.d_last_var = seed % 3 ? d_last_var.values.begin() : nullptr;
        p.d_fresh_mean = d_fresh_mean.values, p.d_fresh_var = d_fresh_var.values;
        p.d_start_mean = d_start_mean.values, p.d_start_var = d_start_var.values;
        require(ls_cuda_timestep_norm_backward(&p, nullptr) == LS_OK, ls_cuda_last_error());

        std::vector<double> dw(dw0.begin(), dw0.end()), db(db0.begin(), db0.end());
        for (int64_t b = 0; b < batch; b++) {
            for (int64_t g = 0; g < groups; g++) {
                int64_t outer = b * groups + g;
                double mean = starts ? start_mean.values[outer] : fresh_mean.values[g];
                double var = starts ? start_var.values[outer] : fresh_var.values[g];
                int64_t count = starts ? start_count[b] : fresh_count[0];
                std::vector<double> u(rows), v(rows), before(rows), after(rows), r(rows);
                std::vector<int64_t> counts(rows);
                auto at = [&](int64_t t) { return ((b * rows + t) * groups + g) * d; };
                auto w = [&](int64_t j) { return affine ? weight[g * d + j] + 1.0 : 1.0; };
                for (int64_t t = 0; t < rows; t++) {
                    bool pad = padding && padded[b * rows + t];
                    if (documents && fresh[b * rows + t]) {
                        mean = fresh_mean.values[g], var = fresh_var.values[g], count = fresh_count[0];
                    }
                    for (int64_t j = 0; j < d; j++) {
                        u[t] += x[at(t) + j] / (double)d;
                    }
                    for (int64_t j = 0; j < d; j++) {
                        v[t] += (x[at(t) + j] - u[t]) * (x[at(t) + j] - u[t]) / (double)d;
                    }
                    before[t] = mean;
                    if (!pad) {
                        double m = (double)++count;
                        var = (m - 1) / m * var + v[t] / m + (m - 1) / m / m * (u[t] - mean) * (u[t] - mean);
                        mean += (u[t] - mean) / m;
                    }
                    counts[t] = count, after[t] = mean, r[t] = 1 / std::sqrt(var + 1e-5);
                    int64_t moment = (b * rows + t) * groups + g;
                    close_to("mean", moment, means[moment], mean, 1e-12 * (1 + std::fabs(offset)));
                    if (!pad) {
                        close_to("rstd", moment, rstds[moment], r[t], 1e-9 * r[t]);
                    }
                    for (int64_t j = 0; j < d; j++) {
                        double expected =
                            pad ? 0 : (x[at(t) + j] - mean) * r[t] * w(j) + (affine ? bias[g * d + j] : 0);
                        close_to("y", at(t) + j, y[at(t) + j], expected, 1e-6 * (2 + std::fabs(expected)));
                    }
                }
                require(last_count[b] == count, "last count");
                close_to("last mean", outer, last_mean[outer], mean, 1e-12 * (1 + std::fabs(offset)));
                close_to("last var", outer, last_var[outer], var, 1e-9 * var);

                double du = d_last_mean.values[outer], dv = seed % 3 ? d_last_var.values[outer] : 0;
                for (int64_t t = rows - 1; t >= 0; t--) {
                    if (!(padding && padded[b * rows + t])) {
                        double sum = 0, product = 0, c2 = 1 / (double)counts[t], c1 = 1 - c2;
                        for (int64_t j = 0; j < d; j++) {
                            double grad = dy[at(t) + j], from = x[at(t) + j] - after[t];
                            dw[g * d + j] += grad * from * r[t];
                            db[g * d + j] += grad;
                            sum += grad * w(j);
                            product += grad * w(j) * from;
                        }
                        double a = du - r[t] * sum, c = dv - 0.5 * r[t] * r[t] * r[t] * product;
                        double between = 2 * c1 * c2 * c * (u[t] - before[t]);
                        for (int64_t j = 0; j < d; j++) {
                            double expected = dx0[at(t) + j] + dy[at(t) + j] * w(j) * r[t] +
                                              (c2 * a + between) / (double)d +
                                              2 * c2 * c / (double)d * (x[at(t) + j] - u[t]);
                            close_to("dx", at(t) + j, dx[at(t) + j], expected, 1e-6 * (2 + std::fabs(expected)));
                        }
                        du = c1 * a - between, dv = c1 * c;
                    } else {
                        for (int64_t j = 0; j < d; j++) {
                            close_to("dx of padding", at(t) + j, dx[at(t) + j], dx0[at(t) + j], 0);
                        }
                    }
                    if (documents && fresh[b * rows + t]) {
                        d_fresh_mean.expected[g] += du, d_fresh_var.expected[g] += dv;
                        du = dv = 0;
                    }
                }
                (starts ? d_start_mean.expected[outer] : d_fresh_mean.expected[g]) += du;
                (starts ? d_start_var.expected[outer] : d_fresh_var.expected[g]) += dv;
            }
        }
        d_fresh_mean.check("d_fresh_mean", 1e-9 * (1 + offset * offset));
        d_fresh_var.check("d_fresh_var", 1e-9 * (1 + offset * offset));
        d_start_mean.check("d_start_mean", 1e-9 * (1 + offset * offset));
        d_start_var.check("d_start_var", 1e-9 * (1 + offset * offset));
        for (int64_t j = 0; j < channels; j++) {
            double bound = 2e-6 * (double)(1 + batch * rows);
            close_to("dw", j, d_weight[j], affine ? dw[j] : dw0[j], bound);
            close_to("db", j, d_bias[j], db[j], bound);
        }
    }
};

} // namespace

int main() {
    uint64_t seed = 0;
    for (int64_t rows = 0; rows <= 40; rows++) {
        Case{.rows = rows, .groups = 1 + rows % 5, .d = 1 + rows % 7, .batch = 1 + rows % 2, .documents = rows % 2 == 1,
             .padding = rows % 3 == 1, .starts = rows % 4 > 1, .affine = rows % 5 > 0, .seed = seed++}.check();
    }
    for (int64_t rows : {31, 32, 33, 63, 64, 65, 97, 200}) {
        Case{.rows = rows,
             .groups = 2,
             .d = 8,
             .batch = 2,
             .documents = rows % 2 == 1,
             .padding = rows % 3 == 1,
             .starts = rows % 2 == 0,
             .seed = seed++}
            .check();
    }
    // More chunks than lanes of the scan; groups of one channel, one of all; more than a block takes.
    Case{.rows = 1100, .groups = 1, .d = 4, .batch = 1, .documents = true, .padding = true, .seed = seed++}.check();
    Case{.rows = 40, .groups = 70, .d = 1, .batch = 1, .padding = true, .starts = true, .seed = seed++}.check();
    Case{.rows = 33, .groups = 1, .d = 1030, .batch = 2, .documents = true, .seed = seed++}.check();
    Case{.rows = 33, .groups = 40, .d = 60, .batch = 1, .starts = true, .seed = seed++}.check();
    Case{.rows = 300, .groups = 2, .d = 4, .batch = 1, .starts = true, .offset = 1000, .seed = seed++}.check();
    std::puts("timestep norm: ok");
}
