#include "kernels.h"
#include "simd.h"

/*
 * sₜ = q⊙sₜ₋₁ + xₜ, yₜ = Σₙ Re(c⊙sₜ) + ω⊙xₜ, lanes = channels, a block of steps at a time, modes within. q is two floats,
 * high + low: over 64K steps of a mode with 1 − |q| = 6e-6 a rounded q alone would be off by 4e-4. The four multiply-adds
 * that this costs a step are why the Vector API's kernel, which mends the state once in a while, is the faster one.
 */
namespace ls::LS_TIER {

namespace {

/* Steps between kept states: ScanPlan.BLOCK. */
constexpr int64_t STEPS = 64;
/* Modes in flight: their chains of dependent multiply-adds overlap. */
constexpr int MODES = 2;

/* A complex number a lane. */
struct C {
    F re, im;
};

/* q of a mode in two parts, and c. */
struct Mode {
    C high, low, c;
};

/* x + q·s, or x + q̄·s with sign −1. */
template <int SIGN> C times_plus(const Mode &m, C s, C x) {
    F hi = (float)SIGN * m.high.im, li = (float)SIGN * m.low.im;
    F re = fma(m.high.re, s.re, fma(-hi, s.im, fma(m.low.re, s.re, fma(-li, s.im, x.re))));
    F im = fma(m.high.re, s.im, fma(hi, s.re, fma(m.low.re, s.im, fma(li, s.re, x.im))));
    return {re, im};
}

/* The channels of one vector: `count` of them from channel d of the item on. */
struct Lane {
    const ls_cema_params &p;
    int64_t d;
    First in;

    F read(const float *row) const { return load(row + d, in); }
    void write(float *row, F v) const { store(row + d, v, in); }

    /* Row 2·mode + part of a state. */
    C state(const float *s, int64_t mode) const {
        return {read(s + 2 * mode * p.width), read(s + (2 * mode + 1) * p.width)};
    }

    void keep(float *s, int64_t mode, C v) const {
        write(s + 2 * mode * p.width, v.re);
        write(s + (2 * mode + 1) * p.width, v.im);
    }

    Mode mode(int64_t number) const {
        Mode m{};
        for (int lane = 0; lane < in.count && number < p.modes; lane++) {
            int64_t re = 2 * number * p.width + d + lane, im = re + p.width;
            m.high.re[lane] = (float)p.q[re];
            m.high.im[lane] = (float)p.q[im];
            m.low.re[lane] = (float)(p.q[re] - m.high.re[lane]);
            m.low.im[lane] = (float)(p.q[im] - m.high.im[lane]);
            m.c.re[lane] = (float)p.c[re];
            m.c.im[lane] = (float)p.c[im];
        }
        return m;
    }

    const float *row(const float *rows, int64_t step) const {
        return rows + (p.reversed ? p.rows - 1 - step : step) * p.width;
    }

