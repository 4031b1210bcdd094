#include "kernels.h"
#include "simd.h"

/*
 * sₜ = q⊙sₜ₋₁ + xₜ, yₜ = Σₙ Re(c⊙sₜ) + ω⊙xₜ, lanes = channels, T = 8 steps at a time by powers of q. A piece of T steps
 * that begins with state s is
 *     project  L = Σⱼ qᵀ⁻¹⁻ʲ xⱼ
 *     chain    the next piece's s = qᵀ s + L
 *     expand   yₜ = Σₙ Re(qᵗ⁺¹ (c s))
 *     within   yₜ += ω xₜ + Σⱼ≤ₜ kₜ₋ⱼ xⱼ with kᵢ = Σₙ Re(c qⁱ)
 * That takes about as many multiply-adds as step by step, but only the chain depends on what came before, so the others
 * run at the speed of products; and the state is rounded once in T steps. Powers and k are made in double. The chain's
 * qᵀ is two floats, high + low: over 64K steps of a mode with 1 − |q| = 6e-6 a rounded q alone would be off by 4e-4.
 *
 * Backward with u = the state's gradient, conjugated, from the last piece to the first:
 *     project  G = Σₜ dyₜ qᵗ⁺¹, H = Σⱼ (T−1−j) qᵀ⁻²⁻ʲ xⱼ, E = Σₜ (t+1) qᵗ dyₜ
 *     chain    the piece before's u = qᵀ u + c G
 *     expand   dxⱼ = Σₙ Re(qᵀ⁻¹⁻ʲ u)
 *     within   dxⱼ += ω dyⱼ + Σₜ≥ⱼ kₜ₋ⱼ dyₜ
 *     sums     F = Σ u (T qᵀ⁻¹ s + H) + c Σ s E, Γ = Σ s G, Rᵢ = Σₜ dyₜ xₜ₋ᵢ within pieces
 *     dq = conj(F + Σᵢ Rᵢ c i qⁱ⁻¹), dc = conj(Γ + Σᵢ Rᵢ qⁱ), dω = R₀
 * A stretch between resets whose steps T does not divide ends with a shorter piece: the same with another T.
 */
namespace ls::LS_TIER {

namespace {

/* Steps between kept states: ScanPlan.BLOCK. */
constexpr int64_t STEPS = 64;
/* Steps of a piece. */
constexpr int T = 8;
constexpr int PIECES = STEPS / T;
/* Modes whose chains overlap. */
constexpr int MODES = W == 16 ? 4 : 2;
/* Pieces that are projected together, and expanded four steps at a time: accumulators fit 32 registers, or 16. */
constexpr int PROJECTED = W == 16 ? 8 : 4;
constexpr int EXPANDED = W == 16 ? 4 : 2;

/* Double numbers, as many as floats in a vector. */
typedef double D __attribute__((vector_size(8 * W)));

inline F narrow(D v) { return __builtin_convertvector(v, F); }
inline D widen(F v) { return __builtin_convertvector(v, D); }

/* A complex number a lane. */
template <class V> struct Complex {
    V re, im;

    Complex operator+(const Complex &b) const { return {re + b.re, im + b.im}; }
    Complex operator*(const Complex &b) const { return {re * b.re - im * b.im, re * b.im + im * b.re}; }
};
typedef Complex<F> C;
typedef Complex<D> CD;

inline C narrow(const CD &v) { return {narrow(v.re), narrow(v.im)}; }

/* a·b + x. */
inline C times_plus(const C &a, const C &b, const C &x) {
    return {fma(a.re, b.re, fma(-a.im, b.im, x.re)), fma(a.re, b.im, fma(a.im, b.re, x.im))};
}

/* A mode's c, and powers qⁱ in two parts. */
struct Mode {
    C c, high[T + 1], low[T + 1];
};

/* Sums of a mode over all steps: Σ u (T qᵀ⁻¹ s + H), Σ s E, Γ. */
struct Sums {
    CD later, earlier, c;

