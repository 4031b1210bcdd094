#pragma once

#include "cema.h"

/*
 * What a warp does with one regular chunk of one channel, as cema_tiles.cu puts it: constant matrices in parts for the
 * tensor cores, their products with X, the scan of the 16 states. Lane 4g + i has rows g and g + 8 of what stands to
 * the left or comes out.
 */
namespace ls::cuda::cema {

/* Floats between a tile's blocks and channels, spread over the banks. */
constexpr int BLOCK_PITCH = STEPS + 4, CHANNEL_PITCH = BLOCKS * BLOCK_PITCH + 4;

/* A warp's constants. */
struct Tables {
    Complex<float> responses[MODES][STEPS];       /* c·q¹…, in the order of response() */
    Complex<float> blocks[MODES][BLOCKS / 2 + 1]; /* q¹⁶ to the power of 0… */
    float kernel[2 * STEPS];                      /* zeros, then Re Σ c·qʲ */

    /* Of eight neighbouring steps of four neighbouring modes all are in different banks. */
    LS_DEVICE Complex<float> &response(int mode, int step) { return responses[mode][step ^ mode % 4 * 4]; }
};

/* What it needs before its first tile, in the tiles' place. */
struct Setup {
    Complex<float> powers[MODES][STEPS]; /* q⁰… */
    float gains[MODES];                  /* Re c */
};

/* Two lanes a mode: one for the powers of q, one for those of q¹⁶. */
LS_DEVICE void fill(const ls_cuda_cema_params &p, int64_t channel, Setup &setup, Tables &tables) {
    int mode = lane() % MODES;
    bool there = channel < p.channels && mode < p.modes;
    Complex<double> q = {0, 0}, c = {0, 0}, at = {1, 0};
    if (there) {
        int64_t re = 2 * mode * p.channels + channel;
        q = {p.q[re], p.q[re + p.channels]};
        c = {p.c[re], p.c[re + p.channels]};
    }
    if (lane() < MODES) {
        setup.gains[mode] = (float)c.re;
        for (int i = 0; i < STEPS; i++) {
            setup.powers[mode][i] = as<float>(at);
            at = times(at, q);
            tables.response(mode, i) = as<float>(times(c, at));
        }
    } else {
        Complex<double> by = power(q, STEPS);
        for (int i = 0; i <= BLOCKS / 2; i++) {
            tables.blocks[mode][i] = as<float>(at);
            at = times(at, by);
        }
    }
    warp_barrier();
    int step = lane() - STEPS;
    double sum = step == 0 && channel < p.channels ? p.omega[channel] : 0;
    for (int m = 0; m < MODES && step >= 0; m++) {
        sum += step == 0 ? setup.gains[m] : tables.response(m, step - 1).re;
    }
    tables.kernel[lane()] = (float)sum;
    warp_barrier();
}

/* A float's upper 11 bits and the next ones. */
struct Parts {
    uint32_t high, low;

    Parts() = default;
    LS_DEVICE explicit Parts(float x) {
        high = (bits_of(x) + 0x1000) & 0xffffe000u;
        low = bits_of(x - float_of(high)) + 0x1000;
    }
};

/* c += a·b of 16 x 8 x 8. */
LS_DEVICE void multiply(float (&c)[4], const Parts (&a)[4], const Parts (&b)[2]) {
    uint32_t high[4] = {a[0].high, a[1].high, a[2].high, a[3].high}, low[4] = {a[0].low, a[1].low, a[2].low, a[3].low};
    uint32_t right[2] = {b[0].high, b[1].high}, rest[2] = {b[0].low, b[1].low};
    mma_tf32(c, low, right);
    mma_tf32(c, high, rest);
    mma_tf32(c, high, right);
}

/* Columns of E and S: pairs (re, im) of four modes a fragment; lane 4g + i has mode i of rows g and g + 8. */
constexpr int QUADS = MODES / 4, HALVES = STEPS / 8;

struct Ends {
    Parts v[QUADS][HALVES][2];

    LS_DEVICE explicit Ends(const Setup &setup) {
        int column = lane() / 4, step = lane() % 4;
        LS_UNROLL
        for (int i = 0; i < QUADS * HALVES * 2; i++) {
            Complex<float> power = setup.powers[i / 4 * 4 + column / 2][STEPS - 1 - (i / 2 % 2 * 8 + i % 2 * 4 + step)];
            v[i / 4][i / 2 % 2][i % 2] = Parts(column % 2 ? power.im : power.re);
        }
    }

    LS_DEVICE void multiply_steps(const Parts (&x)[HALVES][4], float (&e)[QUADS][4]) const {
        LS_UNROLL
        for (int i = 0; i < QUADS; i++) {
            e[i][0] = e[i][1] = e[i][2] = e[i][3] = 0;
            LS_UNROLL
            for (int half = 0; half < HALVES; half++) {
                multiply(e[i], x[half], v[i][half]);
            }
        }
    }
};

/* K and W stay in shared memory: sixteen warps have no registers for them. */
struct Outputs {
    Tables &tables;

    /* K of eight steps' effect on the same eight, or on those `later` behind. */
    LS_DEVICE void add_steps(const Parts (&x)[4], int later, float (&y)[4]) const {
        const float *from = tables.kernel + STEPS + later + lane() / 4 - lane() % 4;
        Parts right[2] = {Parts(from[0]), Parts(from[-4])};
        multiply(y, x, right);
    }

