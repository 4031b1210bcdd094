#include "cema.h"

/*
 * CEMA as a scan of chunks: what each chunk adds to the state behind it, the states between chunks, and y. A sequence
 * of one chunk, a decoded token among them, takes one launch. Regular chunks of longer ones are cema_tiles.cu's, by
 * tensor cores; the kernels here take chunks with resets, the unfinished one, and more than 16 modes.
 *
 * Bytes a channel and step: x is read twice (the second time from L2 where it fits), y written, and a chunk's states,
 * 8n bytes, go there and back twice: 12 + n/8, 14 at n = 16, against a floor of 8. Multiply-adds a mode and step of
 * these kernels: 2 for the chunk's end, then 2 for the state's share of y, 2 for the block's end, 1 for a block's own
 * steps (the sum over modes is in their kernel k), and 1 with 3 moves for the sum over modes: 144 at n = 16, 2.6 times
 * what an H200 has at the bytes' floor.
 */
namespace ls::cuda::cema {

namespace {

/* The state behind r steps of an unfinished block, step by step. */
LS_DEVICE Complex<double> unfinished(Complex<double> q, Complex<double> s, const float *x, const Starts &starts,
                                     int block, int r) {
    for (int t = 0; t < r; t++) {
        bool forgets = starts.begin[block * STEPS + t] == t && (t > 0 || starts.first[block] == 0);
        s = times_plus(q, forgets ? Complex<double>{0, 0} : s, {x[t], 0});
    }
    return s;
}

LS_KERNEL(THREADS) cema_ends(Task t) {
    float *tile = shared_memory<float>();
    Starts &starts = *reinterpret_cast<Starts *>(tile + TILE);
    Place at(t);
    if (at.elsewhere(t)) {
        return;
    }
    load_tile(t, at, t.p.x, tile);
    find_starts(t, at, starts);
    Complex<double> q = at.coefficient(t, t.p.q), s = {0, 0};
    Powers powers(q);
    barrier();
    for (int block = 0; block < at.steps / STEPS; block++) {
        float x[STEPS];
        load_block(tile, at.row, block, x);
        bool resets = starts.first[block] < STEPS;
        Complex<double> own = as<double>(powers.end(x, starts.begin[block * STEPS + STEPS - 1]));
        s = resets ? own : times_plus(powers.block, s, own);
    }
    int block = at.steps / STEPS;
    s = unfinished(q, s, tile + at.row * PITCH + block * STEPS, starts, block, at.steps % STEPS);
    if (at.there) {
        t.states[at.state(t)] = as<float>(s);
    }
    if (thread_index() == 0 && block_x() % t.slabs == 0 && !t.rest) {
        t.resets[at.sequence * t.chunks + at.chunk] = (uint8_t)starts.any;
    }
}

LS_KERNEL(CARRIERS) cema_carry(Task t) {
    Carrier at(t);
    if (at.there()) {
        Complex<double> s = at.run(t, t.states, t.p.start, false,
                                   [](auto q, auto before, auto own) { return times_plus(q, before, own); });
        t.p.last[at.outer] = (float)s.re;
        t.p.last[at.outer + t.p.channels] = (float)s.im;
    }
}

/* Floats of block_kernel's terms, whose place is the tile's before x is there, and of its results. */
constexpr int ROOM = THREADS * (STEPS + 1), KERNELS = CHANNELS * 2 * STEPS;
static_assert(ROOM >= TILE);

/*
 * Re(c·qʲ) of all modes, summed: what a step's x gives the step j behind it. kernel: [channels of the block, 2 ·
 * STEPS], zeros first.
 */
LS_DEVICE void block_kernel(const Task &t, const Place &at, Complex<double> q, Complex<double> c, float *terms,
                            float *kernel) {
    for (int j = 0; j < STEPS; j++) {
        terms[thread_index() * (STEPS + 1) + j] = (float)c.re;
        c = times(c, q);
    }
    warp_barrier();
    double sum = at.lane == 0 && t.mode == 0 && at.channel < t.p.channels ? t.p.omega[at.channel] : 0;
    for (int m = 0; m < MODES; m++) {
        sum += terms[(at.row * MODES + m) * (STEPS + 1) + at.lane];
    }
    kernel[at.row * 2 * STEPS + at.lane] = 0;
    kernel[at.row * 2 * STEPS + STEPS + at.lane] = (float)sum;
    warp_barrier();
}

/* y over a chunk from the state before it. */
LS_KERNEL_OF(THREADS, 1) cema_outputs(Task t) {
    float *tile = shared_memory<float>(), *kernel = tile + ROOM;
    Starts &starts = *reinterpret_cast<Starts *>(kernel + KERNELS);
    Place at(t);
    if (at.elsewhere(t)) {
        return;
    }
    Complex<double> q = at.coefficient(t, t.p.q), c = at.coefficient(t, t.p.c);
    block_kernel(t, at, q, c, tile, kernel);
    float ours[STEPS];
    LS_UNROLL
    for (int j = 0; j < STEPS; j++) {
        ours[j] = kernel[at.row * 2 * STEPS + STEPS + at.lane - j];
    }
    barrier();
    load_tile(t, at, t.p.x, tile);
    find_starts(t, at, starts);
    Complex<double> s = {0, 0};
    if (t.chunks == 1) {
        s = at.outer(t, t.p.start);
        if (at.there && t.p.kept) {
            t.states[at.state(t)] = as<float>(s);
        }
    } else if (at.there) {
        s = as<double>(t.states[at.state(t)]);
    }
    bool last = t.chunks == 1 || (t.in_order && at.chunk == t.chunks - 1);
    Powers powers(q);
    Complex<float> gain = as<float>(c);
    barrier();
    for (int block = 0; block * STEPS < at.steps; block++) {
        float x[STEPS], y[STEPS];
        load_block(tile, at.row, block, x);
        int first = starts.first[block], begin = starts.begin[block * STEPS + at.lane];
        Complex<float> u = times(gain, as<float>(s));
        LS_UNROLL
        for (int i = 0; i < STEPS; i++) {
            y[i] = i < first ? u.re * powers.of[i + 1].re - u.im * powers.of[i + 1].im : 0;
        }
        float sum = sum_over_modes(y, at.lane);
        LS_UNROLL
        for (int j = 0; j < STEPS; j++) {
            sum += ours[j] * (j >= begin ? x[j] : 0);
        }
        if (last && block * STEPS + STEPS > at.steps) {
            s = unfinished(q, s, tile + at.row * PITCH + block * STEPS, starts, block, at.steps % STEPS);
        } else {
            Complex<double> own = as<double>(powers.end(x, starts.begin[block * STEPS + STEPS - 1]));
            s = first < STEPS ? own : times_plus(powers.block, s, own);
        }
        warp_barrier();
        tile[at.row * PITCH + block * STEPS + at.lane] = sum;
    }
    if (last && at.there) {
        t.p.last[at.outer_state(t)] = (float)s.re;
        t.p.last[at.outer_state(t) + t.p.channels] = (float)s.im;
    }
    barrier();
    each_element(t, at, [&](int64_t i, int j, bool there) {
        if (there) {
            t.p.y[i] = t.mode == 0 ? tile[j] : t.p.y[i] + tile[j];
        }
    });
}

bool valid(const ls_cuda_cema_params &p) {
    return p.size == sizeof p && p.batch >= 0 && p.rows >= 0 && p.channels >= 0 && p.modes > 0;
}

/* Runs one of the two kernels above for all modes, from chunk t.first on. */
ls_status run(Task t, bool outputs, void *stream) {
    int64_t bytes = (outputs ? ROOM + KERNELS : TILE) * (int64_t)sizeof(float) + (int64_t)sizeof(Starts);
    for (t.mode = 0; t.mode < t.p.modes; t.mode += MODES) {
        ls_status status = outputs ? LS_LAUNCH(cema_outputs, grid_of(t), THREADS, bytes, stream, t)
                                   : LS_LAUNCH(cema_ends, grid_of(t), THREADS, bytes, stream, t);
        if (status != LS_OK) {
            return status;
        }
    }
    return LS_OK;
}

/* A warp a chunk. */
LS_KERNEL(THREADS) cema_resets(Task t) {
    int64_t chunk = (int64_t)block_x() * (THREADS / WARP) + warp(), sequence = block_y();
    bool any = false;
    for (int64_t step = chunk * CHUNK + lane(); t.p.fresh && step < (chunk + 1) * CHUNK && step < t.p.rows;
         step += WARP) {
        any |= t.p.fresh[sequence * t.p.rows + step] != 0;
    }
    any = warp_any(any);
    if (lane() == 0 && chunk < t.chunks) {
        t.resets[sequence * t.chunks + chunk] = any;
    }
}

ls_status carry_states(const Task &t, void *stream) {
    return LS_LAUNCH(cema_carry, carriers_of(t), CARRIERS, 0, stream, t);
}

/* By tensor cores, but for chunks with resets and the unfinished one. */
ls_status forward_by_tiles(Task t, void *stream) {
    if (!t.p.fresh && fills_device(t.p)) {
        t.in_order = true;
        t.first = t.p.rows / CHUNK;
        ls_status bad = tile_sequences(t, stream);
        return bad ? bad : run(t, true, stream);
    }
    if (ls_status bad = find_resets(t, stream)) {
        return bad;
    }
    t.rest = true;
    t.first = t.p.fresh ? 0 : t.p.rows / CHUNK;
    if (ls_status bad = tile_ends(t, stream)) {
        return bad;
    }
    if (ls_status bad = run(t, false, stream)) {
        return bad;
    }
    if (ls_status bad = carry_states(t, stream)) {
        return bad;
    }
    if (ls_status bad = tile_outputs(t, stream)) {
        return bad;
    }
    return run(t, true, stream);
}

ls_status forward(const ls_cuda_cema_params &p, void *stream) {
    Task t = task_of(p);
    int64_t states = p.batch * t.chunks * p.channels * p.modes;
    t.states = reinterpret_cast<Complex<float> *>(p.kept ? p.kept : static_cast<float *>(p.scratch));
    t.resets = reinterpret_cast<uint8_t *>(static_cast<Complex<float> *>(p.scratch) + states);
    if (t.chunks > 1 && p.modes <= MODES) {
        return forward_by_tiles(t, stream);
    }
    if (t.chunks > 1) {
        if (ls_status bad = run(t, false, stream)) {
            return bad;
        }
    }
    if (t.chunks != 1) {
        if (ls_status bad = carry_states(t, stream)) {
            return bad;
        }
    }
    return run(t, true, stream);
}

} // namespace

ls_status find_resets(const Task &t, void *stream) {
    Grid warps = {(t.chunks + THREADS / WARP - 1) / (THREADS / WARP), t.p.batch};
    return LS_LAUNCH(cema_resets, warps, THREADS, 0, stream, t);
}

} // namespace ls::cuda::cema

using namespace ls::cuda;

int64_t ls_cuda_cema_scratch(const ls_cuda_cema_params *params) {
    int64_t chunks = params->batch * cema::chunks_of(*params);
    return chunks * params->channels * params->modes * (int64_t)sizeof(Complex<float>) + chunks;
}

ls_status ls_cuda_cema(const ls_cuda_cema_params *params, void *stream) {
    LS_NEEDS(cema::valid(*params));
    return cema::forward(*params, stream);
}
