#include "recurrence.h"

/*
 * The recurrence's way back: with A the gradient of hₜ, A += dhₜ, da += A·h̄ₜ₋₁, db += A·x̄ₜ, dx += A·b̄ₜ, A ← āₜ·A.
 * Launches: what each chunk makes of the gradient behind it, those gradients between chunks, the gradients, and where
 * all steps share a or b the chunks' sums of them, in order.
 */
namespace ls::cuda::recurrence {

namespace {

template <class N> LS_KERNEL(THREADS) recurrence_return_maps(Task<N> t) {
    Place at(t);
    if (at.d >= t.p.channels) {
        return;
    }
    N own{}, scale = one<N>();
    for (int64_t step = at.end - 1; step >= at.first; step--) {
        int64_t row = at.row(t, step);
        bool forgets = t.forgets(at.sequence, step);
        N a = t.a.at(row, at.d);
        own = forgets ? N{} : conjugate_times_plus(a, sum(own, t.dh.at(row, at.d)), N{});
        scale = forgets ? N{} : conjugate_times_plus(a, scale, N{});
    }
    t.maps[at.map(t)] = {scale, own};
}

template <class N> LS_KERNEL(THREADS) recurrence_return_carry(Task<N> t) {
    int64_t d = (int64_t)block_x() * THREADS + thread_index(), sequence = block_y();
    if (d < t.p.channels) {
        N left = carry(t.maps + sequence * t.chunks * t.p.channels + d, t.chunks, t.p.channels, true, N{});
        t.d_start.add(sequence, d, left);
    }
}

/* A chunk's share of a gradient that all steps share. */
template <class N> LS_DEVICE void keep_share(double *to, const Task<N> &t, const Place &at, N v) {
    if (!to) {
        return;
    }
    int64_t chunk = at.sequence * t.chunks + at.chunk;
    if constexpr (sizeof(N) == sizeof(double)) {
        to[chunk * t.p.channels + at.d] = v;
    } else {
        to[2 * chunk * t.p.channels + at.d] = v.re;
        to[(2 * chunk + 1) * t.p.channels + at.d] = v.im;
    }
}

template <class N> LS_KERNEL(THREADS) recurrence_gradients(Task<N> t) {
    Place at(t);
    if (at.d >= t.p.channels) {
        return;
    }
    N behind = t.maps[at.map(t)].own, da{}, db{};
    for (int64_t step = at.end - 1; step >= at.first; step--) {
        int64_t row = at.row(t, step);
        bool forgets = t.forgets(at.sequence, step);
        behind = sum(behind, t.dh.at(row, at.d));
        if (t.p.dx) {
            t.dx.add(row, at.d, conjugate_times_plus(t.b.at(row, at.d), behind, N{}));
        }
        if (t.p.db) {
            N share = conjugate_times_plus(t.x.at(row, at.d), behind, N{});
            if (t.p.b_per_step) {
                t.db.add(row, at.d, share);
            }
            db = sum(db, share);
        }
        if (t.p.da && !forgets && (step > 0 || t.p.start)) {
            N before = step > 0 ? t.h.at(at.row(t, step - 1), at.d) : t.start.at(at.sequence, at.d);
            N share = conjugate_times_plus(before, behind, N{});
            if (t.p.a_per_step) {
                t.da.add(row, at.d, share);
            }
            da = sum(da, share);
        }
        behind = forgets ? N{} : conjugate_times_plus(t.a.at(row, at.d), behind, N{});
    }
    keep_share(t.das, t, at, da);
    keep_share(t.dbs, t, at, db);
}

/* Scratch: maps, then the chunks' shares of da and db. */
struct Layout {
    int64_t chunks, width;

    explicit Layout(const ls_cuda_recurrence_params &p)
        : chunks(p.batch * chunks_of(p)), width(p.channels * (p.complex ? 2 : 1)) {}

    int64_t bytes() const { return chunks * width * 4 * (int64_t)sizeof(double); }
};

template <class N> ls_status backward(Task<N> t, void *stream) {
    Layout layout(t.p);
    double *shares = static_cast<double *>(t.p.scratch) + 2 * layout.chunks * layout.width;
    t.das = t.p.da && !t.p.a_per_step ? shares : nullptr;
    t.dbs = t.p.db && !t.p.b_per_step ? shares + layout.chunks * layout.width : nullptr;
    if (ls_status bad = LS_LAUNCH(recurrence_return_maps<N>, grid_of(t), THREADS, 0, stream, t)) {
        return bad;
    }
    if (ls_status bad = LS_LAUNCH(recurrence_return_carry<N>, (Grid{t.slabs, t.p.batch}), THREADS, 0, stream, t)) {
        return bad;
    }
    if (ls_status bad = LS_LAUNCH(recurrence_gradients<N>, grid_of(t), THREADS, 0, stream, t)) {
        return bad;
    }
    if (t.das) {
        if (ls_status bad = add_column_sums(t.das, layout.chunks, layout.width, Neighbours<float>{t.p.da}, stream)) {
            return bad;
        }
    }
    return t.dbs ? add_column_sums(t.dbs, layout.chunks, layout.width, Neighbours<float>{t.p.db}, stream) : LS_OK;
}

} // namespace

} // namespace ls::cuda::recurrence

using namespace ls::cuda;

int64_t ls_cuda_recurrence_backward_scratch(const ls_cuda_recurrence_params *params) {
    return recurrence::Layout(*params).bytes();
}

ls_status ls_cuda_recurrence_backward(const ls_cuda_recurrence_params *params, void *stream) {
    LS_NEEDS(recurrence::valid(*params));
    return recurrence::in_field(*params, [&](const auto &task) { return recurrence::backward(task, stream); });
}