    void add(const C &u, const C &s, const C &g) {
        later = later + CD{widen(u.re), widen(u.im)};
        earlier = earlier + CD{widen(s.re), widen(s.im)};
        c = c + CD{widen(g.re), widen(g.im)};
    }
};

/* Steps between resets within a block; fresh: they forget the state before them. */
struct Stretch {
    int64_t from, steps;
    bool fresh;

    int64_t pieces() const { return (steps + T - 1) / T; }
    int64_t whole() const { return steps / T; }
    int64_t rest() const { return steps % T; }
};

struct Block {
    int64_t from, steps, count = 0;
    Stretch stretches[STEPS];

    Block(const ls_cema_params &p, int64_t from) : from(from), steps(p.rows - from < STEPS ? p.rows - from : STEPS) {
        const int64_t *reset = p.resets;
        while (*reset < from) {
            reset++;
        }
        for (int64_t at = from; at < from + steps;) {
            bool fresh = *reset == at;
            reset += fresh;
            int64_t to = *reset < from + steps ? *reset : from + steps;
            stretches[count++] = {at - from, to - at, fresh};
            at = to;
        }
    }

    float *kept(const ls_cema_params &p) const { return p.kept + from / STEPS * 2 * p.modes * p.width; }
};

template <int N> struct Count {
    static constexpr int value = N;
};

/* body(Count<N>, piece, its steps): N pieces at a time, then one by one, the shorter one last. */
template <int N, class Body> void sweep(const Stretch &of, Body body) {
    int64_t piece = 0;
    for (; piece + N <= of.whole(); piece += N) {
        body(Count<N>{}, piece, T);
    }
    for (; piece < of.whole(); piece++) {
        body(Count<1>{}, piece, T);
    }
    if (of.rest()) {
        body(Count<1>{}, piece, of.rest());
    }
}

/* body(Count<steps>) for steps from 1 to T. */
template <int N = T, class Body> inline void counted(int64_t steps, Body body) {
    if constexpr (N == 1) {
        body(Count<1>{});
    } else {
        steps == N ? body(Count<N>{}) : counted<N - 1>(steps, body);
    }
}

/* to[piece] = Σⱼ q[BY·j] x[j] for N pieces, j below `steps`. */
template <int N, int BY> void project(const C *q, const F *x, int64_t steps, C *to) {
    C sums[N] = {};
    for (int64_t j = 0; j < steps; j++, q += BY) {
#pragma GCC unroll 8
        for (int n = 0; n < N; n++) {
            sums[n].re = fma(q->re, x[n * T + j], sums[n].re);
            sums[n].im = fma(q->im, x[n * T + j], sums[n].im);
        }
    }
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) {
        to[n] = sums[n];
    }
}

/* y[t] += Σₙ Re(powers[n][first + BY·t] s[n]) for N pieces, K steps of each. */
template <int N, int K, int BY> void expand(const Mode *modes, int64_t count, int64_t first, const C *s, F *y) {
    F sums[N][K];
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) {
#pragma GCC unroll 8
        for (int t = 0; t < K; t++) {
            sums[n][t] = y[n * T + t];
        }
    }
    for (int64_t mode = 0; mode < count; mode++) {
        const C *q = modes[mode].high + first;
#pragma GCC unroll 8
        for (int n = 0; n < N; n++) {
            C v = s[mode * PIECES + n];
#pragma GCC unroll 8
            for (int t = 0; t < K; t++) {
                sums[n][t] = fma(q[BY * t].re, v.re, fma(-q[BY * t].im, v.im, sums[n][t]));
            }
        }
    }
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) {
#pragma GCC unroll 8
        for (int t = 0; t < K; t++) {
            y[n * T + t] = sums[n][t];
        }
    }
}

