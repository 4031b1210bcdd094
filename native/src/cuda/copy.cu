#include "convert.h"
#include "sweep.h"

#include <algorithm>

/* Copies of any strides: dimensions that lie side by side in both tensors are one, and the writer's nearest one is the
 * innermost. */
namespace ls::cuda {

namespace {

constexpr int THREADS = 256, MOST_RANK = 6;
constexpr int64_t BLOCKS = 8192;
constexpr int BYTES[] = {4, 8, 2, 4, 8, 2, 1, 1};

struct Layout {
    int rank;
    int64_t n, shape[MOST_RANK], from[MOST_RANK], to[MOST_RANK];
};

struct Places {
    int64_t from, to;
};

/* Divides by 32 bits where that is enough: it is several times faster. */
LS_DEVICE int64_t quotient(int64_t a, int64_t b) {
    return ((uint64_t)a | (uint64_t)b) >> 32 == 0 ? (uint32_t)a / (uint32_t)b : a / b;
}

LS_DEVICE Places places_of(const Layout &layout, int64_t i) {
    Places at{0, 0};
    LS_UNROLL
    for (int dim = MOST_RANK - 1; dim >= 0; dim--) {
        if (dim < layout.rank) {
            int64_t above = dim > 0 ? quotient(i, layout.shape[dim]) : 0, coordinate = i - above * layout.shape[dim];
            at.from += coordinate * layout.from[dim];
            at.to += coordinate * layout.to[dim];
            i = above;
        }
    }
    return at;
}

template <class Unit> LS_KERNEL(THREADS) copy_units(Layout layout, const Unit *from, Unit *to) {
    int64_t stride = (int64_t)blocks_x() * THREADS;
    for (int64_t i = (int64_t)block_x() * THREADS + thread_index(); i < layout.n; i += stride) {
        Places at = places_of(layout, i);
        to[at.to] = from[at.from];
    }
}

LS_KERNEL(THREADS) copy_converted(Layout layout, const void *from, int32_t from_type, void *to, int32_t to_type) {
    int64_t stride = (int64_t)blocks_x() * THREADS;
    for (int64_t i = (int64_t)block_x() * THREADS + thread_index(); i < layout.n; i += stride) {
        Places at = places_of(layout, i);
        convert(from, from_type, at.from, to, to_type, at.to);
    }
}

Layout merged(const ls_cuda_copy_params &p) {
    struct Dimension {
        int64_t shape, from, to;
    } dims[MOST_RANK];
    int rank = 0;
    Layout layout{0, 1, {}, {}, {}};
    for (int i = 0; i < p.rank; i++) {
        layout.n *= p.shape[i];
        if (p.shape[i] != 1) {
            dims[rank++] = {p.shape[i], p.from_stride[i], p.to_stride[i]};
        }
    }
    std::stable_sort(dims, dims + rank, [](const Dimension &a, const Dimension &b) { return a.to > b.to; });
    for (int i = 0; i < rank; i++) {
        int last = layout.rank - 1;
        if (last >= 0 && layout.from[last] == dims[i].from * dims[i].shape &&
            layout.to[last] == dims[i].to * dims[i].shape) {
            layout.shape[last] *= dims[i].shape;
            layout.from[last] = dims[i].from;
            layout.to[last] = dims[i].to;
        } else {
            layout.shape[layout.rank] = dims[i].shape;
            layout.from[layout.rank] = dims[i].from;
            layout.to[layout.rank++] = dims[i].to;
        }
    }
    return layout;
}

/* In units of 16 bytes, where all rows allow it. */
bool widen(Layout &layout, int bytes, const void *from, const void *to) {
    int last = layout.rank - 1, width = 16 / bytes;
    if (last < 0 || layout.from[last] != 1 || layout.to[last] != 1 || layout.shape[last] % width != 0 ||
        !aligned(from, to)) {
        return false;
    }
    for (int i = 0; i < last; i++) {
        if (layout.from[i] % width != 0 || layout.to[i] % width != 0) {
            return false;
        }
    }
    for (int i = 0; i < last; i++) {
        layout.from[i] /= width;
        layout.to[i] /= width;
    }
    layout.shape[last] /= width;
    layout.n /= width;
    return true;
}

Grid grid_of(int64_t n) { return {std::min((n + THREADS - 1) / THREADS, BLOCKS)}; }

template <class Unit> ls_status units(const Layout &layout, const ls_cuda_copy_params &p, void *stream) {
    return launch("copy", copy_units<Unit>, grid_of(layout.n), THREADS, 0, stream, layout,
                  static_cast<const Unit *>(p.from), static_cast<Unit *>(p.to));
}

bool type(int32_t t) { return t >= LS_F32 && t <= LS_U8; }

struct Zero {
    using Element = uint8_t;
    uint8_t *to;

    template <int W> LS_DEVICE void run(int64_t i) const {
        if constexpr (W == 1) {
            to[i] = 0;
        } else {
            *reinterpret_cast<Chunk *>(to + i) = Chunk{};
        }
    }
};

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_copy(const ls_cuda_copy_params *p, void *stream) {
    LS_NEEDS(p->size == sizeof *p && p->rank >= 0 && p->rank <= MOST_RANK && type(p->from_type) && type(p->to_type));
    for (int i = 0; i < p->rank; i++) {
        LS_NEEDS(p->shape[i] >= 0);
    }
    Layout layout = merged(*p);
    if (layout.n == 0) {
        return LS_OK;
    }
    LS_NEEDS(p->from && p->to);
    int bytes = BYTES[p->from_type];
    if (p->from_type != p->to_type) {
        return LS_LAUNCH(copy_converted, grid_of(layout.n), THREADS, 0, stream, layout, p->from, p->from_type, p->to,
                         p->to_type);
    }
    if (widen(layout, bytes, p->from, p->to)) {
        return units<Chunk>(layout, *p, stream);
    }
    switch (bytes) {
    case 1: return units<uint8_t>(layout, *p, stream);
    case 2: return units<uint16_t>(layout, *p, stream);
    case 4: return units<uint32_t>(layout, *p, stream);
    default: return units<uint64_t>(layout, *p, stream);
    }
}

ls_status ls_cuda_zero(void *to, int64_t bytes, void *stream) {
    LS_NEEDS(bytes >= 0);
    return sweep("zero", Zero{static_cast<uint8_t *>(to)}, bytes, aligned(to), stream);
}
