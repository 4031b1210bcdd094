#include "families.h"

namespace {

struct Moment {
    double mean, var;
};

/* Rows of `groups` groups of d channels; some start afresh, some are padding. */
class Problem {
  public:
    Problem(int64_t rows, int64_t groups, int64_t d, bool front)
        : rows(rows), groups(groups), d(d), x(rows * groups * d, front), weight(groups * d, front), bias(groups * d, front),
          dy(rows * groups * d, front), counts(rows, front), fresh(rows, front), padded(rows, front), fresh_mean(groups, front),
          fresh_var(groups, front), start_mean(groups, front), start_var(groups, front) {
        Numbers numbers(rows * 5 + d);
        numbers.fill(x);
        numbers.fill(weight);
        numbers.fill(bias);
        numbers.fill(dy);
        numbers.fill(fresh_mean);
        numbers.fill(start_mean);
        for (int64_t t = 0, count = 3; t < rows; t++) {
            fresh[t] = t % 7 == 5;
            padded[t] = t % 5 == 3;
            count = (fresh[t] ? 1 : count) + !padded[t];
            counts[t] = count;
        }
        for (int64_t g = 0; g < groups; g++) {
            fresh_var[g] = 0.5 + g;
            start_var[g] = 1;
        }
    }

    int64_t width() const { return groups * d; }

    /* Row t's outputs of a group go to `each`; the moments behind the last row. */
    template <class Each> Moment run(int64_t g, Each each) const {
        Moment m{start_mean[g], start_var[g]};
        for (int64_t t = 0; t < rows; t++) {
            if (fresh[t]) {
                m = {fresh_mean[g], fresh_var[g]};
            }
            const float *row = x + t * width() + g * d;
            if (!padded[t]) {
                double u = 0, own = 0, n = (double)counts[t];
                for (int64_t j = 0; j < d; j++) u += at(row + j) / (double)d;
                for (int64_t j = 0; j < d; j++) own += (at(row + j) - u) * (at(row + j) - u) / (double)d;
                m.var = (n - 1) / n * m.var + own / n + (n - 1) / (n * n) * (u - m.mean) * (u - m.mean);
                m.mean += (u - m.mean) / n;
            }
            for (int64_t j = 0; j < d; j++) {
                double y = (at(row + j) - m.mean) / std::sqrt(m.var + EPS) * at(weight + g * d + j) + at(bias + g * d + j);
                each(t * width() + g * d + j, padded[t] ? 0 : y);
            }
        }
        return m;
    }

    /* What gradients are of: Σ y ⊙ dy, and the last moments with factors of their own. */
    double objective(int64_t g) const {
        double sum = 0;
        Moment last = run(g, [&](int64_t i, double y) { sum += y * dy[i]; });
        return sum + D_MEAN * last.mean + D_VAR * last.var;
    }

    /* The objective's slope in one operand, by central differences. */
    template <class T> double slope(int64_t g, T *operand) {
        constexpr double STEP = 1e-5;
        if constexpr (std::is_same_v<T, double>) {
            double was = *operand;
            *operand = was + STEP;
            double above = objective(g);
            *operand = was - STEP;
            double below = objective(g);
            *operand = was;
            return (above - below) / (2 * STEP);
        } else {
            moved_ = operand;
            by_ = STEP;
            double above = objective(g);
            by_ = -STEP;
            double below = objective(g);
            moved_ = nullptr;
            return (above - below) / (2 * STEP);
        }
    }

    static constexpr double EPS = 0.01, D_MEAN = 0.7, D_VAR = -0.3;
    int64_t rows, groups, d;
    Guarded<float> x, weight, bias, dy;
    Guarded<int64_t> counts;
    Guarded<uint8_t> fresh, padded;
    Guarded<double> fresh_mean, fresh_var, start_mean, start_var;

  private:
    /* float32 has no room for the step. */
    double at(const float *operand) const { return *operand + (operand == moved_ ? by_ : 0); }

    const float *moved_ = nullptr;
    double by_ = 0;
};

void timestep_norm(int64_t rows, int64_t groups, int64_t d, bool front) {
    Problem problem(rows, groups, d, front);
    int64_t width = problem.width();
    Guarded<float> y(rows * width, front), dx(rows * width, front), dw(width, front), db(width, front);
    Guarded<double> mean(groups, front), var(groups, front), means(rows * groups, front), rstds(rows * groups, front);
    Guarded<double> d_mean(groups, front), d_var(groups, front), d_fresh_mean(groups, front), d_fresh_var(groups, front);
    Guarded<double> scratch(2 * width, front);
    ls_timestep_norm_params p{};
    p.size = sizeof p;
    p.rows = rows;
    p.row = width;
    p.d = d;
    p.n = p.groups = groups;
    p.x = problem.x;
    p.weight = problem.weight;
    p.bias = problem.bias;
    p.eps = Problem::EPS;
    p.counts = problem.counts;
    p.fresh = problem.fresh;
    p.padded = problem.padded;
    p.fresh_mean = problem.fresh_mean;
    p.fresh_var = problem.fresh_var;
    p.start_mean = problem.start_mean;
    p.start_var = problem.start_var;
    p.y = y;
    p.last_mean = mean;
    p.last_var = var;
    p.means = means;
    p.rstds = rstds;
    ok(ls_timestep_norm(&p));
    for (int64_t g = 0; g < groups; g++) {
        Moment last = problem.run(g, [&](int64_t i, double want) { close_to("timestep norm", i, y[i], want, 2e-5); });
        close_to("last mean", g, mean[g], last.mean, 1e-12);
        close_to("last variance", g, var[g], last.var, 1e-12);
        d_mean[g] = Problem::D_MEAN;
        d_var[g] = Problem::D_VAR;
    }
    p.dy = problem.dy;
    p.dx = dx;
    p.d_weight = dw;
    p.d_bias = db;
    p.d_mean = d_mean;
    p.d_var = d_var;
    p.d_fresh_mean = d_fresh_mean;
    p.d_fresh_var = d_fresh_var;
    p.scratch = scratch;
    ok(ls_timestep_norm_backward(&p));
    auto same = [&](const char *what, int64_t i, double actual, double want) {
        close_to(what, i, actual, want, 3e-5 * (1 + std::fabs(want)));
    };
    /* A large problem's elements are sampled. */
    for (int64_t i = 0; i < rows * width; i += 1 + rows * width / 150) {
        same("timestep norm's gradient", i, dx[i], problem.slope(i % width / d, problem.x + i));
    }
    for (int64_t j = 0; j < width; j++) {
        same("weight's gradient", j, dw[j], problem.slope(j / d, problem.weight + j));
        same("bias's gradient", j, db[j], problem.slope(j / d, problem.bias + j));
    }
    for (int64_t g = 0; g < groups; g++) {
        same("first mean's gradient", g, d_mean[g], problem.slope(g, problem.start_mean + g));
        same("first variance's gradient", g, d_var[g], problem.slope(g, problem.start_var + g));
        same("fresh mean's gradient", g, d_fresh_mean[g], problem.slope(g, problem.fresh_mean + g));
        same("fresh variance's gradient", g, d_fresh_var[g], problem.slope(g, problem.fresh_var + g));
    }
}

} // namespace

void timestep_norm_test() {
    for (int64_t n = 1; n <= 40; n++) {
        timestep_norm(n, 1 + n % 3, n, n & 1);
    }
}
