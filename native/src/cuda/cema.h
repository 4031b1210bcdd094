#pragma once

#include "complex.h"

/*
 * What CEMA's kernels share. Time is cut into chunks of 256 steps, one block of threads a chunk and 16 channels, and
 * chunks into blocks of 16 steps. A thread has one mode of one channel, so that half a warp has a channel; n over 16
 * goes 16 modes at a time. Within a block a mode is its powers q¹…q¹⁶, each rounded to float once; from block to block
 * its state is carried in double. So nothing adds up over a slow mode's memory of 10⁵ steps, and a step costs no double
 * arithmetic.
 */
namespace ls::cuda::cema {

constexpr int STEPS = 16, BLOCKS = 16, CHUNK = STEPS * BLOCKS;
constexpr int MODES = 16, CHANNELS = 16, THREADS = MODES * CHANNELS;
/* Floats between the channels of a tile: rows of 16 bytes, spread over the banks. */
constexpr int PITCH = CHUNK + 4;
constexpr int TILE = CHANNELS * PITCH;

/* One launch: modes and chunks from `mode` and `first` on. States between chunks are [B, chunks, D, n] complex. */
struct Task {
    ls_cuda_cema_params p;
    int64_t mode, first, chunks, slabs;
    int32_t rest;            /* whether regular chunks are another kernel's */
    int32_t in_order;        /* whether each channel's chunks are taken one after the other */
    Complex<float> *states;  /* of the way forward */
    Complex<float> *returns; /* gradients of the states behind each chunk */
    uint8_t *resets;         /* [B, chunks], whether any step of a chunk forgets */
    float *partials;         /* [B · chunks, D, n, 4]: dq and dc of each chunk */
    float *omegas;           /* [B · chunks, D] */
};

inline int64_t chunks_of(const ls_cuda_cema_params &p) { return (p.rows + CHUNK - 1) / CHUNK; }

/* With neither scratch nor states. */
inline Task task_of(const ls_cuda_cema_params &p) {
    Task t{};
    t.p = p;
    t.chunks = chunks_of(p);
    t.slabs = (p.channels + CHANNELS - 1) / CHANNELS;
    return t;
}

/* Chunks times slabs of channels, by sequence. */
inline Grid grid_of(const Task &t) { return {(t.chunks - t.first) * t.slabs, t.p.batch}; }

/* Ends and outputs of regular chunks: whole ones, without resets, of at most MODES modes. */
ls_status tile_ends(const Task &t, void *stream);
ls_status tile_outputs(const Task &t, void *stream);
/* Of each chunk whether it forgets. */
ls_status find_resets(const Task &t, void *stream);
/* Of regular chunks what they add to the gradients of the states before them, and all gradients within. */
ls_status tile_return_ends(const Task &t, void *stream);
ls_status tile_gradients(const Task &t, void *stream);
/*
 * Outputs of all whole chunks, and the states before every chunk or the last one, where there are no documents: x is
 * read once.
 */
ls_status tile_sequences(const Task &t, void *stream);
/* Whether channels and sequences alone are work for a device's processors, most of which have about a hundred. */
bool fills_device(const ls_cuda_cema_params &p);

/* Where documents begin within a chunk's blocks. */
struct Starts {
    uint8_t begin[CHUNK];  /* of the document of a step within its block, the first step where it began before */
    uint8_t first[BLOCKS]; /* step of a block that forgets; STEPS where none does */
    int32_t any;
};

/* A thread's place. */
struct Place {
    int64_t sequence, chunk, channel, mode, first_step;
    int steps, lane, row; /* steps of the chunk; mode within the task; channel within the slab */
    bool there;

    LS_DEVICE explicit Place(const Task &t)
        : sequence(block_y()), chunk(t.first + block_x() / t.slabs),
          channel(block_x() % t.slabs * CHANNELS + thread_index() / MODES), mode(t.mode + thread_index() % MODES),
          first_step(chunk * CHUNK), steps((int)(t.p.rows - first_step < CHUNK ? t.p.rows - first_step : CHUNK)),
          lane(thread_index() % MODES), row(thread_index() / MODES), there(channel < t.p.channels && mode < t.p.modes) {
    }

    /* Whether the whole block has nothing to do. */
    LS_DEVICE bool elsewhere(const Task &t) const {
        return t.rest && steps == CHUNK && !t.resets[sequence * t.chunks + chunk];
    }

