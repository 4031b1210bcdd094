#include "cema_products.h"

/*
 * CEMA's regular chunks on tensor cores: 256 steps without a new document, at most 16 modes. A warp has a channel and takes one chunk
 * after the other; a chunk is a matrix X of 16 blocks by 16 steps, and with constant matrices of the channel
 *
 *     what blocks add to states   E = X·V,  V[j, n] = qₙ¹⁵⁻ʲ
 *     states before blocks        S from E, by a scan over the 16 rows with q¹⁶
 *     outputs                     Y = X·K + S·W,  K[j, t] = Re Σ c·qᵗ⁻ʲ + ω[t = j],  W[n, t] = c·qᵗ⁺¹
 *
 * Products are of floats in two parts of 11 bits, without the product of the lower ones: within about 2⁻²² of the exact product. 57
 * instructions of 1,024 multiply-adds for y and 24 for the ends are 324 a step and channel: 194 T a second where an H200's memory
 * delivers x and takes y once, of 247 T that it has by its data sheet. Plain arithmetic would be 112, twice what it has at that
 * rate. At some 60 % of the data sheet, as mma.sync has it, this is 1.3 times the bytes' floor; no hardware has measured it.
 */
namespace ls::cuda::cema {

namespace {

/* Warps of a block, a channel each. */
constexpr int WARPS = 16, TILE_THREADS = WARPS * WARP;

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
