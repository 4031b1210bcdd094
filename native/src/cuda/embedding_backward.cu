#include "ids.h"
#include "sort.h"

/*
 * Places sorted by id, so that each row of the table has its gradients side by side and in order. Blocks sum pieces of
 * 64 places: what lies within one goes to the table, the ends of longer runs to scratch, and a second kernel adds those
 * up piece after piece.
 */
namespace ls::cuda {

namespace {

constexpr int THREADS = 128, PIECE = 64, AHEAD = 8;

struct Scatter {
    const int32_t *keys, *places;
    const float *dy;
    int64_t dy_row;
    float *d_table;
    int64_t table_row, vocabulary, n, d;
    float scale;
    float *heads, *tails; /* of each piece: the end of a run from before it, and the start of one that goes on */

    LS_DEVICE bool goes_on(int64_t place) const { return place > 0 && place < n && keys[place - 1] == keys[place]; }
};

LS_KERNEL(THREADS) take_ids(Ids ids, int64_t n, int64_t vocabulary, int32_t *keys, int32_t *places) {
    int64_t i = (int64_t)block_x() * THREADS + thread_index();
    if (i >= n) {
        return;
    }
    int64_t id = ids[i];
    keys[i] = (int32_t)(id >= 0 && id < vocabulary ? id : vocabulary);
    places[i] = (int32_t)i;
}

LS_KERNEL_OF(THREADS, 8) sum_pieces(Scatter p) {
    int32_t *keys = shared_memory<int32_t>(), *places = keys + PIECE;
    int64_t piece = block_x(), from = piece * PIECE;
    int count = (int)(p.n - from < PIECE ? p.n - from : PIECE);
    for (int t = thread_index(); t < count; t += THREADS) {
        keys[t] = p.keys[from + t];
        places[t] = p.places[from + t];
    }
    barrier();
    bool from_before = p.goes_on(from), beyond = p.goes_on(from + count);
    for (int64_t j = (int64_t)block_y() * THREADS + thread_index(); j < p.d; j += (int64_t)MOST_YZ * THREADS) {
        float sum = 0;
        bool first = true;
        for (int t = 0; t < count; t += AHEAD) {
            float ahead[AHEAD];
            LS_UNROLL
            for (int i = 0; i < AHEAD; i++) {
                ahead[i] = t + i < count ? p.dy[places[t + i] * p.dy_row + j] : 0;
            }
            LS_UNROLL
            for (int i = 0; i < AHEAD; i++) {
                int at = t + i;
                if (at >= count) {
                    continue;
                }
                sum = fmaf(ahead[i], p.scale, sum);
                bool last = at + 1 == count;
                if (!last && keys[at + 1] == keys[at]) {
                    continue;
                }
                if (first && from_before) {
                    p.heads[piece * p.d + j] = sum;
                } else if (last && beyond) {
                    p.tails[piece * p.d + j] = sum;
                } else if (keys[at] < p.vocabulary) {
                    p.d_table[keys[at] * p.table_row + j] += sum;
                }
                first = false;
                sum = 0;
            }
        }
    }
}

/* The runs that start in a piece and end in a later one. */
LS_KERNEL(THREADS) join_pieces(Scatter p) {
    int64_t piece = block_x(), end = (piece + 1) * PIECE, last = end - 1;
    if (!p.goes_on(end) || p.keys[last] >= p.vocabulary) {
        return;
    }
    int32_t key = p.keys[last];
    if (p.keys[piece * PIECE] == key && p.goes_on(piece * PIECE)) {
        return;
    }
    for (int64_t j = (int64_t)block_y() * THREADS + thread_index(); j < p.d; j += (int64_t)MOST_YZ * THREADS) {
        float sum = p.tails[piece * p.d + j];
        for (int64_t next = piece + 1; next * PIECE < p.n && p.keys[next * PIECE] == key; next++) {
            sum += p.heads[next * p.d + j];
        }
        p.d_table[key * p.table_row + j] += sum;
    }
}

int64_t rounded(int64_t bytes) { return (bytes + 15) / 16 * 16; }

} // namespace

} // namespace ls::cuda

using namespace ls::cuda;

int64_t ls_cuda_embedding_backward_scratch(int64_t n, int64_t d) {
    int64_t pieces = (n + PIECE - 1) / PIECE;
    return 4 * rounded(n * 4) + rounded(sort_counts(n) * 4) + 2 * pieces * d * 4;
}

ls_status ls_cuda_embedding_backward(const void *ids, int32_t wide, float scale, const float *dy, int64_t dy_row,
                                     float *d_table, int64_t table_row, int64_t vocabulary, int64_t n, int64_t d,
                                     void *scratch, void *stream) {
    LS_NEEDS(n >= 0 && n < INT32_MAX && d >= 0 && vocabulary >= 0 && vocabulary < INT32_MAX);
    if (n == 0 || d == 0) {
        return LS_OK;
    }
    LS_NEEDS(ids && dy && d_table && scratch);
    char *at = static_cast<char *>(scratch);
    auto take = [&](int64_t bytes) {
        void *taken = at;
        at += rounded(bytes);
        return taken;
    };
    Sorted sorted{};
    for (int32_t **array : {&sorted.keys, &sorted.places, &sorted.other_keys, &sorted.other_places}) {
        *array = static_cast<int32_t *>(take(n * 4));
    }
    sorted.counts = static_cast<int32_t *>(take(sort_counts(n) * 4));
    ls_status status = LS_LAUNCH(take_ids, Grid{(n + THREADS - 1) / THREADS}, THREADS, 0, stream, Ids{ids, wide}, n,
                                 vocabulary, sorted.keys, sorted.places);
    if (status == LS_OK) {
        status = sort(sorted, n, vocabulary, stream);
    }
    int64_t pieces = (n + PIECE - 1) / PIECE, across = (d + THREADS - 1) / THREADS;
    float *heads = reinterpret_cast<float *>(at), *tails = heads + pieces * d;
    Scatter p{sorted.keys, sorted.places, dy, dy_row, d_table, table_row, vocabulary, n, d, scale, heads, tails};
    Grid grid{pieces, across < MOST_YZ ? across : MOST_YZ};
    if (status == LS_OK) {
        status = LS_LAUNCH(sum_pieces, grid, THREADS, 2 * PIECE * (int64_t)sizeof(int32_t), stream, p);
    }
    return status != LS_OK ? status : LS_LAUNCH(join_pieces, grid, THREADS, 0, stream, p);
}