    float *row(float *rows, int64_t step) const { return rows + (p.reversed ? p.rows - 1 - step : step) * p.width; }
};

/* body(from, to, fresh) for the stretches of steps first to end between resets, which forget the state before them. */
template <class Body> void stretches(const ls_cema_params &p, int64_t first, int64_t end, Body body) {
    int64_t next = 0;
    while (p.resets[next] < first) {
        next++;
    }
    for (int64_t at = first; at < end;) {
        bool fresh = p.resets[next] == at;
        next += fresh;
        int64_t to = p.resets[next] < end ? p.resets[next] : end;
        body(at - first, to - first, fresh);
        at = to;
    }
}

template <class Body> ls_status for_lanes(const ls_cema_params &p, Body body) {
    for (int64_t d = 0; d < p.channels; d += W) {
        ls_status status = body(Lane{p, d, {(int)(p.channels - d < W ? p.channels - d : W)}});
        if (status != LS_OK) {
            return status;
        }
    }
    return LS_OK;
}

/* MODES modes from `first` on over a block. */
void forward(const Lane &lane, int64_t first, const Mode *modes, C *states, int64_t from, int64_t end, const F *x, F *y) {
    C s[MODES];
    Mode mode[MODES];
    std::memcpy(s, states + first, sizeof s);
    std::memcpy(mode, modes + first, sizeof mode);
    stretches(lane.p, from, end, [&](int64_t t, int64_t to, bool fresh) {
        if (fresh) {
            std::memset(s, 0, sizeof s);
        }
        for (; t < to; t++) {
            F sum = y[t];
#pragma GCC unroll 2
            for (int m = 0; m < MODES; m++) {
                s[m] = times_plus<1>(mode[m], s[m], {x[t], F{}});
                sum = fma(mode[m].c.re, s[m].re, fma(-mode[m].c.im, s[m].im, sum));
            }
            y[t] = sum;
        }
    });
    std::memcpy(states + first, s, sizeof s);
}

} // namespace

int64_t cema_scratch(int64_t modes) {
    /* Modes and states, rounded up to MODES; the backward's sums in double are W·8 bytes each. */
    return round_up(modes, MODES) * (sizeof(Mode) + sizeof(C) + 4 * W * sizeof(double)) / sizeof(float) + 64;
}

ls_status cema(const ls_cema_params *params) {
    const ls_cema_params &p = *params;
    int64_t padded = round_up(p.modes, MODES);
    Mode *modes = reinterpret_cast<Mode *>(p.scratch);
    C *states = reinterpret_cast<C *>(modes + padded);
    return for_lanes(p, [&](const Lane &lane) {
        for (int64_t n = 0; n < padded; n++) {
            modes[n] = lane.mode(n);
            states[n] = n < p.modes && p.start ? lane.state(p.start, n) : C{};
        }
        F omega = lane.read(p.omega);
        for (int64_t from = 0; from < p.rows; from += STEPS) {
            if (cancelled(p.cancel)) {
                return (ls_status)LS_CANCELLED;
            }
            int64_t end = from + STEPS < p.rows ? from + STEPS : p.rows;
            F x[STEPS], y[STEPS];
            for (int64_t t = from; t < end; t++) {
                x[t - from] = lane.read(lane.row(p.x, t));
                y[t - from] = omega * x[t - from];
            }
            for (int64_t n = 0; n < p.modes; n++) {
                if (p.kept) {
                    lane.keep(p.kept + from / STEPS * 2 * p.modes * p.width, n, states[n]);
                }
            }
            for (int64_t n = 0; n < padded; n += MODES) {
                forward(lane, n, modes, states, from, end, x, y);
            }
            for (int64_t t = from; t < end; t++) {
                lane.write(lane.row(p.y, t), y[t - from]);
            }
        }
        for (int64_t n = 0; n < p.modes; n++) {
            lane.keep(p.last, n, states[n]);
        }
        return (ls_status)LS_OK;
    });
}

namespace {

/* Sums over all steps: dc, then dq. */
struct Sums {
    double values[4][W];
};

void fold(double *total, F sum, int count) {
    for (int lane = 0; lane < count; lane++) {
        total[lane] += sum[lane];
    }
}

/* One mode over a block, from the kept state before it: states again, then gradients from the last step to the first. */
void backward(const Lane &lane, const Mode &m, C before, C &z, Sums &sums, int64_t from, int64_t end, const F *x, const F *dy,
              F *dx) {
    C s[STEPS + 1]; /* before each step */
    F dcr{}, dci{}, dqr{}, dqi{};
    C now = before;
    int64_t starts[STEPS + 1];
    bool forgets[STEPS + 1];
    int count = 0;
    stretches(lane.p, from, end, [&](int64_t t, int64_t to, bool fresh) {
        starts[count] = t;
        forgets[count++] = fresh;
        if (fresh) {
            now = C{};
        }
        for (; t < to; t++) {
            s[t] = now;
            now = times_plus<1>(m, now, {x[t], F{}});
            dcr = fma(dy[t], now.re, dcr);
            dci = fma(-dy[t], now.im, dci);
        }
    });
    starts[count] = end - from;
    while (count-- > 0) {
        for (int64_t t = starts[count + 1] - 1; t >= starts[count]; t--) {
            C a = {fma(m.c.re, dy[t], z.re), fma(-m.c.im, dy[t], z.im)};
            dx[t] += a.re;
            dqr = fma(a.re, s[t].re, fma(a.im, s[t].im, dqr));
            dqi = fma(a.im, s[t].re, fma(-a.re, s[t].im, dqi));
            z = times_plus<-1>(m, a, C{});
        }
        if (forgets[count]) {
            z = C{};
        }
    }
    fold(sums.values[0], dcr, lane.in.count);
    fold(sums.values[1], dci, lane.in.count);
    fold(sums.values[2], dqr, lane.in.count);
    fold(sums.values[3], dqi, lane.in.count);
}

} // namespace

ls_status cema_backward(const ls_cema_params *params) {
    const ls_cema_params &p = *params;
    Mode *modes = reinterpret_cast<Mode *>(p.scratch);
    C *z = reinterpret_cast<C *>(modes + p.modes);
    Sums *sums = reinterpret_cast<Sums *>(z + p.modes);
    return for_lanes(p, [&](const Lane &lane) {
        for (int64_t n = 0; n < p.modes; n++) {
            modes[n] = lane.mode(n);
            z[n] = p.d_last ? lane.state(p.d_last, n) : C{};
            sums[n] = Sums{};
        }
        F omega = lane.read(p.omega);
        double d_omega[W] = {};
        for (int64_t from = (p.rows - 1) / STEPS * STEPS; from >= 0 && p.rows > 0; from -= STEPS) {
            if (cancelled(p.cancel)) {
                return (ls_status)LS_CANCELLED;
            }
            int64_t end = from + STEPS < p.rows ? from + STEPS : p.rows;
            F x[STEPS], dy[STEPS], dx[STEPS], direct{};
            for (int64_t t = 0; t < end - from; t++) {
                x[t] = lane.read(lane.row(p.x, from + t));
                dy[t] = lane.read(lane.row(p.dy, from + t));
                dx[t] = omega * dy[t];
                direct = fma(x[t], dy[t], direct);
            }
            fold(d_omega, direct, lane.in.count);
            for (int64_t n = 0; n < p.modes; n++) {
                C before = lane.state(p.kept + from / STEPS * 2 * p.modes * p.width, n);
                backward(lane, modes[n], before, z[n], sums[n], from, end, x, dy, dx);
            }
            for (int64_t t = 0; p.dx && t < end - from; t++) {
                float *row = lane.row(p.dx, from + t);
                lane.write(row, lane.read(row) + dx[t]);
            }
        }
        for (int64_t n = 0; n < p.modes; n++) {
            if (p.d_start) {
                C old = lane.state(p.d_start, n);
                lane.keep(p.d_start, n, {old.re + z[n].re, old.im + z[n].im});
            }
            for (int i = 0; i < lane.in.count; i++) {
                int64_t re = 2 * n * p.width + lane.d + i;
                if (p.dc) {
                    p.dc[re] += sums[n].values[0][i];
                    p.dc[re + p.width] += sums[n].values[1][i];
                }
                if (p.dq) {
                    p.dq[re] += sums[n].values[2][i];
                    p.dq[re + p.width] += sums[n].values[3][i];
                }
            }
        }
        for (int i = 0; p.d_omega && i < lane.in.count; i++) {
            p.d_omega[lane.d + i] = (float)(p.d_omega[lane.d + i] + d_omega[i]);
        }
        return (ls_status)LS_OK;
    });
}

} // namespace ls::LS_TIER
