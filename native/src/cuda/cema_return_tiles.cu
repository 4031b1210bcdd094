#include "cema_products.h"

/*
 * CEMA's way back over regular chunks on tensor cores: 256 steps without a new document, at most 16 modes, a warp a channel. Against
 * time dy goes the way that x goes with it. Let D be a chunk of dy, its steps and so its blocks from the last to the first, X one of x
 * as ever, V[j, n] = qₙ¹⁵⁻ʲ and V' = dV/dq. With S the states before blocks, and U the conjugate gradients of the states behind them,
 *
 *     dx = D·K + U·W,  W[n, t] = qᵗ,  U from c·q·D·V by a scan over the 16 rows
 *     dc = conj(Σ over blocks of q·S·(D·V)  +  Σ over lags d of qᵈ·r[d])
 *     dq = conj(Σ over blocks of 16·q¹⁵·U·S + U·(X·V') + c·S·(q·(D·V') + D·V)  +  c · Σ over lags of d·qᵈ⁻¹·r[d])
 *
 * where r[d] is the sum of x[t − d]·dy[t] over the steps of each block, the same for all modes, and r[0] is dω. 129 instructions of
 * 1,024 multiply-adds, 24 of them for each of D·V, D·V', X·V and X·V', and 136 multiply-adds a block for r; plain arithmetic has
 * 19 · 16 multiply-adds a step, 1.7 times what an H200 does while the bytes come. These are counts; no hardware has measured them.
 */
namespace ls::cuda::cema {

namespace {

constexpr int WARPS = 8, RETURN_THREADS = WARPS * WARP;
constexpr int TILE_FLOATS = WARPS * CHANNEL_PITCH;

/* A warp's constants beside the tables, whose responses are here powers of q. */
struct Constants {
    Complex<float> c[MODES], cq[MODES];
};

/* Shared memory: two chunks' tiles of x and of dy, and constants of each warp. */
struct Room {
    float *tiles = shared_memory<float>();
    Tables *tables = reinterpret_cast<Tables *>(tiles + 4 * TILE_FLOATS);
    Constants *constants = reinterpret_cast<Constants *>(tables + WARPS);

    LS_DEVICE float *x(int64_t chunk) const { return tiles + chunk % 2 * 2 * TILE_FLOATS; }
    LS_DEVICE float *dy(int64_t chunk) const { return x(chunk) + TILE_FLOATS; }
};

constexpr int64_t ROOM_BYTES =
    4 * TILE_FLOATS * (int64_t)sizeof(float) + WARPS * (int64_t)(sizeof(Tables) + sizeof(Constants));
static_assert(WARPS * sizeof(Setup) <= 4 * TILE_FLOATS * sizeof(float));

/* A block's channels and some neighbouring chunks. */
struct Stretch {
    int64_t sequence, first_channel, from, end;

    LS_DEVICE Stretch(const Task &t, int64_t deep) : sequence(block_y()) {
        int64_t slabs = (t.p.channels + WARPS - 1) / WARPS, whole = t.p.rows / CHUNK;
        first_channel = block_x() % slabs * WARPS;
        from = block_x() / slabs * deep;
        end = from + deep < whole ? from + deep : whole;
    }

    LS_DEVICE int64_t channel() const { return first_channel + warp(); }

    /* body(place in x, place in its tile, place in dy's, whether the channel is there) for this thread's share of a chunk. */
    template <class Body> LS_DEVICE void each(const Task &t, int64_t chunk, Body body) const {
        auto place = [](int step) { return step / STEPS * BLOCK_PITCH + step % STEPS; };
        int channel = thread_index() % WARPS;
        bool there = first_channel + channel < t.p.channels;
        LS_UNROLL
        for (int i = 0; i < CHUNK * WARPS / RETURN_THREADS; i++) {
            int step = (i * RETURN_THREADS + thread_index()) / WARPS;
            int64_t s = chunk * CHUNK + step, row = sequence * t.p.rows + (t.p.reversed ? t.p.rows - 1 - s : s);
            body(row * t.p.channels + first_channel + channel, channel * CHANNEL_PITCH + place(step),
                 channel * CHANNEL_PITCH + place(CHUNK - 1 - step), there);
        }
    }

