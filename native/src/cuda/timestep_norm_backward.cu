#include "timestep_norm_sums.h"

/*
 * Timestep norm's way back. With du, dv the gradients of the moments after row t, g = dy ⊙ w and r the rstd: a = du −
 * r·Σg, b = dv − ½r³·Σg·(x − mean), then dx = g·r + (c₂a + e·b)/d + 2c₂b/d·(x − u) with c₂ = 1/count, c₁ = 1 − c₂, e =
 * 2c₁c₂(u − mean before), du ← c₁a − e·b, dv ← c₁b: an affine map of (du, dv) a row, so that chunks' maps can be joined
 * in any grouping. Launches: counts, rows' sums and chunks' maps, what arrives at each chunk, dx with the chunk's share
 * of dw and db, and the sums of those shares in order. Bytes a channel and row: x and dy twice, dx there and back: 24 +
 * 64/d of d channels a group.
 */
namespace ls::cuda::timestep_norm {

namespace {

/* body(place in shared memory, place in memory of each of the three sums). */
template <class Body> LS_DEVICE void each_sum(const Task &t, const Place &at, Body body) {
    for (int i = thread_index(); i < at.rows * at.groups; i += THREADS) {
        int row = i / at.groups, group = i % at.groups;
        body(row * (int)t.slab + group, 3 * (at.moment(t, row) + group));
    }
}

template <int W> LS_KERNEL(THREADS) timestep_return_sums(Task t) {
    Counts &counts = *shared_memory<Counts>();
    RowSums sums(reinterpret_cast<double *>(&counts + 1));
    Place at(t);
    count_rows(t, at, counts);
    barrier();
    own_sums<W>(t, at, counts, sums);
    barrier();
    each_sum(t, at, [&](int i, int64_t j) {
        t.rows[j] = sums.mean[i];
        t.rows[j + 1] = sums.var[i];
        t.rows[j + 2] = sums.delta[i];
    });
    int group = thread_index();
    if (group >= at.groups) {
        return;
    }
    Map map = {1, 0, 0, 0};
    for (int row = at.rows - 1; row >= 0; row--) {
        int i = row * (int)t.slab + group;
        if (!counts.padded[row]) {
            map.before(counts.share[row], sums.mean[i], sums.var[i], sums.delta[i]);
        }
        if (counts.fresh[row]) {
            map = {0, 0, 0, 0};
        }
    }
    double *part = t.parts + 4 * (at.part(t) + group);
    part[0] = map.scale;
    part[1] = map.cross;
    part[2] = map.mean;
    part[3] = map.var;
}

/* What leaves a sequence's first row: to the gradients of start, or else of fresh moments. */
LS_DEVICE void leave(const Task &t, int64_t sequence, int64_t group, double d_mean, double d_var) {
    bool start = t.p.start_mean;
    double *fresh = t.d_fresh + 2 * ((t.p.batch * t.chunks + sequence) * t.p.groups + group);
    fresh[0] = start ? 0 : d_mean;
    fresh[1] = start ? 0 : d_var;
    if (start && t.p.d_start_mean) {
        t.p.d_start_mean[sequence * t.p.groups + group] += d_mean;
    }
    if (start && t.p.d_start_var) {
        t.p.d_start_var[sequence * t.p.groups + group] += d_var;
    }
}

LS_DEVICE double last_gradient(const double *d_last, const Task &t, int64_t sequence, int64_t group) {
    return d_last ? d_last[sequence * t.p.groups + group] : 0;
}

/*
 * What arrives behind each chunk, in place of its map: a warp a group, a lane some neighbouring chunks from the last
 * on.
 */
LS_KERNEL(WARP) timestep_return_carry(Task t) {
    int64_t sequence = block_y(), group = block_x();
    auto part = [&](int64_t i) {
        return t.parts + 4 * ((sequence * t.chunks + t.chunks - 1 - i) * t.p.groups + group);
    };
    auto own = [&](int64_t i) { return Map{part(i)[0], part(i)[1], part(i)[2], part(i)[3]}; };
    int64_t from = t.chunks * lane() / WARP, end = t.chunks * (lane() + 1) / WARP;
    Map mine = {1, 0, 0, 0};
    for (int64_t i = from; i < end; i++) {
        mine = joined(mine, own(i));
    }
    LS_UNROLL
    for (int by = 1; by < WARP; by *= 2) {
        Map later = shuffled(mine, by);
        mine = lane() >= by ? joined(later, mine) : mine;
    }
    double d_mean = last_gradient(t.p.d_last_mean, t, sequence, group),
           d_var = last_gradient(t.p.d_last_var, t, sequence, group);
    Map last = {0, 0, d_mean, d_var}, later = shuffled(mine, 1), all = joined(last, mine);
    Map now = lane() == 0 ? last : joined(last, later);
    for (int64_t i = from; i < end; i++) {
        Map next = joined(now, own(i));
        part(i)[0] = now.mean;
        part(i)[1] = now.var;
        now = next;
    }
    if (lane() == WARP - 1) {
        leave(t, sequence, group, all.mean, all.var);
    }
}

/* dx = g·r + offset + slope·x of each row and group, in place of the sums; from what arrives behind the chunk. */
LS_DEVICE void run_back(const Task &t, const Place &at, const Counts &counts, int group, double &d_mean, double &d_var,
                        RowSums sums) {
    double fresh_mean = 0, fresh_var = 0;
    for (int row = at.rows - 1; row >= 0; row--) {
        int i = row * (int)t.slab + group;
        if (!counts.padded[row]) {
            double share = counts.share[row], keep = 1 - share, delta = sums.delta[i];
            double a = d_mean + sums.mean[i], b = d_var + sums.var[i], between = 2 * keep * share * b * delta;
            sums.mean[i] = (share * a + between) / (double)t.d;
            sums.var[i] = 2 * share * b / (double)t.d;
            d_mean = keep * a - between;
            d_var = keep * b;
        }
        if (counts.fresh[row]) {
            fresh_mean += d_mean;
            fresh_var += d_var;
            d_mean = d_var = 0;
        }
    }
    double *fresh = t.d_fresh + 2 * (at.part(t) + group);
    fresh[0] = fresh_mean;
    fresh[1] = fresh_var;
}

/* dx, and the chunk's share of dw and db: a thread a channel, all rows. */
LS_DEVICE void channel_gradients(const Task &t, const Place &at, const Counts &counts, RowSums sums) {
    int cols = (int)(at.groups * t.d);
    int64_t first = at.channel(t);
    for (int col = thread_index(); col < cols; col += THREADS) {
        int group = (int)(col / t.d);
        double weight = t.p.weight ? t.p.weight[first + col] + t.p.weight_offset : 1, d_weight = 0, d_bias = 0;
        for (int row = 0; row < at.rows; row++) {
            if (counts.padded[row]) {
                continue;
            }
            int64_t i = at.x(t, row) + col, m = at.moment(t, row) + group;
            int k = row * (int)t.slab + group;
            double x = t.p.x[i], dy = t.p.dy[i], mean = t.p.means[m], rstd = t.p.rstds[m];
            d_weight += dy * (x - mean) * rstd;
            d_bias += dy;
            if (t.p.dx) {
                t.p.dx[i] =
                    (float)(t.p.dx[i] + (dy * weight * rstd + sums.mean[k] + sums.var[k] * (x - sums.delta[k])));
            }
        }
        int64_t share = (at.sequence * t.chunks + at.chunk) * t.p.channels + first + col;
        t.d_weights[share] = (float)d_weight;
        t.d_biases[share] = (float)d_bias;
    }
}

template <int W> LS_KERNEL(THREADS) timestep_gradients(Task t) {
    Counts &counts = *shared_memory<Counts>();
    RowSums sums(reinterpret_cast<double *>(&counts + 1));
    Place at(t);
    count_rows(t, at, counts);
    barrier();
    bool alone = t.chunks == 1;
    if (alone) {
        own_sums<W>(t, at, counts, sums);
    } else {
        each_sum(t, at, [&](int i, int64_t j) {
            sums.mean[i] = t.rows[j];
            sums.var[i] = t.rows[j + 1];
            sums.delta[i] = t.rows[j + 2];
        });
    }
    barrier();
    int group = thread_index();
    if (group < at.groups) {
        int64_t g = at.first_group + group;
        double d_mean = alone ? last_gradient(t.p.d_last_mean, t, at.sequence, g) : t.parts[4 * (at.part(t) + group)];
        double d_var = alone ? last_gradient(t.p.d_last_var, t, at.sequence, g) : t.parts[4 * (at.part(t) + group) + 1];
        run_back(t, at, counts, group, d_mean, d_var, sums);
        if (alone) {
            leave(t, at.sequence, g, d_mean, d_var);
        }
    }
    barrier();
    // From here on u itself, which is the mean before it and delta.
    each_sum(t, at,
             [&](int i, int64_t) { sums.delta[i] += mean_before(t, at, counts, i / (int)t.slab, i % (int)t.slab); });
    barrier();
    channel_gradients(t, at, counts, sums);
}

/* Column [group, 2]: mean, variance. */
struct MomentGradients {
    double *mean, *var;

