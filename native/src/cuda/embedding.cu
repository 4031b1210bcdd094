#include "ids.h"
#include "lanes.h"

namespace ls::cuda {

namespace {

constexpr int THREADS = 256, ROWS = THREADS / WARP;

template <class T> struct Gather {
    const T *table;
    int64_t table_row, vocabulary;
    Ids ids;
    float scale;
    T *y;
    int64_t y_row, n, d;
    bool wide;
};

/* A warp takes a row. */
template <class T> LS_KERNEL(THREADS) gather(Gather<T> p) {
    constexpr int W = WIDTH<T>;
    int64_t i = (int64_t)block_x() * ROWS + warp();
    if (i >= p.n) {
        return;
    }
    int64_t id = p.ids[i];
    bool there = id >= 0 && id < p.vocabulary;
    const T *from = p.table + (there ? id * p.table_row : 0);
    T *to = p.y + i * p.y_row;
    auto scaled = [&](float v) { return there ? v * p.scale : NAN; };
    int64_t chunks = p.wide && there ? p.d / W : 0;
    for (int64_t j = lane(); j < chunks; j += WARP) {
        store<W>(to + j * W, each<W>(scaled, load<W>(from + j * W)));
    }
    for (int64_t j = chunks * W + lane(); j < p.d; j += WARP) {
        put(to[j], there ? value(from[j]) * p.scale : NAN);
    }
}

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_embedding(const void *table, int64_t table_row, int64_t vocabulary, const void *ids, int32_t wide,
                            float scale, void *y, int64_t y_row, int64_t n, int64_t d, int32_t half, void *stream) {
    LS_NEEDS(n >= 0 && d >= 0 && vocabulary >= 0);
    return typed(half, [&](auto t) {
        using T = decltype(t);
        bool aligned_rows = aligned(table, y) && table_row % WIDTH<T> == 0 && y_row % WIDTH<T> == 0;
        Gather<T> p{static_cast<const T *>(table),
                    table_row,
                    vocabulary,
                    Ids{ids, wide},
                    scale,
                    static_cast<T *>(y),
                    y_row,
                    n,
                    d,
                    aligned_rows};
        return launch("embedding", gather<T>, Grid{(n + ROWS - 1) / ROWS}, THREADS, 0, stream, p);
    });
}