    /* body(chunk) for regular chunks while the next one is on its way, and with X also its x. */
    template <bool X, class Body> LS_DEVICE void each_chunk(const Task &t, const Room &room, Body body) const {
        auto fetch = [&](int64_t chunk) {
            if (chunk < end) {
                float *x = room.x(chunk), *dy = room.dy(chunk);
                each(t, chunk, [&](int64_t i, int at_x, int at_dy, bool there) {
                    copy_async_word(dy + at_dy, there ? t.p.dy + i : t.p.dy, there);
                    if constexpr (X) {
                        copy_async_word(x + at_x, there ? t.p.x + i : t.p.x, there);
                    }
                });
            }
            commit_copies();
        };
        barrier(); // the setup's place is free
        fetch(from);
        for (int64_t chunk = from; chunk < end; chunk++) {
            fetch(chunk + 1);
            wait_for_copies<1>();
            barrier();
            if (!t.resets[sequence * t.chunks + chunk]) {
                body(chunk);
            }
            barrier();
        }
        wait_for_copies<0>();
    }

    /* Of mode `lane` of the warp's channel, among all modes between chunks. */
    LS_DEVICE int64_t state(const Task &t, int64_t chunk) const {
        return ((sequence * t.chunks + chunk) * t.p.channels + channel()) * t.p.modes;
    }
};

/* V or V' of four modes; all sixteen's would crowd out sums. */
struct Quad {
    Parts v[HALVES][2];

    /* of(mode, steps behind a step in its block) */
    template <class Of> LS_DEVICE Quad(int number, Of of) {
        int column = lane() / 4, step = lane() % 4;
        LS_UNROLL
        for (int i = 0; i < HALVES * 2; i++) {
            Complex<float> power = of(number * 4 + column / 2, STEPS - 1 - (i / 2 * 8 + i % 2 * 4 + step));
            v[i / 2][i % 2] = Parts(column % 2 ? power.im : power.re);
        }
    }

