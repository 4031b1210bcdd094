#include "device_hopper.h"

#include <map>
#include <vector>

namespace ls::cuda::emulator {

namespace {

struct Counter {
    int expected, pending;
    int64_t bytes;
    int phase;
};

struct Transfer {
    const Arrivals *at;
    unsigned char *to;
    Tiles tiles;
    int corner[Tiles::RANK];

    int64_t bytes() const { return (int64_t)tiles.box[0] * tiles.box[2] * 2; }
};

struct Barrier {
    int arrived = 0, generation = 0;
};

struct Write {
    uintptr_t first, end;
};

/* What a product read, to be read again. */
struct Reading {
    int group, columns;
    uint64_t a_at, b_at;
    const uint32_t *a[32];
    std::vector<uint16_t> seen;
};

/* Sums of a warp that no thread may see yet. */
struct Sums {
    int group, columns;
    float (*at[32])[4];
    std::vector<float> values; /* [16][columns] */
};

struct Warp {
    std::vector<Reading> readings;
    std::vector<Sums> sums;
    int group = 0, products = 0;
};

/* Of the block that runs on this thread of the host. */
struct State {
    std::map<const Arrivals *, Counter> counters;
    std::vector<Transfer> transfers;
    Barrier barriers[16];
    std::map<int, std::vector<Write>> unshared; /* by thread */
    std::map<int, Warp> warps;
    std::map<int, bool> begun; /* by thread */
};

thread_local State state;

Counter &counter(const Arrivals *at) {
    auto found = state.counters.find(at);
    if (found == state.counters.end()) {
        fault("a barrier in shared memory that has not begun");
    }
    return found->second;
}

/* Whether a phase is over, and the next has begun. */
bool turned(Counter &c) {
    bool over = c.pending == 0 && c.bytes == 0;
    if (over) {
        c.phase ^= 1;
        c.pending = c.expected;
    }
    return over;
}

/* Swizzled by 128 bytes: bits 4 to 6 of an address are xored with bits 7 to 9. */
unsigned char *swizzled(unsigned char *at) {
    auto bits = reinterpret_cast<uintptr_t>(at);
    return reinterpret_cast<unsigned char *>(bits ^ (bits >> 7 & 7) << 4);
}

void deliver(const Transfer &t) {
    for (int row = 0; row < t.tiles.box[2]; row++) {
        for (int col = 0; col < t.tiles.box[0]; col++) {
            const int at[] = {t.corner[0] + col, t.corner[1], t.corner[2] + row, t.corner[3], t.corner[4]};
            bool there = true;
            int64_t offset = 0;
            for (int i = 0; i < Tiles::RANK; i++) {
                there &= at[i] >= 0 && at[i] < t.tiles.sizes[i];
                offset += at[i] * t.tiles.strides[i];
            }
            uint16_t element = 0;
            if (there) {
                std::memcpy(&element, static_cast<const unsigned char *>(t.tiles.first) + offset, 2);
            }
            std::memcpy(swizzled(t.to + (row * t.tiles.box[0] + col) * 2), &element, 2);
        }
    }
}

unsigned char *host(uint32_t address, int64_t bytes) {
    auto *first = static_cast<unsigned char *>(shared);
    int64_t offset = (address - shared_address(first)) & 0x3ffff;
    if (offset + bytes > shared_bytes) {
        fault("a product reads beyond shared memory");
    }
    return first + offset;
}

/* What a descriptor says: PTX ISA 9.0, "Matrix Descriptor Format" and "Strides" of wgmma. */
struct Descriptor {
    uint32_t start;
    int64_t leading, stride;

    explicit Descriptor(uint64_t bits)
        : start((uint32_t)(bits & 0x3fff) << 4), leading((int64_t)(bits >> 16 & 0x3fff) << 4),
          stride((int64_t)(bits >> 32 & 0x3fff) << 4) {
        if (bits >> 62 != 1 || (bits >> 49 & 7) != 0 || (start & 0x380) != 0) {
            fault("a descriptor is not of panels swizzled by 128 bytes");
        }
    }