    /* Of this thread's states between chunks. */
    LS_DEVICE int64_t state(const Task &t) const {
        return ((sequence * t.chunks + chunk) * t.p.channels + channel) * t.p.modes + mode;
    }

    /* Of the real part in [B, n, 2, D]; the imaginary one is D behind. */
    LS_DEVICE int64_t outer_state(const Task &t) const {
        return (sequence * t.p.modes + mode) * 2 * t.p.channels + channel;
    }

    LS_DEVICE Complex<double> coefficient(const Task &t, const double *values) const {
        int64_t re = 2 * mode * t.p.channels + channel;
        return there ? Complex<double>{values[re], values[re + t.p.channels]} : Complex<double>{0, 0};
    }

    LS_DEVICE Complex<double> outer(const Task &t, const float *states) const {
        int64_t re = outer_state(t);
        return there && states ? Complex<double>{states[re], states[re + t.p.channels]} : Complex<double>{0, 0};
    }
};

/* body(row of x, place in a tile, channel) for this thread's share of the chunk; channels are neighbours among threads.
 */
template <class Body> LS_DEVICE void each_element(const Task &t, const Place &at, Body body) {
    int row = thread_index() % CHANNELS;
    int64_t channel = block_x() % t.slabs * CHANNELS + row;
    LS_UNROLL
    for (int i = 0; i < CHUNK / MODES; i++) {
        int step = i * MODES + thread_index() / CHANNELS;
        int64_t s = at.first_step + step;
        bool there = step < at.steps && channel < t.p.channels;
        body((at.sequence * t.p.rows + (t.p.reversed ? t.p.rows - 1 - s : s)) * t.p.channels + channel,
             row * PITCH + step, there);
    }
}

/* A chunk of x or dy by channels; zeros behind its end. */
LS_DEVICE void load_tile(const Task &t, const Place &at, const float *from, float *tile) {
    each_element(t, at, [&](int64_t i, int j, bool there) { tile[j] = there ? from[i] : 0; });
}

/* The chunk's bytes of `fresh`, by all threads; others see them behind a barrier. */
LS_DEVICE void find_starts(const Task &t, const Place &at, Starts &starts) {
    static_assert(THREADS == CHUNK);
    const uint8_t *fresh = t.p.fresh ? t.p.fresh + at.sequence * t.p.rows + at.first_step : nullptr;
    int step = thread_index(), block = step / STEPS * STEPS, begin = 0;
    bool forgets = false;
    for (int i = block; fresh && i <= step && i < at.steps; i++) {
        if (fresh[i]) {
            begin = i - block;
            forgets = true;
        }
    }
    starts.begin[step] = (uint8_t)begin;
    if (step == 0) {
        starts.any = 0;
    }
    barrier();
    if (step % STEPS == STEPS - 1) {
        int first = STEPS;
        for (int i = STEPS - 1; fresh && i >= 0; i--) {
            first = block + i < at.steps && fresh[block + i] ? i : first;
        }
        starts.first[step / STEPS] = (uint8_t)first;
        if (forgets) {
            starts.any = 1;
        }
    }
}

/* q¹…q¹⁶ of a mode. */
struct Powers {
    Complex<float> of[STEPS + 1]; /* from 1 */
    Complex<double> block;        /* q¹⁶ */

    LS_DEVICE explicit Powers(Complex<double> q) {
        Complex<double> power = {1, 0};
        LS_UNROLL
        for (int i = 0; i <= STEPS; i++) {
            of[i] = as<float>(power);
            block = power;
            power = times(power, q);
        }
    }

