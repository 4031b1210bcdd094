#include "cema.h"
#include "column_sums.h"

/*
 * CEMA's way back in four launches: what each chunk adds to the gradient of the state before it, those gradients
 * between chunks, the gradients within chunks, and the sums of what chunks found about q, c and ω, in order. With A the
 * gradient of sₜ: A += c̄·dy, dx = Σₙ Re(A) + ω·dy, dq += A·s̄ₜ₋₁, dc += dy·s̄ₜ, A ← q̄·A.
 *
 * Bytes a channel and step: x once, dy twice, dx there and back, states and the chunk's dq and dc: 20 + 48n/256 = 23 at
 * n = 16. Multiply-adds a mode and step: 2 for the first launch; 2 for the states between blocks, 4 for those within, 2
 * for dc, 2 + 4 for A, 4 for dq, 1 with 3 moves for the sum over modes.
 */
namespace ls::cuda::cema {

namespace {

/* c·q¹…c·q¹⁶ and q¹⁶. */
struct Responses {
    Complex<float> of[STEPS];
    Complex<double> block;

    LS_DEVICE Responses(Complex<double> q, Complex<double> c) : block{1, 0} {
        LS_UNROLL
        for (int i = 0; i < STEPS; i++) {
            block = times(block, q);
            c = times(c, q);
            of[i] = as<float>(c);
        }
    }
};

LS_KERNEL_OF(THREADS, 1) cema_return_ends(Task t) {
    float *tile = shared_memory<float>();
    Starts &starts = *reinterpret_cast<Starts *>(tile + TILE);
    Place at(t);
    if (at.elsewhere(t)) {
        return;
    }
    load_tile(t, at, t.p.dy, tile);
    find_starts(t, at, starts);
    Responses responses(at.coefficient(t, t.p.q), at.coefficient(t, t.p.c));
    Complex<double> a = {0, 0};
    barrier();
    for (int block = (at.steps - 1) / STEPS; block >= 0; block--) {
        float dy[STEPS];
        load_block(tile, at.row, block, dy);
        int first = starts.first[block];
        Complex<float> own = {0, 0};
        LS_UNROLL
        for (int i = 0; i < STEPS; i++) {
            float out = i < first ? dy[i] : 0;
            own.re += responses.of[i].re * out;
            own.im -= responses.of[i].im * out;
        }
        // Behind an unfinished block is nothing yet, whatever power of q it is multiplied by.
        a = first < STEPS ? as<double>(own) : conjugate_times_plus(responses.block, a, as<double>(own));
    }
    if (at.there) {
        t.returns[at.state(t)] = as<float>(a);
    }
    if (thread_index() == 0 && block_x() % t.slabs == 0 && !t.rest) {
        t.resets[at.sequence * t.chunks + at.chunk] = (uint8_t)starts.any;
    }
}

LS_KERNEL(CARRIERS) cema_return_carry(Task t) {
    Carrier at(t);
    if (!at.there()) {
        return;
    }
    Complex<double> a = at.run(t, t.returns, t.p.d_last, true,
                               [](auto q, auto behind, auto own) { return conjugate_times_plus(q, behind, own); });
    if (t.p.d_start) {
        t.p.d_start[at.outer] = (float)(t.p.d_start[at.outer] + a.re);
        t.p.d_start[at.outer + t.p.channels] = (float)(t.p.d_start[at.outer + t.p.channels] + a.im);
    }
}

/* The state before each block of a chunk, a column a thread. */
LS_DEVICE void states_before_blocks(const Task &t, const Place &at, Complex<double> q, const float *x_tile,
                                    const Starts &starts, Complex<float> *states) {
    Powers powers(q);
    Complex<double> s = at.there ? as<double>(t.states[at.state(t)]) : Complex<double>{0, 0};
    for (int block = 0; block * STEPS < at.steps; block++) {
        states[block * THREADS + thread_index()] = as<float>(s);
        float x[STEPS];
        load_block(x_tile, at.row, block, x);
        Complex<double> own = as<double>(powers.end(x, starts.begin[block * STEPS + STEPS - 1]));
        s = starts.first[block] < STEPS ? own : times_plus(powers.block, s, own);
    }
}

/* What a thread sums over its chunk. */
struct Sums {
    Complex<float> dq, dc;
    float d_omega;
};

/* One block: states again from the one before it, then the gradients from the last step to the first; dy becomes dx. */
LS_DEVICE void block_gradients(Complex<float> q, Complex<float> c, Complex<float> s, Complex<float> &a,
                               uint32_t forgets, int steps, const float (&x)[STEPS], float (&dy)[STEPS], Sums &sums) {
    Complex<float> before[STEPS];
    LS_UNROLL
    for (int i = 0; i < STEPS; i++) {
        before[i] = forgets >> i & 1 ? Complex<float>{0, 0} : s;
        s = times_plus(q, before[i], {x[i], 0});
        // Behind the last step dy is 0.
        sums.dc.re += dy[i] * s.re;
        sums.dc.im -= dy[i] * s.im;
    }
    LS_UNROLL
    for (int i = STEPS - 1; i >= 0; i--) {
        if (i < steps) {
            a.re += c.re * dy[i];
            a.im -= c.im * dy[i];
            dy[i] = a.re;
            sums.dq = conjugate_times_plus(before[i], a, sums.dq);
            a = forgets >> i & 1 ? Complex<float>{0, 0} : conjugate_times_plus(q, a, {0, 0});
        }
    }
}

LS_KERNEL_OF(THREADS, 1) cema_gradients(Task t) {
    float *x_tile = shared_memory<float>(), *dy_tile = x_tile + TILE;
    Complex<float> *states = reinterpret_cast<Complex<float> *>(dy_tile + TILE);
    Starts &starts = *reinterpret_cast<Starts *>(states + BLOCKS * THREADS);
    Place at(t);
    if (at.elsewhere(t)) {
        return;
    }
    load_tile(t, at, t.p.x, x_tile);
    load_tile(t, at, t.p.dy, dy_tile);
    find_starts(t, at, starts);
    barrier();
    Complex<double> q = at.coefficient(t, t.p.q);
    states_before_blocks(t, at, q, x_tile, starts, states);
    Complex<float> rounded = as<float>(q), c = as<float>(at.coefficient(t, t.p.c)), rounded16 = rounded;
    LS_UNROLL
    for (int i = 1; i < STEPS; i *= 2) {
        rounded16 = times(rounded16, rounded16);
    }
    // What sixteen steps with a rounded q leave out.
    Complex<double> exact16 = power(q, STEPS);
    Complex<float> rest16 = as<float>(Complex<double>{exact16.re - rounded16.re, exact16.im - rounded16.im});
    Complex<float> a = at.there ? t.returns[at.state(t)] : Complex<float>{0, 0};
    float omega = t.mode == 0 && at.channel < t.p.channels ? t.p.omega[at.channel] : 0;
    Sums sums = {{0, 0}, {0, 0}, 0};
    for (int block = (at.steps - 1) / STEPS; block >= 0; block--) {
        float x[STEPS], dy[STEPS];
        load_block(x_tile, at.row, block, x);
        load_block(dy_tile, at.row, block, dy);
        int mine = at.row * PITCH + block * STEPS + at.lane, first = starts.first[block],
            steps = at.steps - block * STEPS;
        float own = dy_tile[mine];
        sums.d_omega += own * x_tile[mine];
        uint32_t forgets = first < STEPS ? 1u << first : 0;
        LS_UNROLL
        for (int i = 1; i < STEPS; i++) {
            forgets |= (uint32_t)(starts.begin[block * STEPS + i] == i) << i;
        }
        Complex<float> behind = a;
        block_gradients(rounded, c, states[block * THREADS + thread_index()], a, forgets, steps, x, dy, sums);
        if (first == STEPS && steps >= STEPS) {
            a = conjugate_times_plus(rest16, behind, a);
        }
        float dx = sum_over_modes(dy, at.lane) + omega * own;
        warp_barrier();
        dy_tile[mine] = dx;
    }
    int64_t chunk = at.sequence * t.chunks + at.chunk;
    if (at.there && t.p.dq) {
        float *to = t.partials + 4 * ((chunk * t.p.channels + at.channel) * t.p.modes + at.mode);
        to[0] = sums.dq.re;
        to[1] = sums.dq.im;
        to[2] = sums.dc.re;
        to[3] = sums.dc.im;
    }
    LS_UNROLL
    for (int by = MODES / 2; by > 0; by /= 2) {
        sums.d_omega += shuffle_xor(sums.d_omega, by);
    }
    if (t.mode == 0 && at.lane == 0 && at.there) {
        t.omegas[chunk * t.p.channels + at.channel] = sums.d_omega;
    }
    barrier();
    each_element(t, at, [&](int64_t i, int j, bool there) {
        if (there && t.p.dx) {
            t.p.dx[i] += dy_tile[j];
        }
    });
}

/* Where column [channel, mode, 4] of the partials belongs. */
struct CoefficientGradients {
    int64_t channels, modes;
    double *dq, *dc;

