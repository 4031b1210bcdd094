#pragma once

#include "timestep_norm.h"

/* What a row and a chunk are on timestep norm's way back, as timestep_norm_backward.cu puts it. */
namespace ls::cuda::timestep_norm {

/* du ← scale·du + cross·dv + mean, dv ← scale·dv + var. */
struct Map {
    double scale, cross, mean, var;

    /* A row before all that this one takes. */
    LS_DEVICE void before(double share, double own_mean, double own_var, double delta) {
        double keep = 1 - share, e = 2 * keep * share * delta;
        mean += own_mean;
        var += own_var;
        cross = keep * cross - e * scale;
        mean = keep * mean - e * var;
        scale *= keep;
        var *= keep;
    }
};

/* `later` first, then `earlier`. */
LS_DEVICE Map joined(const Map &later, const Map &earlier) {
    return {earlier.scale * later.scale, earlier.scale * later.cross + earlier.cross * later.scale,
            earlier.scale * later.mean + earlier.cross * later.var + earlier.mean,
            earlier.scale * later.var + earlier.var};
}

LS_DEVICE Map shuffled(const Map &m, int by) {
    return {shuffle_up(m.scale, by), shuffle_up(m.cross, by), shuffle_up(m.mean, by), shuffle_up(m.var, by)};
}

/* A group's mean before a row of the chunk. */
LS_DEVICE double mean_before(const Task &t, const Place &at, const Counts &counts, int row, int group) {
    int64_t g = at.first_group + group;
    if (counts.fresh[row]) {
        return t.p.fresh_mean[g];
    }
    return at.first_row + row == 0 ? first_moment(t.p.start_mean, t.p.fresh_mean, t.p, at.sequence, g)
                                   : t.p.means[at.moment(t, row) + group - t.p.groups];
}

/* Of each row and group, [ROWS, slab] in shared memory: −r·Σg, −½r³·Σg·(x − mean) and u − mean before. */
struct RowSums {
    double *mean, *var, *delta;

    LS_DEVICE explicit RowSums(double *shared)
        : mean(shared), var(shared + ROWS * GROUPS), delta(shared + 2 * ROWS * GROUPS) {}
};

constexpr int64_t SHARED = sizeof(Counts) + 3 * ROWS * GROUPS * (int64_t)sizeof(double);

template <int W> LS_DEVICE void own_sums(const Task &t, const Place &at, const Counts &counts, RowSums sums) {
    int lanes = threads_of_group<W>(t);
    each_group<W>(at, lanes, [&](int row, int group, int first, int by, bool there) {
        int64_t g = at.first_group + group, i = at.moment(t, row) + group;
        const float *x = t.p.x + at.x(t, row) + group * t.d, *dy = t.p.dy + at.x(t, row) + group * t.d;
        const float *weight = t.p.weight ? t.p.weight + g * t.d : nullptr;
        double u = mean_of<W>(x, t.d, first, by, lanes), mean = t.p.means[i], rstd = t.p.rstds[i], sum = 0, product = 0;
        for (int64_t j = first; j < t.d; j += by) {
            Floats<W> v = load<W>(x + j), d = load<W>(dy + j);
            LS_UNROLL
            for (int k = 0; k < W; k++) {
                double grad = d.at[k] * (weight ? weight[j + k] + t.p.weight_offset : 1.0);
                sum += grad;
                product += grad * (v.at[k] - mean);
            }
        }
        sum = sum_of(sum, lanes);
        product = sum_of(product, lanes);
        if (there && first == 0) {
            int k = row * (int)t.slab + group;
            sums.mean[k] = -rstd * sum;
            sums.var[k] = -0.5 * rstd * rstd * rstd * product;
            sums.delta[k] = u - mean_before(t, at, counts, row, group);
        }
    });
}

} // namespace ls::cuda::timestep_norm
