#include "lanes.h"

/*
 * A block takes some positions of one row of the batch: a table of their turns, angles in double as positions go beyond
 * what a float can tell apart, then all heads.
 */
namespace ls::cuda {

namespace {

constexpr int THREADS = 256;
/* Turns in a block's table, where it has more than one position. */
constexpr int64_t TURNS = 1024;

using Params = ls_cuda_rotary_params;

struct Turn {
    float cos, sin;
};

/* log₂ of xPos's ζ of pair m. */
LS_DEVICE double log2_zeta(int64_t m, int64_t head_dim) {
    return log((2 * (double)m + 0.4 * (double)head_dim) / (1.4 * (double)head_dim)) / 0.6931471805599453;
}

LS_DEVICE Turn turn(const Params &p, double frequency, double zeta, int64_t position) {
    double angle = (double)(p.period > 0 ? position % p.period : position) * frequency;
    double scale = 1;
    if (p.scale_base != 0) {
        int64_t from = p.epoch > 0 ? position / p.epoch * p.epoch : p.origin;
        scale = exp2(p.sign * zeta * (double)(position - from) / p.scale_base);
    }
    return {(float)(scale * cos(angle)), (float)(scale * sin(p.backward ? -angle : angle))};
}

template <int W, class T> LS_DEVICE void put_or_add(const Params &p, T *to, const Floats<W> &v) {
    store<W>(to, p.backward ? each<W>([](float one, float before) { return before + one; }, v, load<W>(to)) : v);
}

/* W elements from `at` on, neighbours in pairs. */
template <int W, class T> LS_DEVICE void neighbours(const Params &p, const T *x, T *y, const Turn *turns, int64_t at) {
    if constexpr (W == 1) {
        Turn t = turns[at];
        float a = value(x[2 * at]), b = value(x[2 * at + 1]);
        put_or_add(p, y + 2 * at, Floats<1>{{a * t.cos - b * t.sin}});
        put_or_add(p, y + 2 * at + 1, Floats<1>{{a * t.sin + b * t.cos}});
    } else {
        Floats<W> v = load<W>(x + at), r;
        LS_UNROLL
        for (int i = 0; i < W; i += 2) {
            Turn t = turns[(at + i) / 2];
            r.at[i] = v.at[i] * t.cos - v.at[i + 1] * t.sin;
            r.at[i + 1] = v.at[i] * t.sin + v.at[i + 1] * t.cos;
        }
        put_or_add(p, y + at, r);
    }
}

/* W elements from `at` on, each with that half a head further. */
template <int W, class T> LS_DEVICE void halves(const Params &p, const T *x, T *y, const Turn *turns, int64_t at) {
    int64_t apart = p.head_dim / 2;
    Floats<W> a = load<W>(x + at), b = load<W>(x + at + apart), first, second;
    LS_UNROLL
    for (int i = 0; i < W; i++) {
        Turn t = turns[at + i];
        first.at[i] = a.at[i] * t.cos - b.at[i] * t.sin;
        second.at[i] = a.at[i] * t.sin + b.at[i] * t.cos;
    }
    put_or_add(p, y + at, first);
    put_or_add(p, y + at + apart, second);
}

template <class T, int W> LS_KERNEL(THREADS) rotate(Params p, int64_t positions) {
    int64_t row = block_x() * positions;
    int pairs = (int)(p.head_dim / 2), heads = (int)p.heads,
        count = (int)(p.rows - row < positions ? p.rows - row : positions);
    double *frequency = shared_memory<double>(), *zeta = frequency + pairs;
    Turn *turns = reinterpret_cast<Turn *>(zeta + pairs);
    for (int m = thread_index(); m < pairs; m += THREADS) {
        frequency[m] = pow(p.base, -(double)m / (double)pairs);
        zeta[m] = log2_zeta(m, p.head_dim);
    }
    barrier();
    for (int i = thread_index(); i < count * pairs; i += THREADS) {
        turns[i] = turn(p, frequency[i % pairs], zeta[i % pairs], p.first + row + i / pairs);
    }
    barrier();
    int items = p.halves ? pairs / W : W == 1 ? pairs : 2 * pairs / W;
    for (int64_t b = block_y(); b < p.batch; b += MOST_YZ) {
        for (int i = thread_index(); i < count * heads * items; i += THREADS) {
            int at = i % items * W, h = i / items % heads, n = i / items / heads;
            const T *x = static_cast<const T *>(p.x) + b * p.x_batch + (row + n) * p.x_row + h * p.x_head;
            T *y = static_cast<T *>(p.y) + b * p.y_batch + (row + n) * p.y_row + h * p.y_head;
            if (p.halves) {
                halves<W>(p, x, y, turns + n * pairs, at);
            } else {
                neighbours<W>(p, x, y, turns + n * pairs, at);
            }
        }
    }
}

template <class T> ls_status run(const Params &p, void *stream) {
    constexpr int W = WIDTH<T>;
    int64_t pairs = p.head_dim / 2, positions = pairs < TURNS ? TURNS / pairs : 1;
    Grid grid{(p.rows + positions - 1) / positions, p.batch < MOST_YZ ? p.batch : MOST_YZ};
    int64_t shared = pairs * 2 * (int64_t)sizeof(double) + positions * pairs * (int64_t)sizeof(Turn);
    int64_t strides = p.x_batch | p.x_row | p.x_head | p.y_batch | p.y_row | p.y_head | (p.halves ? pairs : p.head_dim);
    return aligned(p.x, p.y) && strides % W == 0
               ? launch("rotary", rotate<T, W>, grid, THREADS, shared, stream, p, positions)
               : launch("rotary", rotate<T, 1>, grid, THREADS, shared, stream, p, positions);
}

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_rotary(const ls_cuda_rotary_params *p, void *stream) {
    LS_NEEDS(p->size == sizeof *p && p->batch >= 0 && p->rows >= 0 && p->heads >= 0);
    LS_NEEDS(p->head_dim > 0 && p->head_dim % 2 == 0 && p->head_dim <= 8192);
    LS_NEEDS(p->first >= 0 && p->heads <= 65536);
    return p->half ? run<bf16>(*p, stream) : run<float>(*p, stream);
}
