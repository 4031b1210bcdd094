#include "timestep_norm.h"

/*
 * y = (x − mean)·rstd·(weight + offset) + bias by the moments of all rows so far, as a scan of chunks in four launches:
 * counts, each row's and each chunk's own moments, the moments between chunks, and y. A sequence of one chunk, a
 * decoded token among them, takes the last launch only. Bytes a channel and row: x is read twice (the second time from
 * L2 where it fits) and y written, and the rows' own moments go there and back: 12 + 32/d of d channels a group,
 * against a floor of 8.
 */
namespace ls::cuda::timestep_norm {

namespace {

/* The mean and variance of `count` timesteps. */
struct Moments {
    double mean, var;

    /* With those of others, which are `share` of all. */
    LS_DEVICE void merge(double share, double other_mean, double other_var) {
        double delta = other_mean - mean;
        var = (1 - share) * var + share * other_var + (1 - share) * share * delta * delta;
        mean += share * delta;
    }
};

/* Moments of the rows since the chunk's beginning, or of everything where some row of it is fresh. */
struct Part {
    int64_t count;
    Moments moments;
    int32_t all;
};

/* Behind `left`. */
LS_DEVICE Part joined(const Part &left, const Part &right) {
    if (right.all || right.count == 0) {
        return right.all ? right : left;
    }
    Part both = {left.count + right.count, left.moments, left.all};
    both.moments.merge((double)right.count / (double)both.count, right.moments.mean, right.moments.var);
    return both;
}

/* Mean and variance of each row's groups into shared memory, [ROWS, slab] each. */
template <int W> LS_DEVICE void own_moments(const Task &t, const Place &at, double *means, double *vars) {
    int lanes = threads_of_group<W>(t);
    each_group<W>(at, lanes, [&](int row, int group, int first, int by, bool there) {
        const float *x = t.p.x + at.x(t, row) + group * t.d;
        double mean = mean_of<W>(x, t.d, first, by, lanes), sum = 0;
        for (int64_t j = first; j < t.d; j += by) {
            Floats<W> v = load<W>(x + j);
            LS_UNROLL
            for (int i = 0; i < W; i++) {
                sum += (v.at[i] - mean) * (v.at[i] - mean);
            }
        }
        double var = sum_of(sum, lanes) / (double)t.d;
        if (there && first == 0) {
            means[row * t.slab + group] = mean;
            vars[row * t.slab + group] = var;
        }
    });
}

constexpr int64_t SHARED = sizeof(Counts) + 2 * ROWS * GROUPS * (int64_t)sizeof(double);

/* The places of the rows' own moments in memory: where the moments after each row will be, or scratch. */
LS_DEVICE double *row_means(const Task &t) { return t.p.means ? t.p.means : t.rows; }
LS_DEVICE double *row_vars(const Task &t) { return t.p.means ? t.p.rstds : t.rows + t.p.batch * t.p.rows * t.p.groups; }

template <int W> LS_KERNEL(THREADS) timestep_moments(Task t) {
    Counts &counts = *shared_memory<Counts>();
    double *means = reinterpret_cast<double *>(&counts + 1), *vars = means + ROWS * GROUPS;
    Place at(t);
    count_rows(t, at, counts);
    own_moments<W>(t, at, means, vars);
    barrier();
    for (int i = thread_index(); i < at.rows * at.groups; i += THREADS) {
        int row = i / at.groups, group = i % at.groups;
        row_means(t)[at.moment(t, row) + group] = means[row * t.slab + group];
        row_vars(t)[at.moment(t, row) + group] = vars[row * t.slab + group];
    }
    int group = thread_index();
    if (group >= at.groups) {
        return;
    }
    Moments m = {0, 0};
    bool all = false;
    int64_t own = 0;
    for (int row = 0; row < at.rows; row++) {
        if (counts.fresh[row]) {
            m = {t.p.fresh_mean[at.first_group + group], t.p.fresh_var[at.first_group + group]};
            all = true;
        }
        if (!counts.padded[row]) {
            own++;
            m.merge(all ? counts.share[row] : 1 / (double)own, means[row * t.slab + group], vars[row * t.slab + group]);
        }
    }
    double *part = t.parts + 2 * (at.part(t) + group);
    part[0] = m.mean;
    part[1] = m.var;
}

/* The moments before each chunk in place of its own: a warp a group, a lane some neighbouring chunks. */
LS_KERNEL(WARP) timestep_carry(Task t) {
    int64_t sequence = block_y(), group = block_x();
    const int64_t *counts = t.counts + sequence * (t.chunks + 1);
    auto part = [&](int64_t chunk) { return t.parts + 2 * ((sequence * t.chunks + chunk) * t.p.groups + group); };
    auto own = [&](int64_t chunk) {
        bool all = t.resets[sequence * t.chunks + chunk];
        return Part{counts[chunk + 1] - (all ? 0 : counts[chunk]), {part(chunk)[0], part(chunk)[1]}, all};
    };
    int64_t from = t.chunks * lane() / WARP, end = t.chunks * (lane() + 1) / WARP;
    Part mine = {0, {0, 0}, 0};
    for (int64_t chunk = from; chunk < end; chunk++) {
        mine = joined(mine, own(chunk));
    }
    LS_UNROLL
    for (int by = 1; by < WARP; by *= 2) {
        Part before = {shuffle_up(mine.count, by),
                       {shuffle_up(mine.moments.mean, by), shuffle_up(mine.moments.var, by)},
                       shuffle_up(mine.all, by)};
        mine = lane() >= by ? joined(before, mine) : mine;
    }
    Part start = {counts[0],
                  {first_moment(t.p.start_mean, t.p.fresh_mean, t.p, sequence, group),
                   first_moment(t.p.start_var, t.p.fresh_var, t.p, sequence, group)},
                  1};
    Part last = joined(start, mine);
    Part before = {shuffle_up(mine.count, 1), {shuffle_up(mine.moments.mean, 1), shuffle_up(mine.moments.var, 1)},
                   shuffle_up(mine.all, 1)};
    Part now = lane() == 0 ? start : joined(start, before);
    for (int64_t chunk = from; chunk < end; chunk++) {
        Part next = joined(now, own(chunk));
        part(chunk)[0] = now.moments.mean;
        part(chunk)[1] = now.moments.var;
        now = next;
    }
    if (lane() == WARP - 1) {
        t.p.last_mean[sequence * t.p.groups + group] = last.moments.mean;
        t.p.last_var[sequence * t.p.groups + group] = last.moments.var;
    }
}

/* The moments after each row in place of its own, from those before the chunk. */
LS_DEVICE Moments run(const Task &t, const Place &at, const Counts &counts, int group, Moments m, double *means,
                      double *rstds) {
    for (int row = 0; row < at.rows; row++) {
        int i = row * (int)t.slab + group;
        if (counts.fresh[row]) {
            m = {t.p.fresh_mean[at.first_group + group], t.p.fresh_var[at.first_group + group]};
        }
        if (!counts.padded[row]) {
            m.merge(counts.share[row], means[i], rstds[i]);
        }
        means[i] = m.mean;
        rstds[i] = m.var;
    }
    return m;
}

/* y of a block's rows; neighbouring threads have neighbouring channels. */
template <int W>
LS_DEVICE void normalise(const Task &t, const Place &at, const Counts &counts, const double *means,
                         const double *rstds) {
    int cols = (int)(at.groups * t.d / W), across = cols < THREADS ? cols : THREADS, deep = THREADS / across;
    int64_t first = at.channel(t);
    if (thread_index() >= across * deep) {
        return;
    }
    for (int col = thread_index() % across; col < cols; col += across) {
        int group = (int)(col * W / t.d);
        Floats<W> weight, bias;
        LS_UNROLL
        for (int i = 0; i < W; i++) {
            weight.at[i] = t.p.weight ? t.p.weight[first + col * W + i] + (float)t.p.weight_offset : 1;
            bias.at[i] = t.p.bias ? t.p.bias[first + col * W + i] : 0;
        }
        for (int row = thread_index() / across; row < at.rows; row += deep) {
            int64_t i = at.x(t, row) + col * W;
            double mean = means[row * t.slab + group], rstd = rstds[row * t.slab + group];
            bool padded = counts.padded[row];
            store<W>(t.p.y + i,
                     each<W>([&](float x, float w, float b) { return padded ? 0 : (float)((x - mean) * rstd) * w + b; },
                             load<W>(t.p.x + i), weight, bias));
        }
    }
}

template <int W> LS_KERNEL(THREADS) timestep_outputs(Task t) {
    Counts &counts = *shared_memory<Counts>();
    double *means = reinterpret_cast<double *>(&counts + 1), *rstds = means + ROWS * GROUPS;
    Place at(t);
    count_rows(t, at, counts);
    bool alone = t.chunks == 1;
    if (alone) {
        own_moments<W>(t, at, means, rstds);
    } else {
        for (int i = thread_index(); i < at.rows * at.groups; i += THREADS) {
            int row = i / at.groups, group = i % at.groups;
            means[row * t.slab + group] = row_means(t)[at.moment(t, row) + group];
            rstds[row * t.slab + group] = row_vars(t)[at.moment(t, row) + group];
        }
    }
    barrier();
    int group = thread_index();
    if (group < at.groups) {
        int64_t g = at.first_group + group;
        Moments m;
        if (alone) {
            m = {first_moment(t.p.start_mean, t.p.fresh_mean, t.p, at.sequence, g),
                 first_moment(t.p.start_var, t.p.fresh_var, t.p, at.sequence, g)};
        } else {
            const double *part = t.parts + 2 * (at.part(t) + group);
            m = {part[0], part[1]};
        }
        m = run(t, at, counts, group, m, means, rstds);
        if (alone) {
            t.p.last_mean[at.sequence * t.p.groups + g] = m.mean;
            t.p.last_var[at.sequence * t.p.groups + g] = m.var;
        }
    }
    if (alone && thread_index() == 0 && at.first_group == 0 && t.p.last_count != t.p.start_count) {
        t.p.last_count[at.sequence] = counts.after[at.rows - 1];
    }
    barrier();
    for (int i = thread_index(); i < at.rows * at.groups; i += THREADS) {
        int row = i / at.groups, j = row * (int)t.slab + i % at.groups;
        rstds[j] = 1 / sqrt(rstds[j] + t.p.eps);
        if (t.p.means) {
            t.p.means[at.moment(t, row) + i % at.groups] = means[j];
            t.p.rstds[at.moment(t, row) + i % at.groups] = rstds[j];
        }
    }
    barrier();
    normalise<W>(t, at, counts, means, rstds);
}

/* Scratch: chunks' moments, counts, rows' own moments, resets. */
struct Layout {
    int64_t chunks, moments;