/* The same of a stretch; first(steps) is the power of a piece's step 0. */
template <int BY, class First>
void expand(const Stretch &of, const Mode *modes, int64_t count, First first, const C *s, F *y) {
    sweep<EXPANDED>(of, [&](auto n, int64_t piece, int64_t steps) {
        const C *from = s + piece;
        F *to = y + of.from + piece * T;
        if (steps == T) {
            for (int t = 0; t < T; t += 4) {
                expand<decltype(n)::value, 4, BY>(modes, count, first(T) + BY * t, from, to + t);
            }
        } else {
            counted(steps, [&](auto k) { expand<1, decltype(k)::value, BY>(modes, count, first(steps), from, to); });
        }
    });
}

/* y[BY·t] = Σⱼ≤ₜ k[t − j] x[BY·j], t below N. */
template <int N, int BY> void within(const F *k, const F *x, F *y) {
#pragma GCC unroll 8
    for (int t = 0; t < N; t++) {
        F sum = k[0] * x[BY * t];
#pragma GCC unroll 8
        for (int j = 0; j < t; j++) {
            sum = fma(k[t - j], x[BY * j], sum);
        }
        y[BY * t] = sum;
    }
}

/* The same of a stretch's pieces, from their first step on or from their last one back. */
template <int BY> void within(const Stretch &of, const F *k, const F *x, F *y) {
    sweep<1>(of, [&](auto, int64_t piece, int64_t steps) {
        int64_t first = of.from + piece * T + (BY < 0 ? steps - 1 : 0);
        counted(steps, [&](auto n) { within<decltype(n)::value, BY>(k, x + first, y + first); });
    });
}

/* r[i] += Σₜ dy[t] x[t − i], t below N. */
template <int N> void lags(const F *x, const F *dy, F *r) {
#pragma GCC unroll 8
    for (int i = 0; i < N; i++) {
        F sum = r[i];
#pragma GCC unroll 8
        for (int t = i; t < N; t++) {
            sum = fma(dy[t], x[t - i], sum);
        }
        r[i] = sum;
    }
}

/* States of MODES modes before the pieces from `piece` to before `end`; body(mode, piece, state) is what enters. */
template <int BY, class Body>
inline void chain(const Mode *modes, int64_t steps, int64_t piece, int64_t end, C *states, Body body) {
    C s[MODES];
#pragma GCC unroll 4
    for (int m = 0; m < MODES; m++) {
        s[m] = states[m];
    }
    for (; piece != end; piece += BY) {
#pragma GCC unroll 4
        for (int m = 0; m < MODES; m++) {
            C entering = body(m, piece, s[m]);
            s[m] = times_plus(modes[m].high[steps], s[m], times_plus(modes[m].low[steps], s[m], entering));
        }
    }
#pragma GCC unroll 4
    for (int m = 0; m < MODES; m++) {
        states[m] = s[m];
    }
}

/* From the first piece of a stretch to the last. */
template <class Body> void chain_on(const Stretch &of, const Mode *modes, C *states, Body body) {
    chain<1>(modes, T, 0, of.whole(), states, body);
    if (of.rest()) {
        chain<1>(modes, of.rest(), of.whole(), of.whole() + 1, states, body);
    }
}

/* From the last one back to the first. */
template <class Body> void chain_back(const Stretch &of, const Mode *modes, C *states, Body body) {
    if (of.rest()) {
        chain<-1>(modes, of.rest(), of.whole(), of.whole() - 1, states, body);
    }
    chain<-1>(modes, T, of.whole() - 1, -1, states, body);
}

/* The channels of one vector: `count` of them from channel d of the item on. */
struct Lane {
    const ls_cema_params &p;
    int64_t d;
    First in;

    F read(const float *row) const { return in.count == W ? load(row + d) : load(row + d, in); }
    void write(float *row, F v) const { in.count == W ? store(row + d, v) : store(row + d, v, in); }

    D read(const double *row) const {
        D v{};
        std::memcpy(&v, row + d, in.count == W ? sizeof v : sizeof(double) * in.count);
        return v;
    }

    void add(double *row, D v) const {
        for (int lane = 0; lane < in.count; lane++) {
            row[d + lane] += v[lane];
        }
    }