    /* Depth runs within rows of 128 bytes; eight rows to the next by `stride`. */
    int64_t by_rows(int row, int depth) const { return row / 8 * stride + row % 8 * 128 + depth * 2; }

    /* Columns run within rows of 128 bytes, 64 of them to the next by `leading`; eight depths to the next by `stride`. */
    int64_t by_columns(int column, int depth) const {
        return column / 64 * leading + depth / 8 * stride + depth % 8 * 128 + column % 64 * 2;
    }
};

void read(std::vector<uint16_t> &to, uint64_t bits, int first, int count, bool columns) {
    Descriptor d(bits);
    for (int i = first; i < first + count; i++) {
        for (int k = 0; k < 16; k++) {
            int64_t offset = columns ? d.by_columns(i, k) : d.by_rows(i, k);
            uint16_t element;
            std::memcpy(&element, swizzled(host(d.start, offset + 2) + offset), 2);
            to.push_back(element);
        }
    }
}

/* Left operand [16][16] of the warp, then the right one [columns][16]. */
std::vector<uint16_t> read(const Reading &r) {
    std::vector<uint16_t> seen;
    seen.reserve((size_t)(16 + r.columns) * 16);
    if (r.a[0]) {
        seen.resize(16 * 16);
        for (int l = 0; l < 32; l++) {
            for (int i = 0; i < 4; i++) {
                uint16_t *pair = &seen[(size_t)((l / 4 + i % 2 * 8) * 16 + l % 4 * 2 + i / 2 * 8)];
                pair[0] = (uint16_t)r.a[l][i];
                pair[1] = (uint16_t)(r.a[l][i] >> 16);
            }
        }
    } else {
        read(seen, r.a_at, here.thread % GROUP / 32 * 16, 16, false);
    }
    read(seen, r.b_at, 0, r.columns, r.a[0] != nullptr);
    return seen;
}

float value_of(uint16_t bits) { return float_of((uint32_t)bits << 16); }

template <class Each> void each_sum(const Sums &s, Each each) {
    for (int l = 0; l < 32; l++) {
        for (int n = 0; n < s.columns / 8; n++) {
            for (int i = 0; i < 4; i++) {
                each(s.at[l][n][i], (l / 4 + i / 2 * 8) * s.columns + n * 8 + l % 4 * 2 + i % 2);
            }
        }
    }
}

Sums &sums_of(Warp &warp, float (*const (&at)[32])[4], int columns, bool add) {
    for (Sums &s : warp.sums) {
        if (s.at[0] == at[0]) {
            if (s.columns != columns) {
                fault("products of two shapes share sums");
            }
            if (!add) {
                fault("a product begins sums anew that are not done");
            }
            return s;
        }
    }
    Sums s{0, columns, {}, std::vector<float>((size_t)(16 * columns))};
    std::copy(std::begin(at), std::end(at), s.at);
    each_sum(s, [&](float &sum, int at) {
        s.values[(size_t)at] = add ? sum : 0;
        sum = NAN;
    });
    warp.sums.push_back(std::move(s));
    return warp.sums.back();
}

struct Product {
    float (*sums)[4];
    int columns, thread;
    const uint32_t *a;
    uint64_t a_at, b_at;
    bool add;
};

void check_shared(const unsigned char *first, const unsigned char *end) {
    for (const auto &[thread, writes] : state.unshared) {
        for (const Write &w : writes) {
            if (w.first < reinterpret_cast<uintptr_t>(end) && w.end > reinterpret_cast<uintptr_t>(first)) {
                fault("a product reads what a thread wrote and did not share");
            }
        }
    }
}

void multiply_warp(void *const (&lanes)[32]) {
    const Product &p = *static_cast<Product *>(lanes[0]);
    Reading reading{0, p.columns, p.a_at, p.b_at, {}, {}};
    float (*at[32])[4];
    for (int l = 0; l < 32; l++) {
        const Product &mine = *static_cast<Product *>(lanes[l]);
        if (mine.a_at != p.a_at || mine.b_at != p.b_at || mine.add != p.add || mine.columns != p.columns) {
            fault("lanes of a warp ask for different products");
        }
        if (!state.begun[mine.thread]) {
            fault("a product begins without begin_products()");
        }
        reading.a[l] = mine.a;
        at[l] = mine.sums;
    }
    if (!state.unshared.empty()) {
        if (!p.a) {
            check_shared(host(Descriptor(p.a_at).start, 0), host(Descriptor(p.a_at).start, 0) + 8192);
        }
        check_shared(host(Descriptor(p.b_at).start, 0), host(Descriptor(p.b_at).start, 0) + 2048);
    }
    Warp &warp = state.warps[p.thread / 32];
    warp.products++;
    reading.group = warp.group;
    reading.seen = read(reading);
    Sums &s = sums_of(warp, at, p.columns, p.add);
    s.group = warp.group;
    std::vector<float> right((size_t)(16 * p.columns)); /* [depth][column] */
    for (int i = 0; i < 16 * p.columns; i++) {
        right[(size_t)(i % 16 * p.columns + i / 16)] = value_of(reading.seen[(size_t)(256 + i)]);
    }
    for (int i = 0; i < 256; i++) {
        float left = value_of(reading.seen[(size_t)i]);
        float *to = &s.values[(size_t)(i / 16 * p.columns)];
        const float *with = &right[(size_t)(i % 16 * p.columns)];
        for (int n = 0; n < p.columns; n++) {
            to[n] += left * with[n];
        }
    }
    warp.readings.push_back(std::move(reading));
}

struct Wait {
    int thread, groups;
};

void finish_products(void *const (&lanes)[32]) {
    const Wait &w = *static_cast<Wait *>(lanes[0]);
    Warp &warp = state.warps[w.thread / 32];
    int done = warp.group - w.groups; /* groups before it */
    for (size_t i = 0; i < warp.readings.size(); i++) {
        const Reading &r = warp.readings[i];
        if (r.group < done && read(r) != r.seen) {
            fault("an operand of a product changed before it was done");
        }
    }
    for (const Sums &s : warp.sums) {
        if (s.group < done) {
            each_sum(s, [&](float &sum, int at) { sum = s.values[(size_t)at]; });
        }
    }
    std::erase_if(warp.readings, [&](const Reading &r) { return r.group < done; });
    std::erase_if(warp.sums, [&](const Sums &s) { return s.group < done; });
    for (int l = 0; l < 32; l++) {
        state.begun[static_cast<Wait *>(lanes[l])->thread] = false;
    }
}

void commit_warp(void *const (&lanes)[32]) { state.warps[*static_cast<int *>(lanes[0]) / 32].group++; }

} // namespace

void begin_block() {
    if (!state.counters.empty() || !state.warps.empty()) {
        state = State();
    }
    for (Barrier &b : state.barriers) {
        b = Barrier();
    }
    tracks_writes = false;
}

const char *end_block() {
    if (!state.transfers.empty()) {
        return "a block ended before its tiles arrived";
    }
    for (const Barrier &b : state.barriers) {
        if (b.arrived > 0) {
            return "a block ended with a barrier half full";
        }
    }
    for (const auto &[number, warp] : state.warps) {
        if (!warp.sums.empty()) {
            return "a block ended before its products";
        }
        if (warp.products != state.warps[number / 4 * 4].products) {
            return "warps of a group did not take part in the same products";
        }
    }
    return nullptr;
}

ls_status encode(TensorMap &map, const Tiles &tiles) {
    /* cuTensorMapEncodeTiled's conditions. */
    bool fits = reinterpret_cast<uintptr_t>(tiles.first) % 16 == 0 && tiles.box[0] * 2 <= 128;
    for (int i = 0; i < Tiles::RANK; i++) {
        fits &= tiles.sizes[i] > 0 && tiles.sizes[i] <= 1ll << 32 && tiles.box[i] > 0 && tiles.box[i] <= 256;
        fits &= i == 0 || (tiles.strides[i] > 0 && tiles.strides[i] % 16 == 0 && tiles.strides[i] < 1ll << 40);
    }
    /* What deliver() does. */
    fits &= tiles.strides[0] == 2 && tiles.box[0] * 2 == 128 && tiles.box[1] == 1 && tiles.box[3] == 1 && tiles.box[4] == 1;
    map.tiles = tiles;
    return fits ? LS_OK : fail(LS_CUDA_FAULT, "cuTensorMapEncodeTiled: error 1");
}

void begin_arrivals(const Arrivals *at, int arrivals) {
    state.counters[at] = {arrivals, arrivals, 0, 0};
    tracks_writes = true;
}

void arrive(const Arrivals *at, int bytes) {
    Counter &c = counter(at);
    if (c.pending == 0) {
        fault("more threads arrive than a barrier in shared memory counts");
    }
    c.pending--;
    c.bytes += bytes;
    if (turned(c)) {
        hand_over();
    }
}

void wait_arrivals(const Arrivals *at, int phase) {
    wait_until([=] {
        Counter &c = counter(at);
        if (c.phase == phase && c.pending == 0) {
            for (const Transfer &t : state.transfers) {
                if (t.at == at) {
                    deliver(t);
                    c.bytes -= t.bytes();
                }
            }
            std::erase_if(state.transfers, [=](const Transfer &t) { return t.at == at; });
            if (turned(c)) {
                wake();
            }
        }
        return c.phase != phase;
    });
}

void load_tile(void *to, const TensorMap &map, const Arrivals *at, const int (&corner)[Tiles::RANK]) {
    Transfer t{at, static_cast<unsigned char *>(to), map.tiles, {}};
    std::copy(std::begin(corner), std::end(corner), t.corner);
    counter(at);
    int64_t offset = t.to - static_cast<unsigned char *>(shared);
    if (reinterpret_cast<uintptr_t>(to) % PANEL_ALIGNMENT != 0 || offset < 0 || offset + t.bytes() > shared_bytes) {
        fault("a tile is not a panel of shared memory");
    }
    std::memset(to, 0xff, (size_t)t.bytes());
    state.transfers.push_back(t);
}

void arrive_at_barrier(int id, int count, bool waits) {
    if (id < 1 || id > 15 || count % 32 != 0) {
        fault("no such barrier");
    }
    Barrier &b = state.barriers[id];
    int generation = b.generation;
    if (++b.arrived == count) {
        b.arrived = 0;
        b.generation++;
        wake();
    } else if (waits) {
        wait_until([&b, generation] { return b.generation != generation; });
    }
}

void note_write(const void *to, int bytes) {
    if (tracks_writes) {
        auto first = reinterpret_cast<uintptr_t>(to);
        state.unshared[here.thread].push_back({first, first + (uintptr_t)bytes});
    }
}

void share_writes() { state.unshared.erase(here.thread); }

void begin_products() { state.begun[here.thread] = true; }

void multiply(float (*sums)[4], int columns, const uint32_t *a, uint64_t a_at, uint64_t b_at, bool add) {
    Product mine{sums, columns, here.thread, a, a_at, b_at, add};
    meet(multiply_warp, &mine);
}

void commit_products() {
    int thread = here.thread;
    meet(commit_warp, &thread);
}

void wait_for_products(int groups) {
    Wait mine{here.thread, groups};
    meet(finish_products, &mine);
}

} // namespace ls::cuda::emulator