    LS_DEVICE void multiply_steps(const Parts (&x)[HALVES][4], float (&e)[4]) const {
        e[0] = e[1] = e[2] = e[3] = 0;
        LS_UNROLL
        for (int half = 0; half < HALVES; half++) {
            multiply(e, x[half], v[half]);
        }
    }
};

/* All a warp needs of its channel; the setup stays readable until the next barrier of the block. */
LS_DEVICE const Setup &prepare(const Task &t, const Stretch &stretch, const Room &room) {
    Tables &tables = room.tables[warp()];
    Setup &setup = reinterpret_cast<Setup *>(room.tiles)[warp()];
    fill(t.p, stretch.channel(), setup, tables);
    if (lane() < MODES) {
        int64_t re = 2 * lane() * t.p.channels + stretch.channel();
        bool there = stretch.channel() < t.p.channels && lane() < t.p.modes;
        Complex<double> c = there ? Complex<double>{t.p.c[re], t.p.c[re + t.p.channels]} : Complex<double>{0, 0};
        Complex<double> q = there ? Complex<double>{t.p.q[re], t.p.q[re + t.p.channels]} : Complex<double>{0, 0};
        room.constants[warp()].c[lane()] = as<float>(c);
        room.constants[warp()].cq[lane()] = as<float>(times(c, q));
        for (int i = 0; i < STEPS; i++) {
            tables.response(lane(), i) = setup.powers[lane()][i];
        }
    }
    warp_barrier();
    return setup;
}

LS_DEVICE Complex<float> conjugate(Complex<float> a) { return {a.re, -a.im}; }

/* What chunks add to the gradients of the states before them. */
LS_KERNEL(RETURN_THREADS) cema_tile_return_ends(Task t, int64_t deep) {
    Room room;
    Stretch stretch(t, deep);
    Ends ends(prepare(t, stretch, room));
    const Tables &tables = room.tables[warp()];
    stretch.each_chunk<false>(t, room, [&](int64_t chunk) {
        Parts dy[HALVES][4];
        load_fragments(room.dy(chunk) + warp() * CHANNEL_PITCH, dy);
        float e[QUADS][4];
        ends.multiply_steps(dy, e);
        LS_UNROLL
        for (int i = 0; i < QUADS; i++) {
            int mode = i * 4 + lane() % 4;
            Complex<float> end = times(room.constants[warp()].cq[mode], chunk_end(tables.blocks[mode], e[i]));
            if (lane() < 4 && mode < t.p.modes && stretch.channel() < t.p.channels) {
                t.returns[stretch.state(t, chunk) + mode] = conjugate(end);
            }
        }
    });
}

/* r[lane % 16]: Σ x[t − lag]·dy[t] over steps of the same block. */
LS_DEVICE float products_at_lag(const float *x, const float *dy) {
    int lag = lane() % STEPS;
    float sum = 0;
    for (int block = lane() / STEPS * (BLOCKS / 2), end = block + BLOCKS / 2; block < end; block++) {
        const float *from = x + block * BLOCK_PITCH, *with = dy + (BLOCKS - 1 - block) * BLOCK_PITCH + STEPS - 1;
        LS_UNROLL
        for (int step = 0; step < STEPS; step++) {
            sum = fmaf(step >= lag ? from[step - lag] : 0, with[-step], sum);
        }
    }
    return sum + shuffle_xor(sum, STEPS);
}

/* Of a mode's rows g and g + 8, in pairs (re, im), those of the blocks counted from the other end. */
LS_DEVICE void turn_round(float (&e)[4]) {
    float first[2] = {shuffle_xor(e[2], 28), shuffle_xor(e[3], 28)};
    e[2] = shuffle_xor(e[0], 28);
    e[3] = shuffle_xor(e[1], 28);
    e[0] = first[0];
    e[1] = first[1];
}

/* Σ a·b over both of the lane's rows. */
LS_DEVICE Complex<float> dot(const float (&a)[4], const float (&b)[4]) {
    Complex<float> first{a[0], a[1]}, second{a[2], a[3]};
    return times_plus(first, {b[0], b[1]}, times(second, {b[2], b[3]}));
}

LS_KERNEL_OF(RETURN_THREADS, 1) cema_tile_gradients(Task t, int64_t deep) {
    Room room;
    Stretch stretch(t, deep);
    prepare(t, stretch, room);
    Tables &tables = room.tables[warp()];
    const Constants &constants = room.constants[warp()];
    Outputs outputs{tables};
    stretch.each_chunk<true>(t, room, [&](int64_t chunk) {
        const float *x_tile = room.x(chunk) + warp() * CHANNEL_PITCH;
        float *dy_tile = room.dy(chunk) + warp() * CHANNEL_PITCH;
        int64_t state = stretch.state(t, chunk);
        auto between = [&](const Complex<float> *states, int mode) {
            return mode < t.p.modes && stretch.channel() < t.p.channels ? states[state + mode] : Complex<float>{0, 0};
        };
        float lagged = products_at_lag(x_tile, dy_tile);
        Parts x[HALVES][4], dy[HALVES][4];
        load_fragments(x_tile, x);
        load_fragments(dy_tile, dy);
        float dx[HALVES][4];
        outputs.multiply_steps(dy, dx);
        Complex<float> mine_q = {0, 0}, mine_c = {0, 0};
        // Four modes after the other: of all sixteen at once registers have no room.
        LS_UNROLL
        for (int i = 0; i < QUADS; i++) {
            int mode = i * 4 + lane() % 4;
            Complex<float> q = tables.response(mode, 1), q15 = tables.response(mode, STEPS - 1);
            Complex<float> c = constants.c[mode], cq = constants.cq[mode];
            float d[4], d_slope[4], s[4], s_slope[4];
            Quad powers(i, [&](int of, int left) { return tables.response(of, left); });
            powers.multiply_steps(dy, d);
            Complex<float> first = times(cq, {d[0], d[1]}), second = times(cq, {d[2], d[3]});
            float u[4] = {first.re, first.im, second.re, second.im};
            scan(tables.blocks[mode], conjugate(between(t.returns, mode)), u);
            outputs.add_quad(i, u, dx);
            powers.multiply_steps(x, s);
            scan(tables.blocks[mode], between(t.states, mode), s);
            turn_round(s);
            Complex<float> by_d = dot(s, d);
            Complex<float> dq = times_plus({16 * q15.re, 16 * q15.im}, dot(u, s), times(c, by_d));
            Quad slopes(i, [&](int of, int left) {
                Complex<float> power = tables.response(of, left > 0 ? left - 1 : 0);
                return Complex<float>{(float)left * power.re, (float)left * power.im};
            });
            slopes.multiply_steps(dy, d_slope);
            dq = times_plus(cq, dot(s, d_slope), dq);
            slopes.multiply_steps(x, s_slope);
            turn_round(s_slope);
            Complex<float> by_slope = dot(u, s_slope), dc = times(q, by_d);
            float sums[4] = {dq.re + by_slope.re, dq.im + by_slope.im, dc.re, dc.im};
            LS_UNROLL
            for (int by = 4; by < WARP; by *= 2) {
                LS_UNROLL
                for (int j = 0; j < 4; j++) {
                    sums[j] += shuffle_xor(sums[j], by);
                }
            }
            if (lane() / 4 == i) {
                mine_q = {sums[0], sums[1]};
                mine_c = {sums[2], sums[3]};
            }
        }
        Complex<float> within_q = {0, 0};
        int mode = lane() % MODES;
        for (int lag = 0; lag < STEPS; lag++) {
            float r = shuffle(lagged, lag);
            Complex<float> power = tables.response(mode, lag), before = tables.response(mode, lag > 0 ? lag - 1 : 0);
            mine_c = {fmaf(power.re, r, mine_c.re), fmaf(power.im, r, mine_c.im)};
            within_q = {fmaf((float)lag * before.re, r, within_q.re), fmaf((float)lag * before.im, r, within_q.im)};
        }
        mine_q = times_plus(constants.c[mode], within_q, mine_q);
        if (lane() < t.p.modes && lane() < MODES && stretch.channel() < t.p.channels) {
            float *to = t.partials + 4 * (state + lane());
            to[0] = mine_q.re;
            to[1] = -mine_q.im;
            to[2] = mine_c.re;
            to[3] = -mine_c.im;
        }
        if (lane() == 0 && stretch.channel() < t.p.channels) {
            t.omegas[(stretch.sequence * t.chunks + chunk) * t.p.channels + stretch.channel()] = lagged;
        }
        warp_barrier();
        store_fragments(dy_tile, dx);
        barrier();
        stretch.each(t, chunk, [&](int64_t i, int, int at, bool there) {
            if (there && t.p.dx) {
                t.p.dx[i] += room.dy(chunk)[at];
            }
        });
    });
}

} // namespace

ls_status tile_return_ends(const Task &t, void *stream) {
    int64_t deep = depth(t, WARPS);
    return LS_LAUNCH(cema_tile_return_ends, grid_of(t, WARPS, deep), RETURN_THREADS, ROOM_BYTES, stream, t, deep);
}

ls_status tile_gradients(const Task &t, void *stream) {
    int64_t deep = depth(t, WARPS);
    return LS_LAUNCH(cema_tile_gradients, grid_of(t, WARPS, deep), RETURN_THREADS, ROOM_BYTES, stream, t, deep);
}

} // namespace ls::cuda::cema
