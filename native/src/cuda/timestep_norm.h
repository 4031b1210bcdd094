#pragma once

#include "column_sums.h"
#include "lanes.h"

/*
 * What timestep norm's kernels share. Time is cut into chunks of 32 rows; one block of threads has a chunk of up to 32
 * neighbouring groups, about 1,024 channels. Moments, counts and sums of groups are doubles throughout: a scan of them
 * is a small share of the bytes, and in float32 the variance is off by 2e-3 after 200 thousand steps.
 */
namespace ls::cuda::timestep_norm {

constexpr int ROWS = 32, GROUPS = 32, CHANNELS = 1024, THREADS = 256;

struct Task {
    ls_cuda_timestep_norm_params p;
    int64_t d, chunks, slab, slabs; /* channels of a group, chunks of a sequence, groups of a slab, slabs of a row */
    int64_t *counts;                /* [B, chunks + 1], timesteps seen before each chunk and after the last */
    uint8_t *resets;                /* [B, chunks], whether any row of a chunk is fresh */
    double *parts;                  /* of each chunk and group, [B, chunks, G, 2 or 4] */
    double *rows;                   /* of each row and group, [2 or 3, B, L, G] */
    double *d_fresh;                /* [B · chunks + B, G, 2] */
    float *d_weights, *d_biases;    /* [B · chunks, D] */
};

inline int64_t chunks_of(const ls_cuda_timestep_norm_params &p) { return (p.rows + ROWS - 1) / ROWS; }

/* With no scratch yet. */
inline Task task_of(const ls_cuda_timestep_norm_params &p) {
    int64_t d = p.channels / p.groups, most = CHANNELS / d < GROUPS ? CHANNELS / d : GROUPS;
    Task t{};
    t.p = p;
    t.d = d;
    t.chunks = chunks_of(p);
    t.slab = most > 1 ? most : 1;
    t.slabs = (p.groups + t.slab - 1) / t.slab;
    return t;
}

inline bool valid(const ls_cuda_timestep_norm_params &p) {
    return p.size == sizeof p && p.batch >= 0 && p.rows >= 0 && p.channels > 0 && p.groups > 0 &&
           p.channels % p.groups == 0;
}

inline Grid grid_of(const Task &t) { return {t.chunks * t.slabs, t.p.batch}; }

/* Counts and resets of all chunks, and the counts behind the last ones where `last` is not NULL. */
ls_status count_timesteps(const Task &t, int64_t *last, void *stream);

/* A block's place. */
struct Place {
    int64_t sequence, chunk, first_row, first_group;
    int rows, groups;

    LS_DEVICE explicit Place(const Task &t)
        : sequence(block_y()), chunk(block_x() / t.slabs), first_row(chunk * ROWS),
          first_group(block_x() % t.slabs * t.slab),
          rows((int)(t.p.rows - first_row < ROWS ? t.p.rows - first_row : ROWS)),
          groups((int)(t.p.groups - first_group < t.slab ? t.p.groups - first_group : t.slab)) {}

    LS_DEVICE int64_t channel(const Task &t) const { return first_group * t.d; }
    /* Of the block's first channel in a row of x. */
    LS_DEVICE int64_t x(const Task &t, int row) const {
        return (sequence * t.p.rows + first_row + row) * t.p.channels + channel(t);
    }
    /* Of the block's first group in a row of [B, L, G]. */
    LS_DEVICE int64_t moment(const Task &t, int row) const {
        return (sequence * t.p.rows + first_row + row) * t.p.groups + first_group;
    }
    /* Of the block's first group among chunks. */
    LS_DEVICE int64_t part(const Task &t) const { return (sequence * t.chunks + chunk) * t.p.groups + first_group; }
};

/* How a block's rows count. */
struct Counts {
    int64_t after[ROWS];
    double share[ROWS]; /* 1 / after */
    uint8_t fresh[ROWS], padded[ROWS];
};

LS_DEVICE int64_t first_count(const ls_cuda_timestep_norm_params &p, int64_t sequence) {
    return p.start_count ? p.start_count[sequence] : *p.fresh_count;
}

/* A mean or variance before the first row. */
LS_DEVICE double first_moment(const double *start, const double *fresh, const ls_cuda_timestep_norm_params &p,
                              int64_t sequence, int64_t group) {
    return start ? start[sequence * p.groups + group] : fresh[group];
}

/* By the first threads; others see it behind a barrier. */
LS_DEVICE void count_rows(const Task &t, const Place &at, Counts &counts) {
    int row = thread_index();
    if (row >= at.rows) {
        return;
    }
    int64_t flags = at.sequence * t.p.rows + at.first_row;
    int64_t count = t.chunks == 1 ? first_count(t.p, at.sequence) : t.counts[at.sequence * (t.chunks + 1) + at.chunk];
    for (int i = 0; i <= row; i++) {
        bool fresh = t.p.fresh && t.p.fresh[flags + i], padded = t.p.padded && t.p.padded[flags + i];
        count = (fresh ? *t.p.fresh_count : count) + (padded ? 0 : 1);
        if (i == row) {
            counts.fresh[row] = fresh;
            counts.padded[row] = padded;
        }
    }
    counts.after[row] = count;
    counts.share[row] = count > 0 ? 1 / (double)count : 0;
}

/* Threads that share a group's channels, a power of two of one warp. */
template <int W> LS_DEVICE int threads_of_group(const Task &t) {
    int lanes = 1;
    while (lanes < WARP && lanes * W < t.d) {
        lanes *= 2;
    }
    return lanes;
}

LS_DEVICE double sum_of(double v, int lanes) {
    for (int by = lanes / 2; by > 0; by /= 2) {
        v += shuffle_xor(v, by);
    }
    return v;
}

/*
 * body(row, group of the block, first channel of the thread, distance of its channels, whether it is there) by whole
 * warps.
 */
template <int W, class Body> LS_DEVICE void each_group(const Place &at, int lanes, Body body) {
    int at_once = WARP / lanes, items = at.rows * at.groups;
    for (int from = warp() * at_once; from < items; from += threads() / WARP * at_once) {
        int item = from + lane() / lanes;
        bool there = item < items;
        body(there ? item / at.groups : 0, there ? item % at.groups : 0, lane() % lanes * W, lanes * W, there);
    }
}

/* Of the channels from `first` on, each `by` after the other: the group's mean. */
template <int W> LS_DEVICE double mean_of(const float *x, int64_t d, int first, int by, int lanes) {
    double sum = 0;
    for (int64_t j = first; j < d; j += by) {
        Floats<W> v = load<W>(x + j);
        LS_UNROLL
        for (int i = 0; i < W; i++) {
            sum += v.at[i];
        }
    }
    return sum_of(sum, lanes) / (double)d;
}

} // namespace ls::cuda::timestep_norm