    /* X·K, which waits for no state; the upper half of K is zeros. */
    LS_DEVICE void multiply_steps(const Parts (&x)[HALVES][4], float (&y)[HALVES][4]) const {
        LS_UNROLL
        for (int half = 0; half < HALVES; half++) {
            y[half][0] = y[half][1] = y[half][2] = y[half][3] = 0;
            add_steps(x[half], 0, y[half]);
        }
        add_steps(x[0], 8, y[1]);
    }

    /* y += S·W of four modes. */
    LS_DEVICE void add_quad(int i, const float (&s)[4], float (&y)[HALVES][4]) const {
        // Both parts of a mode are neighbours in columns, and four apart in what a lane gives a product.
        Parts states[4] = {Parts(s[0]), Parts(s[2]), Parts(s[1]), Parts(s[3])};
        LS_UNROLL
        for (int half = 0; half < HALVES; half++) {
            Complex<float> response = tables.response(i * 4 + lane() % 4, half * 8 + lane() / 4);
            Parts right[2] = {Parts(response.re), Parts(-response.im)};
            multiply(y[half], states, right);
        }
    }

    /* y += S·W; two sums a half, so that few instructions wait for each other. */
    LS_DEVICE void add_states(const float (&s)[QUADS][4], float (&y)[HALVES][4]) const {
        float rest[HALVES][4] = {};
        LS_UNROLL
        for (int i = 0; i < QUADS; i++) {
            add_quad(i, s[i], i % 2 ? rest : y);
        }
        LS_UNROLL
        for (int i = 0; i < HALVES * 4; i++) {
            y[i / 4][i % 4] += rest[i / 4][i % 4];
        }
    }
};

LS_DEVICE Complex<float> shuffled(Complex<float> v, int from) { return {shuffle(v.re, from), shuffle(v.im, from)}; }

/* What the whole chunk adds to a mode's state, from its blocks' ends: Σ q¹⁶⁽¹⁵⁻ᵇ⁾ e[b]. */
LS_DEVICE Complex<float> chunk_end(const Complex<float> *blocks, const float (&e)[4]) {
    int row = lane() / 4;
    Complex<float> sum = times(blocks[7 - row], times_plus(blocks[8], {e[0], e[1]}, {e[2], e[3]}));
    LS_UNROLL
    for (int by = 4; by < WARP; by *= 2) {
        sum.re += shuffle_xor(sum.re, by);
        sum.im += shuffle_xor(sum.im, by);
    }
    return sum;
}

/* The states before each block from their ends, in place, and the state before the chunk. */
LS_DEVICE void scan(const Complex<float> *blocks, Complex<float> before, float (&e)[4]) {
    int row = lane() / 4, column = lane() % 4;
    Complex<float> first = {e[0], e[1]}, second = {e[2], e[3]};
    LS_UNROLL
    for (int by = 1; by < 8; by *= 2) {
        int from = row >= by ? lane() - 4 * by : lane();
        Complex<float> a = shuffled(first, from), b = shuffled(second, from);
        if (row >= by) {
            first = times_plus(blocks[by], a, first);
            second = times_plus(blocks[by], b, second);
        }
    }
    Complex<float> middle = times_plus(blocks[8], before, shuffled(first, 28 + column));
    int from = row > 0 ? lane() - 4 : lane();
    first = shuffled(first, from);
    second = shuffled(second, from);
    Complex<float> none = {0, 0};
    first = times_plus(blocks[row], before, row > 0 ? first : none);
    second = times_plus(blocks[row], middle, row > 0 ? second : none);
    e[0] = first.re;
    e[1] = first.im;
    e[2] = second.re;
    e[3] = second.im;
}

/* Lane 4g + i has of rows g and g + 8 the steps i and i + 4 of both halves. */
LS_DEVICE void load_fragments(const float *tile, Parts (&x)[HALVES][4]) {
    const float *from = tile + lane() / 4 * BLOCK_PITCH + lane() % 4;
    LS_UNROLL
    for (int i = 0; i < HALVES * 4; i++) {
        x[i / 4][i % 4] = Parts(from[i % 2 * 8 * BLOCK_PITCH + i / 2 % 2 * 4 + i / 4 * 8]);
    }
}

LS_DEVICE void store_fragments(float *tile, const float (&y)[HALVES][4]) {
    float *to = tile + lane() / 4 * BLOCK_PITCH + lane() % 4 * 2;
    LS_UNROLL
    for (int i = 0; i < HALVES * 4; i++) {
        to[i / 2 % 2 * 8 * BLOCK_PITCH + i / 4 * 8 + i % 2] = y[i / 4][i % 4];
    }
}

/* Chunks of a block whose warps take a channel each: as many as leave every processor some blocks. The bits do not depend on it. */
inline int64_t depth(const Task &t, int warps) {
    int64_t chunks = t.p.rows / CHUNK, all = chunks * ((t.p.channels + warps - 1) / warps) * t.p.batch, deep = 1;
    while (deep < 8 && all / (2 * deep) >= 512) {
        deep *= 2;
    }
    return deep;
}

inline Grid grid_of(const Task &t, int warps, int64_t deep) {
    return {(t.p.rows / CHUNK + deep - 1) / deep * ((t.p.channels + warps - 1) / warps), t.p.batch};
}

} // namespace ls::cuda::cema
