#include "cema_products.h"

/*
 * CEMA's regular chunks on tensor cores: 256 steps without a new document, at most 16 modes. A warp has a channel and
 * takes one chunk after the other; a chunk is a matrix X of 16 blocks by 16 steps, and with constant matrices of the
 * channel
 *
 *     what blocks add to states   E = X·V,  V[j, n] = qₙ¹⁵⁻ʲ
 *     states before blocks        S from E, by a scan over the 16 rows with q¹⁶
 *     outputs                     Y = X·K + S·W,  K[j, t] = Re Σ c·qᵗ⁻ʲ + ω[t = j],  W[n, t] = c·qᵗ⁺¹
 *
 * Where channels and sequences alone fill the device, a warp carries its states from chunk to chunk: x is read once and
 * y written once. Otherwise a first pass finds what chunks add, and x is read twice.
 *
 * Products are of floats in two parts of 11 bits, without the product of the lower ones: within about 2⁻²² of the exact
 * product. 57 instructions of 1,024 multiply-adds for y, and 24 for the first pass, are 228 and 96 a step and channel.
 * At the rate at which an H200's memory delivers x and takes y that is 137 T and 194 T a second, of 247 T by its data
 * sheet and some 150 T that mma.sync gets of it: the bytes' floor in order, 1.3 times it otherwise, 1.75 times where L2
 * does not hold x. Plain arithmetic would be 112 a step and channel, twice what the device has at that rate. These are
 * counts; no hardware has measured them.
 */
namespace ls::cuda::cema {

namespace {

/* Warps of a block, a channel each. */
constexpr int WARPS = 16, TILE_THREADS = WARPS * WARP;

/* About as many as devices have; the emulated one is small, so that small tests go all ways. */
#ifdef __CUDACC__
constexpr int PROCESSORS = 96;
#else
constexpr int PROCESSORS = 4;
#endif

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
        int64_t at = row * t.p.channels + first_channel + channel,
                by = (t.p.reversed ? -STRIDE : STRIDE) * t.p.channels;
        int place = channel * CHANNEL_PITCH + step / STEPS * BLOCK_PITCH + step % STEPS;
        bool there = first_channel + channel < t.p.channels;
        LS_UNROLL
        for (int i = 0; i < CHUNK / STRIDE; i++, at += by) {
            body(at, place + i * (STRIDE / STEPS) * BLOCK_PITCH, there);
        }
    }

    LS_DEVICE void fetch(const Task &t, int64_t chunk, float *tile) const {
        if (chunk < end) {
            each(t, chunk,
                 [&](int64_t i, int j, bool there) { copy_async_word(tile + j, there ? t.p.x + i : t.p.x, there); });
        }
        commit_copies();
    }
};

constexpr int TILE_FLOATS = WARPS * CHANNEL_PITCH;
constexpr int64_t TILE_BYTES = 2 * TILE_FLOATS * (int64_t)sizeof(float) + WARPS * (int64_t)sizeof(Tables);
static_assert(WARPS * sizeof(Setup) <= 2 * TILE_FLOATS * sizeof(float));
static_assert(TILE_BYTES <= 99 << 10, "what every device since sm_80 has");

/*
 * body(chunk, its tile of x, all of whose floats the warp's channel may change) for a range's chunks; the next one is
 * on its way.
 */