    explicit Layout(const ls_cuda_timestep_norm_params &p)
        : chunks(p.batch * chunks_of(p)), moments(chunks_of(p) > 1 ? p.batch * p.rows * p.groups : 0) {}

    int64_t bytes(const ls_cuda_timestep_norm_params &p) const {
        return (2 * chunks * p.groups + chunks + p.batch + 2 * moments) * 8 + chunks;
    }

    Task task(const ls_cuda_timestep_norm_params &p) const {
        Task t = task_of(p);
        t.parts = static_cast<double *>(p.scratch);
        t.counts = reinterpret_cast<int64_t *>(t.parts + 2 * chunks * p.groups);
        t.rows = reinterpret_cast<double *>(t.counts + chunks + p.batch);
        t.resets = reinterpret_cast<uint8_t *>(t.rows + 2 * moments);
        return t;
    }
};

template <int W> ls_status forward(const Task &t, void *stream) {
    if (t.chunks != 1) {
        if (ls_status bad = count_timesteps(t, t.p.last_count, stream)) {
            return bad;
        }
        if (ls_status bad = LS_LAUNCH(timestep_moments<W>, grid_of(t), THREADS, SHARED, stream, t)) {
            return bad;
        }
        if (ls_status bad = LS_LAUNCH(timestep_carry, (Grid{t.p.groups, t.p.batch}), WARP, 0, stream, t)) {
            return bad;
        }
    }
    if (ls_status bad = LS_LAUNCH(timestep_outputs<W>, grid_of(t), THREADS, SHARED, stream, t)) {
        return bad;
    }
    // Counts in place change when no block of a single chunk reads them any more.
    bool in_place = t.chunks == 1 && t.p.last_count == t.p.start_count;
    return in_place ? count_timesteps(t, t.p.last_count, stream) : LS_OK;
}

} // namespace

} // namespace ls::cuda::timestep_norm

using namespace ls::cuda;

int64_t ls_cuda_timestep_norm_scratch(const ls_cuda_timestep_norm_params *params) {
    return timestep_norm::Layout(*params).bytes(*params);
}

ls_status ls_cuda_timestep_norm(const ls_cuda_timestep_norm_params *params, void *stream) {
    LS_NEEDS(timestep_norm::valid(*params));
    timestep_norm::Task t = timestep_norm::Layout(*params).task(*params);
    bool wide = t.d % 4 == 0 && aligned(params->x, params->y);
    return wide ? timestep_norm::forward<4>(t, stream) : timestep_norm::forward<1>(t, stream);
}