    /* Row 2·mode + part of a state or coefficient. */
    template <class E> auto read(const E *s, int64_t mode) const {
        auto re = read(s + 2 * mode * p.width), im = read(s + (2 * mode + 1) * p.width);
        return Complex<decltype(re)>{re, im};
    }

    void keep(float *s, int64_t mode, C v) const {
        write(s + 2 * mode * p.width, v.re);
        write(s + (2 * mode + 1) * p.width, v.im);
    }

    void add(double *s, int64_t mode, CD v) const {
        add(s + 2 * mode * p.width, v.re);
        add(s + (2 * mode + 1) * p.width, v.im);
    }

    template <class E> E *row(E *rows, int64_t step) const {
        return rows + (p.reversed ? p.rows - 1 - step : step) * p.width;
    }
};

/* What is kept of a vector's channels from block to block; the states are u in a backward. */
struct Tables {
    Mode *modes;
    F *k;
    C *states;
    Sums *sums;
    D *lags;
    C *work; /* PIECES a mode, the same for all vectors */

    static int64_t size(int64_t modes) {
        return modes * (sizeof(Mode) + sizeof(C) + sizeof(Sums)) + T * (sizeof(F) + sizeof(D));
    }

    Tables(const ls_cema_params &p, int64_t vector) {
        int64_t padded = round_up(p.modes, MODES);
        work = reinterpret_cast<C *>(p.scratch);
        char *at = reinterpret_cast<char *>(work + padded * PIECES) + vector * size(padded);
        modes = reinterpret_cast<Mode *>(at);
        states = reinterpret_cast<C *>(modes + padded);
        k = reinterpret_cast<F *>(states + padded);
        sums = reinterpret_cast<Sums *>(k + T);
        lags = reinterpret_cast<D *>(sums + padded);
    }

    /* Powers as far as the rows need them. */
    void fill(const Lane &lane, const float *start) {
        const ls_cema_params &p = lane.p;
        int64_t longest = p.rows < T ? p.rows : T;
        D sums[T] = {widen(lane.read(p.omega))};
        for (int64_t n = 0; n < round_up(p.modes, MODES); n++) {
            bool real = n < p.modes;
            CD q = real ? lane.read(p.q, n) : CD{}, c = real ? lane.read(p.c, n) : CD{}, power = {D{} + 1, D{}};
            modes[n].c = narrow(c);
            for (int64_t i = 0; i <= longest; i++) {
                if (i < T) {
                    sums[i] += (c * power).re;
                }
                C high = narrow(power);
                modes[n].high[i] = high;
                modes[n].low[i] = narrow(CD{power.re - widen(high.re), power.im - widen(high.im)});
                power = power * q;
            }
            states[n] = real && start ? lane.read(start, n) : C{};
        }
        for (int64_t i = 0; i < longest; i++) {
            k[i] = narrow(sums[i]);
        }
    }
};

template <class Body> void for_lanes(const ls_cema_params &p, Body body) {
    for (int64_t d = 0; d < p.channels; d += W) {
        body(Lane{p, d, {(int)(p.channels - d < W ? p.channels - d : W)}}, Tables(p, d / W));
    }
}

void forward(const Lane &lane, const Tables &of, const Block &block) {
    const ls_cema_params &p = lane.p;
    F x[STEPS], y[STEPS];
    for (int64_t t = 0; t < block.steps; t++) {
        x[t] = lane.read(lane.row(p.x, block.from + t));
    }
    for (int64_t n = 0; p.kept && n < p.modes; n++) {
        lane.keep(block.kept(p), n, of.states[n]);
    }
    for (const Stretch *stretch = block.stretches; stretch < block.stretches + block.count; stretch++) {
        if (stretch->fresh) {
            std::memset((void *)of.states, 0, sizeof(C) * p.modes);
        }
        within<1>(*stretch, of.k, x, y);
        for (int64_t first = 0; first < p.modes; first += MODES) {
            const Mode *modes = of.modes + first;
            C *work = of.work + first * PIECES;
            for (int m = 0; m < MODES; m++) {
                sweep<PROJECTED>(*stretch, [&](auto n, int64_t piece, int64_t steps) {
                    project<decltype(n)::value, -1>(modes[m].high + steps - 1, x + stretch->from + piece * T, steps,
                                                    work + m * PIECES + piece);
                });
            }
            chain_on(*stretch, modes, of.states + first, [&](int m, int64_t piece, const C &s) {
                C *at = work + m * PIECES + piece, entering = *at;
                *at = times_plus(modes[m].c, s, C{});
                return entering;
            });
        }
        expand<1>(*stretch, of.modes, p.modes, [](int64_t) { return 1; }, of.work, y);
    }
    for (int64_t t = 0; t < block.steps; t++) {
        lane.write(lane.row(p.y, block.from + t), y[t]);
    }
}

