#pragma once

/*
 * The emulator's part of device_hopper.h, after the PTX ISA 9.0. What comes late comes as late as it may, and is NaN until then: a
 * tile's bytes when someone waits for them, sums when their group is waited for. Operands are read when a product begins and again
 * when it ends: if they differ, someone wrote to them too early. A product also ends the launch where no begin_products came before
 * it, where it reads what a thread wrote and did not share, where its descriptor is none of panels, and where a group's warps do not
 * take part alike. Not emulated: registers of setmaxnreg, time.
 */

#define LS_CONSTANT const

namespace ls::cuda {

struct TensorMap {
    Tiles tiles;
};

struct Arrivals;

namespace emulator {

ls_status encode(TensorMap &map, const Tiles &tiles);
void begin_arrivals(const Arrivals *at, int arrivals);
/* Of one thread and so many bytes. */
void arrive(const Arrivals *at, int bytes);
void wait_arrivals(const Arrivals *at, int phase);
void load_tile(void *to, const TensorMap &map, const Arrivals *at, const int (&corner)[Tiles::RANK]);
void arrive_at_barrier(int id, int count, bool waits);
void share_writes();
void begin_products();
void multiply(float (*sums)[4], int columns, const uint32_t *a, uint64_t a_at, uint64_t b_at, bool add);
void commit_products();
void wait_for_products(int groups);

} // namespace emulator

inline int capability() { return 90; }
inline ls_status map_tiles(TensorMap &map, const Tiles &tiles) { return emulator::encode(map, tiles); }

/* An address in shared memory has 18 bits. */
LS_DEVICE uint32_t shared_address(const void *p) { return (uint32_t)(reinterpret_cast<uintptr_t>(p) & 0x3ffff); }

struct Arrivals {
    uint64_t state;

    void begin(int arrivals) { emulator::begin_arrivals(this, arrivals); }
    void arrive() { emulator::arrive(this, 0); }
    void expect(int bytes) { emulator::arrive(this, bytes); }
    void wait(int phase) { emulator::wait_arrivals(this, phase); }
};

LS_DEVICE void share_arrivals() {}
LS_DEVICE void share_writes() { emulator::share_writes(); }

LS_DEVICE void store_zeros(void *to) {
    std::memset(to, 0, 16);
    emulator::note_write(to, 16);
}

LS_DEVICE void prefetch(const TensorMap &) {}

LS_DEVICE void load_tile(void *to, const TensorMap &map, Arrivals &at, int c0, int c1, int c2, int c3, int c4) {
    emulator::load_tile(to, map, &at, {c0, c1, c2, c3, c4});
}

LS_DEVICE void barrier_of(int id, int count) { emulator::arrive_at_barrier(id, count, true); }
LS_DEVICE void arrive_at(int id, int count) { emulator::arrive_at_barrier(id, count, false); }

template <int EACH> LS_DEVICE void keep_registers() { static_assert(EACH % 8 == 0 && EACH >= 24 && EACH <= 256); }
template <int EACH> LS_DEVICE void take_registers() { static_assert(EACH % 8 == 0 && EACH >= 24 && EACH <= 256); }

LS_DEVICE void begin_products() { emulator::begin_products(); }
LS_DEVICE void commit_products() { emulator::commit_products(); }
template <int GROUPS> LS_DEVICE void wait_for_products() { emulator::wait_for_products(GROUPS); }
template <class T, int N> LS_DEVICE void settle(T (&)[N][4]) {}

LS_DEVICE void multiply_rows(float (&c)[16][4], uint64_t a, uint64_t b, bool add) {
    emulator::multiply(c, 128, nullptr, a, b, add);
}

template <int N> LS_DEVICE void multiply_columns(float (&c)[N][4], const uint32_t (&a)[4], uint64_t b) {
    emulator::multiply(c, N * 8, a, 0, b, true);
}

} // namespace ls::cuda
