#include "cema.h"

/*
 * CEMA's regular chunks on tensor cores: 256 steps without a new document, at most 16 modes. A warp has a channel and takes one chunk
 * after the other; a chunk is a matrix X of 16 blocks by 16 steps, and with constant matrices of the channel
 *
 *     what blocks add to states   E = X·V,  V[j, n] = qₙ¹⁵⁻ʲ
 *     states before blocks        S from E, by a scan over the 16 rows with q¹⁶
 *     outputs                     Y = X·K + S·W,  K[j, t] = Re Σ c·qᵗ⁻ʲ + ω[t = j],  W[n, t] = c·qᵗ⁺¹
 *
 * Products are of floats in two parts of 11 bits, without the product of the lower ones: within about 2⁻²² of the exact product. 57
 * instructions of 1,024 multiply-adds for y and 24 for the ends make 330 a step and channel, 200 T a second at the rate that memory
 * gives an H200 x and y: just under what mma.sync has there, where plain arithmetic would have to be a quarter as much.
 */
namespace ls::cuda::cema {

namespace {

/* Warps of a block, a channel each; floats between a tile's blocks and channels, spread over the banks. */
constexpr int WARPS = 16, TILE_THREADS = WARPS * WARP, BLOCK_PITCH = STEPS + 4, CHANNEL_PITCH = BLOCKS * BLOCK_PITCH + 4;

/* A warp's constants. */
struct Tables {
    Complex<float> responses[MODES][STEPS];     /* c·q¹…, in the order of response() */
    Complex<float> blocks[MODES][BLOCKS / 2 + 1]; /* q¹⁶ to the power of 0… */
    float kernel[2 * STEPS];                    /* zeros, then Re Σ c·qʲ */

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

    LS_DEVICE Parts() = default;
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