/* MODES modes over a stretch: u behind each piece goes to `work`; s: before it, becomes that after the stretch. */
void backward(const Stretch &of, const Mode *modes, const F *x, const F *weighted_x, const F *dy, const F *weighted_dy,
              C *s, C *u, C *work, Sums *sums) {
    C before[MODES][PIECES], h[MODES][PIECES], e[MODES][PIECES], c[MODES] = {};
    for (int m = 0; m < MODES; m++) {
        const C *q = modes[m].high;
        sweep<PROJECTED>(of, [&](auto n, int64_t piece, int64_t steps) {
            constexpr int N = decltype(n)::value;
            int64_t at = of.from + piece * T;
            project<N, -1>(q + steps - 1, x + at, steps, before[m] + piece);
            project<N, -1>(q + steps - 2, weighted_x + at, steps - 1, h[m] + piece);
            project<N, 1>(q + 1, dy + at, steps, work + m * PIECES + piece);
            project<N, 1>(q, weighted_dy + at, steps, e[m] + piece);
        });
    }
    chain_on(of, modes, s, [&](int m, int64_t piece, const C &state) {
        C entering = before[m][piece];
        before[m][piece] = state;
        return entering;
    });
    chain_back(of, modes, u, [&](int m, int64_t piece, const C &state) {
        C *at = work + m * PIECES + piece, entering = *at;
        c[m] = times_plus(before[m][piece], entering, c[m]);
        *at = state;
        return times_plus(modes[m].c, entering, C{});
    });
    for (int m = 0; m < MODES; m++) {
        C later{}, earlier{};
        for (int64_t piece = 0; piece < of.pieces(); piece++) {
            int64_t steps = piece < of.whole() ? T : of.rest();
            C q = modes[m].high[steps - 1], s = before[m][piece];
            C derivative = {q.re * (float)steps, q.im * (float)steps};
            later = times_plus(work[m * PIECES + piece], times_plus(derivative, s, h[m][piece]), later);
            earlier = times_plus(s, e[m][piece], earlier);
        }
        sums[m].add(later, earlier, c[m]);
    }
}

void backward(const Lane &lane, const Tables &of, const Block &block) {
    const ls_cema_params &p = lane.p;
    F x[STEPS], dy[STEPS], dx[STEPS], weighted_x[STEPS], weighted_dy[STEPS], r[T] = {};
    for (int64_t t = 0; t < block.steps; t++) {
        x[t] = lane.read(lane.row(p.x, block.from + t));
        dy[t] = lane.read(lane.row(p.dy, block.from + t));
    }
    for (const Stretch *stretch = block.stretches + block.count; stretch-- > block.stretches;) {
        sweep<1>(*stretch, [&](auto, int64_t piece, int64_t steps) {
            int64_t at = stretch->from + piece * T;
            for (int64_t t = 0; t < steps; t++) {
                weighted_x[at + t] = (float)(steps - 1 - t) * x[at + t];
                weighted_dy[at + t] = (float)(t + 1) * dy[at + t];
            }
            counted(steps, [&](auto n) { lags<decltype(n)::value>(x + at, dy + at, r); });
        });
        for (int64_t first = 0; first < p.modes; first += MODES) {
            C s[MODES] = {};
            for (int64_t m = first; !stretch->fresh && m < first + MODES && m < p.modes; m++) {
                s[m - first] = lane.read(block.kept(p), m);
            }
            backward(*stretch, of.modes + first, x, weighted_x, dy, weighted_dy, s, of.states + first,
                     of.work + first * PIECES, of.sums + first);
        }
        within<-1>(*stretch, of.k, dy, dx);
        expand<-1>(*stretch, of.modes, p.modes, [](int64_t steps) { return steps - 1; }, of.work, dx);
        if (stretch->fresh) {
            std::memset((void *)of.states, 0, sizeof(C) * p.modes);
        }
    }
    for (int i = 0; i < T; i++) {
        of.lags[i] += widen(r[i]);
    }
    for (int64_t t = 0; p.dx && t < block.steps; t++) {
        float *row = lane.row(p.dx, block.from + t);
        lane.write(row, lane.read(row) + dx[t]);
    }
}

