#pragma once

#include "column_sums.h"
#include "complex.h"

/*
 * What the diagonal recurrence's kernels share: a thread has a channel of a chunk of 64 steps, N is double or
 * Complex<double>. Memory is the bound, and what double costs beside it is nothing on data centres' devices.
 */
namespace ls::cuda::recurrence {

constexpr int CHUNK = 64, THREADS = 128;

/* Rows of real or complex channels; one for all steps where `step` is 0, and 1 where there is none. */
template <class N> struct Operand {
    float *values;
    int64_t step, channels;

    LS_DEVICE N at(int64_t row, int64_t d) const {
        int64_t i = row * step + d;
        if constexpr (sizeof(N) == sizeof(double)) {
            return values ? values[i] : 1;
        } else {
            return values ? N{values[i], values[i + channels]} : one<N>();
        }
    }

    LS_DEVICE void set(int64_t row, int64_t d, N v) const {
        int64_t i = row * step + d;
        if constexpr (sizeof(N) == sizeof(double)) {
            values[i] = (float)v;
        } else {
            values[i] = (float)v.re;
            values[i + channels] = (float)v.im;
        }
    }

    /* Nothing where it is absent. */
    LS_DEVICE void add(int64_t row, int64_t d, N v) const {
        if (values) {
            N old = at(row, d);
            if constexpr (sizeof(N) == sizeof(double)) {
                set(row, d, old + v);
            } else {
                set(row, d, {old.re + v.re, old.im + v.im});
            }
        }
    }
};

LS_DEVICE double sum(double a, double b) { return a + b; }
LS_DEVICE Complex<double> sum(Complex<double> a, Complex<double> b) { return {a.re + b.re, a.im + b.im}; }

/* What a chunk makes of the state before it, or of the gradient behind it: scale · state + own. */
template <class N> struct Map {
    N scale, own;
};

template <class N> struct Task {
    ls_cuda_recurrence_params p;
    Operand<N> a, b, x, start, h, dh, da, db, dx, d_start;
    int64_t chunks, slabs;
    Map<N> *maps;       /* [B, chunks, D]; then in `own` what arrives at each chunk */
    double *das, *dbs;  /* [B · chunks, D] or [B · chunks, 2, D], where all steps share a or b */

    LS_DEVICE bool forgets(int64_t sequence, int64_t step) const {
        return p.fresh && p.fresh[sequence * p.rows + step];
    }
};

/* A thread's place. */
struct Place {
    int64_t sequence, chunk, d, first, end;

    template <class N>
    LS_DEVICE explicit Place(const Task<N> &t)
        : sequence(block_y()), chunk(block_x() / t.slabs), d(block_x() % t.slabs * THREADS + thread_index()),
          first(chunk * CHUNK), end(first + CHUNK < t.p.rows ? first + CHUNK : t.p.rows) {}

    template <class N> LS_DEVICE int64_t map(const Task<N> &t) const {
        return (sequence * t.chunks + chunk) * t.p.channels + d;
    }

    template <class N> LS_DEVICE int64_t row(const Task<N> &t, int64_t step) const {
        return sequence * t.p.rows + (t.p.reversed ? t.p.rows - 1 - step : step);
    }
};

inline int64_t chunks_of(const ls_cuda_recurrence_params &p) { return (p.rows + CHUNK - 1) / CHUNK; }

inline bool valid(const ls_cuda_recurrence_params &p) {
    return p.size == sizeof p && p.batch >= 0 && p.rows >= 0 && p.channels >= 0;
}

template <class N> Task<N> task_of(const ls_cuda_recurrence_params &p) {
    int64_t width = p.channels * (int64_t)(sizeof(N) / sizeof(double)), a = p.a_per_step ? width : 0,
            b = p.b_per_step ? width : 0;
    auto operand = [&](const float *values, int64_t step) {
        return Operand<N>{const_cast<float *>(values), step, p.channels};
    };
    Task<N> t{};
    t.p = p;
    t.a = operand(p.a, a);
    t.b = operand(p.b, b);
    t.x = operand(p.x, width);
    t.start = operand(p.start, width);
    t.h = operand(p.h, width);
    t.dh = operand(p.dh, width);
    t.da = operand(p.da, a);
    t.db = operand(p.db, b);
    t.dx = operand(p.dx, width);
    t.d_start = operand(p.d_start, width);
    t.chunks = chunks_of(p);
    t.slabs = (p.channels + THREADS - 1) / THREADS;
    t.maps = static_cast<Map<N> *>(p.scratch);
    return t;
}

template <class N> Grid grid_of(const Task<N> &t) { return {t.chunks * t.slabs, t.p.batch}; }

/* Body(task) in the field of the params. */
template <class Body> ls_status in_field(const ls_cuda_recurrence_params &p, Body body) {
    return p.complex ? body(task_of<Complex<double>>(p)) : body(task_of<double>(p));
}

/*
 * What arrives at each chunk of a channel, from the first on or from the last one back; gives what leaves. Many maps
 * are in flight, the chain is one product a chunk.
 */
template <class N> LS_DEVICE N carry(Map<N> *maps, int64_t chunks, int64_t stride, bool back, N state) {
    constexpr int AHEAD = 4;
    for (int64_t from = 0; from < chunks; from += AHEAD) {
        Map<N> some[AHEAD];
        LS_UNROLL
        for (int i = 0; i < AHEAD; i++) {
            int64_t chunk = from + i < chunks ? from + i : chunks - 1;
            some[i] = maps[(back ? chunks - 1 - chunk : chunk) * stride];
        }
        LS_UNROLL
        for (int i = 0; i < AHEAD; i++) {
            if (from + i < chunks) {
                maps[(back ? chunks - 1 - from - i : from + i) * stride].own = state;
                state = times_plus(some[i].scale, state, some[i].own);
            }
        }
    }
    return state;
}

} // namespace ls::cuda::recurrence
