#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

/*
 * A device of one block at a time on the host, for tests. Threads are fibers that run until their next collective; shared memory
 * begins as NaN, asynchronous copies happen when they are waited for and not before, and what would hang or be undefined (lanes in
 * different collectives, rows of matrices that are not aligned) ends the launch with an error. LONGSPAN_EMULATOR_ORDER=backward runs threads
 * from the last to the first, so that a missing barrier shows in one order or the other. Launches are done when they return.
 */

#define LS_DEVICE inline
#define LS_KERNEL(threads) inline void
#define LS_KERNEL_OF(threads, blocks) inline void
#define LS_UNROLL
#define LS_ROLLED

namespace ls::cuda {

namespace emulator {

struct Index {
    int thread, threads, block_x, block_y, block_z, blocks_x;
};

/* Of the fiber that runs. */
extern thread_local Index here;
extern thread_local void *shared;
extern thread_local int64_t shared_bytes;
/* Whether anything asks what threads wrote to shared memory. */
extern thread_local bool tracks_writes;

enum class Collective {
    NONE, BARRIER, WARP_BARRIER, SHUFFLE, VOTE, LOAD_MATRICES, LOAD_TRANSPOSED, MMA_BF16, MMA_TF32, WORK, EVENT
};

/* What a warp does together: lanes' arguments. */
using Work = void(void *const (&lanes)[32]);

/* What a lane gives to a collective of its warp, and what it gets. */
struct Exchange {
    float c[4];
    uint32_t a[4], b[2];
    uint64_t word;
    int from;
    const void *row;
    Work *work;
    void *argument;
};

/* Blocks until all lanes of the warp (all threads of the block for BARRIER) are at the same collective. */
void meet(Collective kind, Exchange *mine);
/* Blocks until all lanes of the warp are here, and the last has done the work. */
void meet(Work *work, void *mine);
/* Blocks until `there` holds, which is asked again after each wake(). */
void wait_until(const std::function<bool()> &there);
void wake();
/* The same, and one that waited goes on at once: the earliest that what it does can happen. */
void hand_over();
void copy_later(void *to, const void *from, bool there, int bytes);
void commit();
void wait(int groups);
/* A thread's write to shared memory; emulator_hopper.cpp. */
void note_write(const void *to, int bytes);
/* Of emulator_hopper.h's state; the end gives a fault or NULL. */
void begin_block();
const char *end_block();
/* Ends the launch with an error. */
[[noreturn]] void fault(const char *what);

/* Runs one block after the other; returns the fault's text or NULL. */
const char *run(int64_t x, int64_t y, int64_t z, int threads, int64_t shared_bytes, const std::function<void()> &body);
/* The driver's: does a kernel's work now, or leaves it to the graph that the stream is captured into. */
const char *run_on(void *stream, const char *kernel, std::function<const char *()> work);

} // namespace emulator

LS_DEVICE int thread_index() { return emulator::here.thread; }
LS_DEVICE int threads() { return emulator::here.threads; }
LS_DEVICE int block_x() { return emulator::here.block_x; }
LS_DEVICE int block_y() { return emulator::here.block_y; }
LS_DEVICE int block_z() { return emulator::here.block_z; }
LS_DEVICE int blocks_x() { return emulator::here.blocks_x; }

template <class T> LS_DEVICE T *shared_memory() { return static_cast<T *>(emulator::shared); }

LS_DEVICE void barrier() { emulator::meet(emulator::Collective::BARRIER, nullptr); }
LS_DEVICE void warp_barrier() { emulator::meet(emulator::Collective::WARP_BARRIER, nullptr); }

template <class T> LS_DEVICE T shuffle(T v, int from) {
    static_assert(sizeof(T) <= 8);
    emulator::Exchange mine{};
    std::memcpy(&mine.word, &v, sizeof(T));
    mine.from = from;
    emulator::meet(emulator::Collective::SHUFFLE, &mine);
    std::memcpy(&v, &mine.word, sizeof(T));
    return v;
}

template <class T> LS_DEVICE T shuffle_xor(T v, int mask) { return shuffle(v, thread_index() % 32 ^ mask); }

template <class T> LS_DEVICE T shuffle_up(T v, int by) {
    int lane = thread_index() % 32;
    return shuffle(v, lane >= by ? lane - by : lane);
}

template <class T> LS_DEVICE T shuffle_down(T v, int by) {
    int lane = thread_index() % 32;
    return shuffle(v, lane + by < 32 ? lane + by : lane);
}

/* One bit a lane. */
LS_DEVICE uint32_t warp_votes(bool v) {
    emulator::Exchange mine{};
    mine.word = v;
    emulator::meet(emulator::Collective::VOTE, &mine);
    return (uint32_t)mine.word;
}

LS_DEVICE int bit_count(uint32_t bits) { return __builtin_popcount(bits); }
LS_DEVICE bool warp_any(bool v) { return warp_votes(v) != 0; }
LS_DEVICE bool warp_all(bool v) { return warp_votes(v) == 0xffffffffu; }

LS_DEVICE void load_matrices(uint32_t (&r)[4], const void *row) {
    emulator::Exchange mine{};
    mine.row = row;
    emulator::meet(emulator::Collective::LOAD_MATRICES, &mine);
    std::memcpy(r, mine.a, sizeof r);
}

LS_DEVICE void load_matrices_transposed(uint32_t (&r)[4], const void *row) {
    emulator::Exchange mine{};
    mine.row = row;
    emulator::meet(emulator::Collective::LOAD_TRANSPOSED, &mine);
    std::memcpy(r, mine.a, sizeof r);
}

LS_DEVICE void mma(emulator::Collective kind, float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    emulator::Exchange mine{};
    std::memcpy(mine.c, c, sizeof c);
    std::memcpy(mine.a, a, sizeof a);
    std::memcpy(mine.b, b, sizeof b);
    emulator::meet(kind, &mine);
    std::memcpy(c, mine.c, sizeof c);
}

LS_DEVICE void mma_bf16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    mma(emulator::Collective::MMA_BF16, c, a, b);
}

