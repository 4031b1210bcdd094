#include "recurrence.h"

/*
 * h = a⊙h + b⊙x as a scan of chunks in three launches: what each chunk makes of the state before it, the states between
 * chunks, and h. A sequence of one chunk, a decoded token among them, takes the last launch only. a, b and x are read
 * twice, h is written once.
 */
namespace ls::cuda::recurrence {

namespace {

template <class N> LS_DEVICE N next(const Task<N> &t, const Place &at, int64_t step, N h) {
    int64_t row = at.row(t, step);
    N in = times_plus(t.b.at(row, at.d), t.x.at(row, at.d), N{});
    return t.forgets(at.sequence, step) ? in : times_plus(t.a.at(row, at.d), h, in);
}

template <class N> LS_KERNEL(THREADS) recurrence_maps(Task<N> t) {
    Place at(t);
    if (at.d >= t.p.channels) {
        return;
    }
    N own{}, scale = one<N>();
    for (int64_t step = at.first; step < at.end; step++) {
        own = next(t, at, step, own);
        scale = t.forgets(at.sequence, step) ? N{} : times_plus(t.a.at(at.row(t, step), at.d), scale, N{});
    }
    t.maps[at.map(t)] = {scale, own};
}

template <class N> LS_DEVICE N state_before(const Task<N> &t, int64_t sequence, int64_t d) {
    return t.p.start ? t.start.at(sequence, d) : N{};
}

template <class N> LS_KERNEL(THREADS) recurrence_carry(Task<N> t) {
    int64_t d = (int64_t)block_x() * THREADS + thread_index(), sequence = block_y();
    if (d < t.p.channels) {
        carry(t.maps + sequence * t.chunks * t.p.channels + d, t.chunks, t.p.channels, false,
              state_before(t, sequence, d));
    }
}

template <class N> LS_KERNEL(THREADS) recurrence_states(Task<N> t) {
    Place at(t);
    if (at.d >= t.p.channels) {
        return;
    }
    N h = t.chunks == 1 ? state_before(t, at.sequence, at.d) : t.maps[at.map(t)].own;
    for (int64_t step = at.first; step < at.end; step++) {
        h = next(t, at, step, h);
        t.h.set(at.row(t, step), at.d, h);
    }
}

template <class N> ls_status forward(const Task<N> &t, void *stream) {
    if (t.chunks > 1) {
        if (ls_status bad = LS_LAUNCH(recurrence_maps<N>, grid_of(t), THREADS, 0, stream, t)) {
            return bad;
        }
        if (ls_status bad = LS_LAUNCH(recurrence_carry<N>, (Grid{t.slabs, t.p.batch}), THREADS, 0, stream, t)) {
            return bad;
        }
    }
    return LS_LAUNCH(recurrence_states<N>, grid_of(t), THREADS, 0, stream, t);
}

} // namespace

} // namespace ls::cuda::recurrence

using namespace ls::cuda;

int64_t ls_cuda_recurrence_scratch(const ls_cuda_recurrence_params *params) {
    int64_t numbers = params->complex ? 4 : 2;
    return params->batch * recurrence::chunks_of(*params) * params->channels * numbers * (int64_t)sizeof(double);
}

ls_status ls_cuda_recurrence(const ls_cuda_recurrence_params *params, void *stream) {
    LS_NEEDS(recurrence::valid(*params));
    return recurrence::in_field(*params, [&](const auto &task) { return recurrence::forward(task, stream); });
}
