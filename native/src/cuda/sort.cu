#include "sort.h"

#include <utility>

/*
 * By digits of eight bits from the lowest: each warp counts the digits of its segment, one block sums the counts, and
 * each warp puts its elements where they belong. Lanes of the same digit find each other by votes: no atomics, so that
 * equal keys keep their order.
 */
namespace ls::cuda {

namespace {

constexpr int THREADS = 128, WARPS = THREADS / WARP, DIGITS = 256, SEGMENT = 1024;
constexpr int SCAN_THREADS = 1024;

int64_t segments_of(int64_t n) { return (n + SEGMENT - 1) / SEGMENT; }

/* The lanes that are there and have this lane's digit. */
LS_DEVICE uint32_t peers(bool there, int digit) {
    uint32_t same = warp_votes(there);
    LS_UNROLL
    for (int bit = 0; bit < 8; bit++) {
        bool set = digit >> bit & 1;
        uint32_t votes = warp_votes(set);
        same &= set ? votes : ~votes;
    }
    return same;
}

/* place(element, its rank) for the elements of a segment in order, where `next` counts each digit. */
template <class Place>
LS_DEVICE void walk(const int32_t *keys, int64_t n, int64_t segment, int shift, int32_t *next, Place place) {
    for (int64_t from = segment * SEGMENT; from < (segment + 1) * SEGMENT && from < n; from += WARP) {
        int64_t i = from + lane();
        bool there = i < n;
        int digit = there ? keys[i] >> shift & (DIGITS - 1) : 0;
        uint32_t same = peers(there, digit), before = same & ((1u << lane()) - 1);
        if (there) {
            place(i, next[digit] + bit_count(before));
        }
        warp_barrier();
        if (there && before == 0) {
            next[digit] += bit_count(same);
        }
        warp_barrier();
    }
}

LS_KERNEL(THREADS) count_digits(const int32_t *keys, int64_t n, int shift, int32_t *counts, int64_t segments) {
    int32_t *next = shared_memory<int32_t>() + warp() * DIGITS;
    int64_t segment = (int64_t)block_x() * WARPS + warp();
    for (int digit = lane(); digit < DIGITS; digit += WARP) {
        next[digit] = 0;
    }
    warp_barrier();
    walk(keys, n, segment, shift, next, [](int64_t, int32_t) {});
    for (int digit = lane(); digit < DIGITS && segment < segments; digit += WARP) {
        counts[digit * segments + segment] = next[digit];
    }
}

/* Each count becomes the sum of those before it. */
LS_KERNEL(SCAN_THREADS) scan_counts(int32_t *counts, int64_t n) {
    int32_t *sums = shared_memory<int32_t>();
    int64_t share = (n + SCAN_THREADS - 1) / SCAN_THREADS, from = thread_index() * share,
            end = from + share < n ? from + share : n;
    int32_t sum = 0;
    for (int64_t i = from; i < end; i++) {
        sum += counts[i];
    }
    int32_t before = sum;
    LS_UNROLL
    for (int by = 1; by < WARP; by *= 2) {
        int32_t other = shuffle_up(before, by);
        before += lane() >= by ? other : 0;
    }
    if (lane() == WARP - 1) {
        sums[warp()] = before;
    }
    barrier();
    before -= sum;
    for (int w = 0; w < warp(); w++) {
        before += sums[w];
    }
    for (int64_t i = from; i < end; i++) {
        int32_t count = counts[i];
        counts[i] = before;
        before += count;
    }
}

LS_KERNEL(THREADS) move(Sorted s, int64_t n, int shift, int64_t segments) {
    int32_t *next = shared_memory<int32_t>() + warp() * DIGITS;
    int64_t segment = (int64_t)block_x() * WARPS + warp();
    for (int digit = lane(); digit < DIGITS; digit += WARP) {
        next[digit] = segment < segments ? s.counts[digit * segments + segment] : 0;
    }
    warp_barrier();
    walk(s.keys, n, segment, shift, next, [&](int64_t i, int32_t rank) {
        s.other_keys[rank] = s.keys[i];
        s.other_places[rank] = s.places[i];
    });
}

} // namespace

int64_t sort_counts(int64_t n) { return segments_of(n) * DIGITS; }

ls_status sort(Sorted &s, int64_t n, int64_t largest, void *stream) {
    int64_t segments = segments_of(n);
    Grid grid{(segments + WARPS - 1) / WARPS};
    for (int shift = 0; shift < 32 && largest >> shift > 0; shift += 8) {
        constexpr int64_t SHARED = WARPS * DIGITS * sizeof(int32_t);
        ls_status status = LS_LAUNCH(count_digits, grid, THREADS, SHARED, stream, s.keys, n, shift, s.counts, segments);
        if (status == LS_OK) {
            status = LS_LAUNCH(scan_counts, Grid{1}, SCAN_THREADS, SCAN_THREADS / WARP * (int64_t)sizeof(int32_t),
                               stream, s.counts, segments * DIGITS);
        }
        if (status == LS_OK) {
            status = launch("sort_move", move, grid, THREADS, SHARED, stream, s, n, shift, segments);
        }
        if (status != LS_OK) {
            return status;
        }
        std::swap(s.keys, s.other_keys);
        std::swap(s.places, s.other_places);
    }
    return LS_OK;
}

} // namespace ls::cuda