    LS_DEVICE double *operator()(int64_t col) const {
        double *first = col % 2 ? var : mean;
        return first ? first + col / 2 : nullptr;
    }
};

/* Scratch: chunks' maps, rows' sums, fresh moments' gradients, counts, shares of dw and db, resets. */
struct Layout {
    int64_t chunks, sums;

    explicit Layout(const ls_cuda_timestep_norm_params &p)
        : chunks(p.batch * chunks_of(p)), sums(chunks_of(p) > 1 ? 3 * p.batch * p.rows * p.groups : 0) {}

    int64_t bytes(const ls_cuda_timestep_norm_params &p) const {
        return (4 * chunks * p.groups + sums + 2 * (chunks + p.batch) * p.groups + chunks + p.batch +
                chunks * p.channels) *
                   8 +
               chunks;
    }

    Task task(const ls_cuda_timestep_norm_params &p) const {
        Task t = task_of(p);
        t.parts = static_cast<double *>(p.scratch);
        t.rows = t.parts + 4 * chunks * p.groups;
        t.d_fresh = t.rows + sums;
        t.counts = reinterpret_cast<int64_t *>(t.d_fresh + 2 * (chunks + p.batch) * p.groups);
        t.d_weights = reinterpret_cast<float *>(t.counts + chunks + p.batch);
        t.d_biases = t.d_weights + chunks * p.channels;
        t.resets = reinterpret_cast<uint8_t *>(t.d_biases + chunks * p.channels);
        return t;
    }
};

template <int W> ls_status gradients(const Task &t, void *stream) {
    if (t.chunks != 1) {
        if (ls_status bad = count_timesteps(t, nullptr, stream)) {
            return bad;
        }
        if (ls_status bad = LS_LAUNCH(timestep_return_sums<W>, grid_of(t), THREADS, SHARED, stream, t)) {
            return bad;
        }
        if (ls_status bad = LS_LAUNCH(timestep_return_carry, (Grid{t.p.groups, t.p.batch}), WARP, 0, stream, t)) {
            return bad;
        }
    }
    return LS_LAUNCH(timestep_gradients<W>, grid_of(t), THREADS, SHARED, stream, t);
}

ls_status backward(const ls_cuda_timestep_norm_params &p, void *stream) {
    Layout layout(p);
    Task t = layout.task(p);
    bool wide = t.d % 4 == 0 && aligned(p.x, p.dy);
    if (ls_status bad = wide ? gradients<4>(t, stream) : gradients<1>(t, stream)) {
        return bad;
    }
    if (p.d_weight) {
        if (ls_status bad =
                add_column_sums(t.d_weights, layout.chunks, p.channels, Neighbours<float>{p.d_weight}, stream)) {
            return bad;
        }
    }
    if (p.d_bias) {
        if (ls_status bad =
                add_column_sums(t.d_biases, layout.chunks, p.channels, Neighbours<float>{p.d_bias}, stream)) {
            return bad;
        }
    }
    if (p.d_fresh_mean || p.d_fresh_var) {
        MomentGradients to = {p.d_fresh_mean, p.d_fresh_var};
        return add_column_sums(t.d_fresh, layout.chunks + p.batch, 2 * p.groups, to, stream);
    }
    return LS_OK;
}

} // namespace

} // namespace ls::cuda::timestep_norm

using namespace ls::cuda;

int64_t ls_cuda_timestep_norm_backward_scratch(const ls_cuda_timestep_norm_params *params) {
    return timestep_norm::Layout(*params).bytes(*params);
}

ls_status ls_cuda_timestep_norm_backward(const ls_cuda_timestep_norm_params *params, void *stream) {
    LS_NEEDS(timestep_norm::valid(*params));
    return timestep_norm::backward(*params, stream);
}