void add_gradients(const Lane &lane, const Tables &of) {
    const ls_cema_params &p = lane.p;
    for (int64_t n = 0; n < p.modes; n++) {
        CD q = lane.read(p.q, n), c = lane.read(p.c, n), power = {D{} + 1, D{}};
        CD dc = of.sums[n].c, dq = of.sums[n].later + c * of.sums[n].earlier;
        for (int i = 0; i < T; i++) {
            dc = dc + CD{of.lags[i] * power.re, of.lags[i] * power.im};
            if (i + 1 < T) {
                D lag = of.lags[i + 1] * (i + 1.0);
                dq = dq + c * CD{lag * power.re, lag * power.im};
            }
            power = power * q;
        }
        if (p.dc) {
            lane.add(p.dc, n, {dc.re, -dc.im});
        }
        if (p.dq) {
            lane.add(p.dq, n, {dq.re, -dq.im});
        }
        if (p.d_start) {
            C u = of.states[n];
            lane.keep(p.d_start, n, lane.read(p.d_start, n) + C{u.re, -u.im});
        }
    }
    if (p.d_omega) {
        lane.write(p.d_omega, narrow(widen(lane.read(p.d_omega)) + of.lags[0]));
    }
}

} // namespace

int64_t cema_scratch(int64_t modes, int64_t channels) {
    int64_t padded = round_up(modes, MODES), vectors = round_up(channels, W) / W;
    return (padded * PIECES * sizeof(C) + vectors * Tables::size(padded)) / sizeof(float);
}

ls_status cema(const ls_cema_params *params) {
    const ls_cema_params &p = *params;
    for_lanes(p, [&](const Lane &lane, Tables of) { of.fill(lane, p.start); });
    for (int64_t from = 0; from < p.rows; from += STEPS) {
        if (cancelled(p.cancel)) {
            return LS_CANCELLED;
        }
        Block block(p, from);
        for_lanes(p, [&](const Lane &lane, const Tables &of) { forward(lane, of, block); });
    }
    for_lanes(p, [&](const Lane &lane, const Tables &of) {
        for (int64_t n = 0; n < p.modes; n++) {
            lane.keep(p.last, n, of.states[n]);
        }
    });
    return LS_OK;
}

ls_status cema_backward(const ls_cema_params *params) {
    const ls_cema_params &p = *params;
    for_lanes(p, [&](const Lane &lane, Tables of) {
        of.fill(lane, p.d_last);
        for (int64_t n = 0; n < round_up(p.modes, MODES); n++) {
            of.states[n].im = -of.states[n].im;
            of.sums[n] = Sums{};
        }
        std::memset((void *)of.lags, 0, T * sizeof(D));
    });
    for (int64_t from = round_up(p.rows, STEPS) - STEPS; from >= 0; from -= STEPS) {
        if (cancelled(p.cancel)) {
            return LS_CANCELLED;
        }
        Block block(p, from);
        for_lanes(p, [&](const Lane &lane, const Tables &of) { backward(lane, of, block); });
    }
    for_lanes(p, add_gradients);
    return LS_OK;
}

} // namespace ls::LS_TIER