    /* Σ q¹⁵⁻ʲ xⱼ from step `begin` on: what a block adds to the state behind it. */
    LS_DEVICE Complex<float> end(const float (&x)[STEPS], int begin) const {
        Complex<float> sum = {0, 0};
        LS_UNROLL
        for (int j = 0; j < STEPS; j++) {
            float in = j >= begin ? x[j] : 0;
            sum.re += of[STEPS - 1 - j].re * in;
            sum.im += of[STEPS - 1 - j].im * in;
        }
        return sum;
    }
};

/* A channel's steps of one block; the same for its half of the warp. */
LS_DEVICE void load_block(const float *tile, int row, int block, float (&x)[STEPS]) {
    struct alignas(16) Four {
        float of[4];
    };
    const Four *from = reinterpret_cast<const Four *>(tile + row * PITCH + block * STEPS);
    LS_UNROLL
    for (int i = 0; i < STEPS / 4; i++) {
        Four four = from[i];
        LS_UNROLL
        for (int j = 0; j < 4; j++) {
            x[4 * i + j] = four.of[j];
        }
    }
}

/* Sums over a channel's threads, which keep HALF values each, then half of them, by the bits of their lane. */
template <int HALF> LS_DEVICE void fold(float (&values)[STEPS], int lane) {
    bool upper = lane & HALF;
    LS_UNROLL
    for (int i = 0; i < HALF; i++) {
        float give = upper ? values[i] : values[i + HALF];
        float keep = upper ? values[i + HALF] : values[i];
        values[i] = keep + shuffle_xor(give, HALF);
    }
    if constexpr (HALF > 1) {
        fold<HALF / 2>(values, lane);
    }
}

/* Σ values[t] over a channel's threads, for t = this thread's lane. */
LS_DEVICE float sum_over_modes(float (&values)[STEPS], int lane) {
    static_assert(STEPS == MODES);
    fold<STEPS / 2>(values, lane);
    return values[0];
}

/*
 * The states before each chunk, or behind it on the way back, in place of what each chunk itself adds: a thread a mode,
 * in double. Many loads are in flight; the chain of the chunks is eight operations each.
 */
template <class Multiply>
LS_DEVICE Complex<double> carry(Complex<float> *states, const uint8_t *resets, int64_t chunks, int64_t stride,
                                bool back, Complex<double> state, Multiply multiply) {
    constexpr int AHEAD = 8;
    for (int64_t from = 0; from < chunks; from += AHEAD) {
        Complex<float> own[AHEAD];
        LS_UNROLL
        for (int i = 0; i < AHEAD; i++) {
            int64_t chunk = back ? chunks - 1 - from - i : from + i;
            own[i] = from + i < chunks ? states[chunk * stride] : Complex<float>{0, 0};
        }
        LS_UNROLL
        for (int i = 0; i < AHEAD; i++) {
            int64_t chunk = back ? chunks - 1 - from - i : from + i;
            if (from + i < chunks) {
                states[chunk * stride] = as<float>(state);
                state = resets[chunk] ? as<double>(own[i]) : multiply(state, as<double>(own[i]), chunk);
            }
        }
    }
    return state;
}

constexpr int CARRIERS = 128;

inline Grid carriers_of(const Task &t) { return {(t.p.channels * t.p.modes + CARRIERS - 1) / CARRIERS, t.p.batch}; }

/* A thread's mode of a channel, for what goes from chunk to chunk. */
struct Carrier {
    int64_t number, stride, sequence, outer = 0; /* of [D, n]; of the real part in [B, n, 2, D] */
    Complex<double> whole{0, 0}, rest{0, 0};     /* q to the power of a chunk's steps, and of the last one's */

    LS_DEVICE explicit Carrier(const Task &t)
        : number((int64_t)block_x() * CARRIERS + thread_index()), stride(t.p.channels * t.p.modes), sequence(block_y()) {
        if (there()) {
            int64_t re = 2 * (number % t.p.modes) * t.p.channels + number / t.p.modes;
            Complex<double> q = {t.p.q[re], t.p.q[re + t.p.channels]};
            outer = sequence * t.p.modes * 2 * t.p.channels + re;
            whole = power(q, CHUNK);
            rest = power(q, t.p.rows - (t.chunks - 1) * CHUNK);
        }
    }

    LS_DEVICE bool there() const { return number < stride; }

    /* From the outer state, NULL for zeros, to that behind all chunks: multiply(power of q, state, what a chunk adds). */
    template <class Multiply>
    LS_DEVICE Complex<double> run(const Task &t, Complex<float> *states, const float *from, bool back, Multiply multiply) const {
        Complex<double> state = from ? Complex<double>{from[outer], from[outer + t.p.channels]} : Complex<double>{0, 0};
        return carry(states + sequence * t.chunks * stride + number, t.resets + sequence * t.chunks, t.chunks, stride, back, state,
                     [&](Complex<double> before, Complex<double> own, int64_t chunk) {
                         return multiply(chunk == t.chunks - 1 ? rest : whole, before, own);
                     });
    }
};

} // namespace ls::cuda::cema