LS_DEVICE void mma_tf32(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    mma(emulator::Collective::MMA_TF32, c, a, b);
}

LS_DEVICE void copy_async(void *to, const void *from, bool there) { emulator::copy_later(to, from, there, 16); }
LS_DEVICE void copy_async_word(void *to, const void *from, bool there) { emulator::copy_later(to, from, there, 4); }
LS_DEVICE void commit_copies() { emulator::commit(); }
template <int GROUPS> LS_DEVICE void wait_for_copies() { emulator::wait(GROUPS); }

LS_DEVICE float exp2_fast(float x) {
    float y = exp2f(x);
    return y < 0x1p-126f ? 0 : y;
}

LS_DEVICE uint32_t bits_of(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return bits;
}

LS_DEVICE float float_of(uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, 4);
    return x;
}

LS_DEVICE uint32_t bf16_bits(float x) {
    uint32_t bits = bits_of(x);
    return std::isnan(x) ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

LS_DEVICE uint32_t pack_bf16(float low, float high) { return bf16_bits(high) << 16 | bf16_bits(low); }

LS_DEVICE float rsqrtf(float x) { return 1 / sqrtf(x); }
LS_DEVICE double rsqrt(double x) { return 1 / sqrt(x); }

template <class... P, class... A>
ls_status launch(const char *name, void (*kernel)(P...), Grid grid, int threads, int64_t shared_bytes, void *stream,
                 A... arguments) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) {
        return LS_OK;
    }
    if (ls_status bad = launch_checked(name, grid, threads, shared_bytes)) {
        return bad;
    }
    const char *fault = emulator::run_on(stream, name, [=] {
        return emulator::run(grid.x, grid.y, grid.z, threads, shared_bytes, [&] { kernel(static_cast<P>(arguments)...); });
    });
    return fault ? fail(LS_CUDA_FAULT, "%s: %s", name, fault) : LS_OK;
}

} // namespace ls::cuda