    LS_DEVICE double *operator()(int64_t col) const {
        int64_t mode = col / 4 % modes, channel = col / 4 / modes;
        return (col % 4 < 2 ? dq : dc) + (2 * mode + col % 2) * channels + channel;
    }
};

/* Scratch: gradients between chunks, chunks' dq and dc, dω, and whether they forget. */
struct Layout {
    int64_t chunks, states;

    explicit Layout(const ls_cuda_cema_params &p)
        : chunks(p.batch * chunks_of(p)), states(chunks * p.channels * p.modes) {}

    int64_t bytes(const ls_cuda_cema_params &p) const { return states * 6 * 4 + chunks * p.channels * 4 + chunks; }

    Task task(const ls_cuda_cema_params &p) const {
        Task t = task_of(p);
        t.states = reinterpret_cast<Complex<float> *>(p.kept);
        t.returns = static_cast<Complex<float> *>(p.scratch);
        t.partials = reinterpret_cast<float *>(t.returns + states);
        t.omegas = t.partials + 4 * states;
        t.resets = reinterpret_cast<uint8_t *>(t.omegas + chunks * p.channels);
        return t;
    }
};

ls_status backward(const ls_cuda_cema_params &p, void *stream) {
    Layout layout(p);
    Task t = layout.task(p);
    if (t.chunks > 1 && p.modes <= MODES) {
        LS_TRY(find_resets(t, stream));
        LS_TRY(tile_return_ends(t, stream));
        t.rest = true;
        t.first = p.fresh ? 0 : p.rows / CHUNK;
    }
    int64_t ends_bytes = TILE * 4 + (int64_t)sizeof(Starts);
    int64_t gradients_bytes = 2 * TILE * 4 + BLOCKS * THREADS * (int64_t)sizeof(Complex<float>) + (int64_t)sizeof(Starts);
    for (; t.mode < p.modes; t.mode += MODES) {
        LS_TRY(LS_LAUNCH(cema_return_ends, grid_of(t), THREADS, ends_bytes, stream, t));
    }
    LS_TRY(LS_LAUNCH(cema_return_carry, carriers_of(t), CARRIERS, 0, stream, t));
    if (t.rest) {
        LS_TRY(tile_gradients(t, stream));
    }
    for (t.mode = 0; t.mode < p.modes; t.mode += MODES) {
        LS_TRY(LS_LAUNCH(cema_gradients, grid_of(t), THREADS, gradients_bytes, stream, t));
    }
    if (p.dq) {
        CoefficientGradients to = {p.channels, p.modes, p.dq, p.dc};
        if (ls_status bad = add_column_sums(t.partials, layout.chunks, 4 * p.channels * p.modes, to, stream)) {
            return bad;
        }
    }
    return p.d_omega ? add_column_sums(t.omegas, layout.chunks, p.channels, Neighbours<float>{p.d_omega}, stream)
                     : LS_OK;
}

} // namespace

} // namespace ls::cuda::cema

using namespace ls::cuda;

int64_t ls_cuda_cema_backward_scratch(const ls_cuda_cema_params *params) {
    return cema::Layout(*params).bytes(*params);
}

ls_status ls_cuda_cema_backward(const ls_cuda_cema_params *params, void *stream) {
    const ls_cuda_cema_params &p = *params;
    LS_NEEDS(p.size == sizeof p && p.batch >= 0 && p.rows >= 0 && p.channels >= 0 && p.modes > 0 && !p.dq == !p.dc);
    return cema::backward(p, stream);
}