    /* y += S·W; two sums a half, so that few instructions wait for each other. */
    LS_DEVICE void add_states(const float (&s)[QUADS][4], float (&y)[HALVES][4]) const {
        float rest[HALVES][4] = {};
        LS_UNROLL
        for (int i = 0; i < QUADS; i++) {
            // Both parts of a mode are neighbours in columns, and four apart in what a lane gives a product.
            Parts states[4] = {Parts(s[i][0]), Parts(s[i][2]), Parts(s[i][1]), Parts(s[i][3])};
            LS_UNROLL
            for (int half = 0; half < HALVES; half++) {
                Complex<float> response = tables.response(i * 4 + lane() % 4, half * 8 + lane() / 4);
                Parts right[2] = {Parts(response.re), Parts(-response.im)};
                multiply(i % 2 ? rest[half] : y[half], states, right);
            }
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

/* A block's channels and some neighbouring chunks. */
struct Range {
    int64_t sequence, first_channel, from, end;

    LS_DEVICE Range(const Task &t, int64_t deep) : sequence(block_y()) {
        int64_t slabs = (t.p.channels + WARPS - 1) / WARPS, whole = t.p.rows / CHUNK;
        first_channel = block_x() % slabs * WARPS;
        from = block_x() / slabs * deep;
        end = from + deep < whole ? from + deep : whole;
    }

    /* body(place in x, place in a tile, whether the channel is there) for this thread's share of a chunk. */
    template <class Body> LS_DEVICE void each(const Task &t, int64_t chunk, Body body) const {
        constexpr int STRIDE = TILE_THREADS / WARPS;
        static_assert(STRIDE % STEPS == 0);
        int channel = thread_index() % WARPS, step = thread_index() / WARPS;
        int64_t s = chunk * CHUNK + step, row = sequence * t.p.rows + (t.p.reversed ? t.p.rows - 1 - s : s);
        int64_t at = row * t.p.channels + first_channel + channel, by = (t.p.reversed ? -STRIDE : STRIDE) * t.p.channels;
        int place = channel * CHANNEL_PITCH + step / STEPS * BLOCK_PITCH + step % STEPS;
        bool there = first_channel + channel < t.p.channels;
        LS_UNROLL
        for (int i = 0; i < CHUNK / STRIDE; i++, at += by) {
            body(at, place + i * (STRIDE / STEPS) * BLOCK_PITCH, there);
        }
    }

    LS_DEVICE void fetch(const Task &t, int64_t chunk, float *tile) const {
        if (chunk < end) {
            each(t, chunk, [&](int64_t i, int j, bool there) { copy_async_word(tile + j, there ? t.p.x + i : t.p.x, there); });
        }
        commit_copies();
    }
};

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

constexpr int TILE_FLOATS = WARPS * CHANNEL_PITCH;
constexpr int64_t TILE_BYTES = 2 * TILE_FLOATS * (int64_t)sizeof(float) + WARPS * (int64_t)sizeof(Tables);
static_assert(WARPS * sizeof(Setup) <= 2 * TILE_FLOATS * sizeof(float));
static_assert(TILE_BYTES <= 99 << 10, "what every device since sm_80 has");

/* body(chunk, its tile of x, all of whose floats the warp's channel may change) for a range's chunks; the next one is on its way. */
template <class Body> LS_DEVICE void each_chunk(const Task &t, const Range &range, float *tiles, Body body) {
    barrier(); // the setup's place is free
    range.fetch(t, range.from, tiles);
    for (int64_t chunk = range.from; chunk < range.end; chunk++) {
        int parity = (int)((chunk - range.from) % 2);
        range.fetch(t, chunk + 1, tiles + (1 - parity) * TILE_FLOATS);
        wait_for_copies<1>();
        barrier();
        if (!t.resets[range.sequence * t.chunks + chunk]) {
            body(chunk, tiles + parity * TILE_FLOATS);
        }
        barrier();
    }
    wait_for_copies<0>();
}

/* Of this warp's channel: states before or behind a chunk. */
LS_DEVICE Complex<float> *states_of(const Task &t, const Range &range, int64_t chunk) {
    return t.states + ((range.sequence * t.chunks + chunk) * t.p.channels + range.first_channel + warp()) * t.p.modes;
}

LS_KERNEL(TILE_THREADS) cema_tile_ends(Task t, int64_t deep) {
    float *tiles = shared_memory<float>();
    Tables &tables = reinterpret_cast<Tables *>(tiles + 2 * TILE_FLOATS)[warp()];
    Setup &setup = reinterpret_cast<Setup *>(tiles)[warp()];
    Range range(t, deep);
    fill(t.p, range.first_channel + warp(), setup, tables);
    Ends ends(setup);
    each_chunk(t, range, tiles, [&](int64_t chunk, const float *tile) {
        Parts x[HALVES][4];
        load_fragments(tile + warp() * CHANNEL_PITCH, x);
        float e[QUADS][4];
        ends.multiply_steps(x, e);
        LS_UNROLL
        for (int i = 0; i < QUADS; i++) {
            int mode = i * 4 + lane() % 4;
            Complex<float> end = chunk_end(tables.blocks[mode], e[i]);
            if (lane() < 4 && mode < t.p.modes && range.first_channel + warp() < t.p.channels) {
                states_of(t, range, chunk)[mode] = end;
            }
        }
    });
}

LS_KERNEL(TILE_THREADS) cema_tile_outputs(Task t, int64_t deep) {
    float *tiles = shared_memory<float>();
    Tables &tables = reinterpret_cast<Tables *>(tiles + 2 * TILE_FLOATS)[warp()];
    Setup &setup = reinterpret_cast<Setup *>(tiles)[warp()];
    Range range(t, deep);
    fill(t.p, range.first_channel + warp(), setup, tables);
    Ends ends(setup);
    Outputs outputs{tables};
    each_chunk(t, range, tiles, [&](int64_t chunk, float *tile) {
        float *mine = tile + warp() * CHANNEL_PITCH;
        Parts x[HALVES][4];
        load_fragments(mine, x);
        float s[QUADS][4], y[HALVES][4];
        ends.multiply_steps(x, s);
        outputs.multiply_steps(x, y);
        LS_UNROLL
        for (int i = 0; i < QUADS; i++) {
            int mode = i * 4 + lane() % 4;
            bool there = mode < t.p.modes && range.first_channel + warp() < t.p.channels;
            scan(tables.blocks[mode], there ? states_of(t, range, chunk)[mode] : Complex<float>{0, 0}, s[i]);
        }
        outputs.add_states(s, y);
        warp_barrier();
        store_fragments(mine, y);
        barrier();
        range.each(t, chunk, [&](int64_t i, int j, bool there) {
            if (there) {
                t.p.y[i] = tile[j];
            }
        });
    });
}

/* Chunks of a block: as many as leave every processor some blocks. The bits do not depend on it. */
int64_t depth(const Task &t) {
    int64_t chunks = t.p.rows / CHUNK, all = chunks * ((t.p.channels + WARPS - 1) / WARPS) * t.p.batch, deep = 1;
    while (deep < 8 && all / (2 * deep) >= 512) {
        deep *= 2;
    }
    return deep;
}

Grid grid_of(const Task &t, int64_t deep) {
    return {(t.p.rows / CHUNK + deep - 1) / deep * ((t.p.channels + WARPS - 1) / WARPS), t.p.batch};
}

} // namespace

ls_status tile_ends(const Task &t, void *stream) {
    int64_t deep = depth(t);
    return LS_LAUNCH(cema_tile_ends, grid_of(t, deep), TILE_THREADS, TILE_BYTES, stream, t, deep);
}

ls_status tile_outputs(const Task &t, void *stream) {
    int64_t deep = depth(t);
    return LS_LAUNCH(cema_tile_outputs, grid_of(t, deep), TILE_THREADS, TILE_BYTES, stream, t, deep);
}

} // namespace ls::cuda::cema