template <class Body> LS_DEVICE void each_chunk(const Task &t, const Range &range, float *tiles, Body body) {
    barrier(); // the setup's place is free
    range.fetch(t, range.from, tiles);
    for (int64_t chunk = range.from; chunk < range.end; chunk++) {
        int parity = (int)((chunk - range.from) % 2);
        range.fetch(t, chunk + 1, tiles + (1 - parity) * TILE_FLOATS);
        wait_for_copies<1>();
        barrier();
        if (t.in_order || !t.resets[range.sequence * t.chunks + chunk]) {
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

/* The states that a warp carries from chunk to chunk itself: lane n of the first sixteen has mode n's. */
struct Carried {
    Complex<double> state, chunk; /* q²⁵⁶ */
    int64_t outer;                /* of the mode's real part among start and last */
    bool there;

    LS_DEVICE Carried(const Task &t, const Range &range) : state{0, 0}, chunk{0, 0} {
        int64_t channel = range.first_channel + warp(), re = 2 * lane() * t.p.channels + channel;
        outer = range.sequence * t.p.modes * 2 * t.p.channels + re;
        there = lane() < t.p.modes && channel < t.p.channels;
        if (there) {
            chunk = power({t.p.q[re], t.p.q[re + t.p.channels]}, CHUNK);
        }
        if (there && t.p.start) {
            state = {t.p.start[outer], t.p.start[outer + t.p.channels]};
        }
    }

    /* To the unfinished chunk behind all whole ones, or to where the last state belongs. */
    LS_DEVICE void hand_on(const Task &t, const Range &range) const {
        if (there && range.end < t.chunks) {
            states_of(t, range, range.end)[lane()] = as<float>(state);
        } else if (there) {
            t.p.last[outer] = (float)state.re;
            t.p.last[outer + t.p.channels] = (float)state.im;
        }
    }
};

/*
 * One chunk's y from before(i), mode 4i + column before it; gives what the chunk adds to mode `lane`, of the first
 * sixteen.
 */
template <bool ENDS, class Before>
LS_DEVICE Complex<float> chunk_outputs(const Tables &tables, const Ends &ends, const Outputs &outputs, float *tile,
                                       Before before) {
    Parts x[HALVES][4];
    load_fragments(tile, x);
    float s[QUADS][4], y[HALVES][4];
    ends.multiply_steps(x, s);
    outputs.multiply_steps(x, y);
    Complex<float> mine = {0, 0};
    LS_UNROLL
    for (int i = 0; i < QUADS; i++) {
        const Complex<float> *blocks = tables.blocks[i * 4 + lane() % 4];
        if constexpr (ENDS) {
            Complex<float> end = chunk_end(blocks, s[i]);
            mine = lane() / 4 == i ? end : mine;
        }
        scan(blocks, before(i), s[i]);
    }
    outputs.add_states(s, y);
    warp_barrier();
    store_fragments(tile, y);
    return mine;
}

/* y of a range's chunks from the states before them, or IN_ORDER of all whole chunks of a sequence from its start. */
template <bool IN_ORDER> LS_KERNEL(TILE_THREADS) cema_tile_outputs(Task t, int64_t deep) {
    float *tiles = shared_memory<float>();
    Tables &tables = reinterpret_cast<Tables *>(tiles + 2 * TILE_FLOATS)[warp()];
    Setup &setup = reinterpret_cast<Setup *>(tiles)[warp()];
    Range range(t, deep);
    fill(t.p, range.first_channel + warp(), setup, tables);
    Ends ends(setup);
    Outputs outputs{tables};
    auto write = [&](int64_t chunk, const float *tile) {
        barrier();
        range.each(t, chunk, [&](int64_t i, int j, bool there) {
            if (there) {
                t.p.y[i] = tile[j];
            }
        });
    };
    if constexpr (IN_ORDER) {
        Carried carried(t, range);
        each_chunk(t, range, tiles, [&](int64_t chunk, float *tile) {
            if (carried.there && t.p.kept) {
                states_of(t, range, chunk)[lane()] = as<float>(carried.state);
            }
            Complex<float> own = chunk_outputs<true>(tables, ends, outputs, tile + warp() * CHANNEL_PITCH, [&](int i) {
                return shuffled(as<float>(carried.state), i * 4 + lane() % 4);
            });
            carried.state = times_plus(carried.chunk, carried.state, as<double>(own));
            write(chunk, tile);
        });
        carried.hand_on(t, range);
    } else {
        each_chunk(t, range, tiles, [&](int64_t chunk, float *tile) {
            const Complex<float> *states = states_of(t, range, chunk);
            chunk_outputs<false>(tables, ends, outputs, tile + warp() * CHANNEL_PITCH, [&](int i) {
                int mode = i * 4 + lane() % 4;
                bool there = mode < t.p.modes && range.first_channel + warp() < t.p.channels;
                return there ? states[mode] : Complex<float>{0, 0};
            });
            write(chunk, tile);
        });
    }
}

} // namespace

ls_status tile_ends(const Task &t, void *stream) {
    int64_t deep = depth(t, WARPS);
    return LS_LAUNCH(cema_tile_ends, grid_of(t, WARPS, deep), TILE_THREADS, TILE_BYTES, stream, t, deep);
}

ls_status tile_outputs(const Task &t, void *stream) {
    int64_t deep = depth(t, WARPS);
    return LS_LAUNCH(cema_tile_outputs<false>, grid_of(t, WARPS, deep), TILE_THREADS, TILE_BYTES, stream, t, deep);
}

ls_status tile_sequences(const Task &t, void *stream) {
    int64_t whole = t.p.rows / CHUNK;
    return LS_LAUNCH(cema_tile_outputs<true>, grid_of(t, WARPS, whole), TILE_THREADS, TILE_BYTES, stream, t, whole);
}

bool fills_device(const ls_cuda_cema_params &p) { return (p.channels + WARPS - 1) / WARPS * p.batch >= PROCESSORS; }

} // namespace ls::cuda::cema
