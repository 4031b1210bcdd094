#pragma once

#include "guarded.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

/* Repeatable numbers, most of them within ±2. */
class Numbers {
  public:
    explicit Numbers(uint64_t seed) : state_(seed * 2654435761u + 1) {}

    double next() {
        double sum = 0;
        for (int i = 0; i < 4; i++) {
            state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
            sum += (double)(state_ >> 40) / (1 << 24);
        }
        return (sum - 2) * 1.7;
    }

    template <class T> void fill(Guarded<T> &to) {
        for (int64_t i = 0; i < to.size(); i++) {
            to[i] = (T)next();
        }
    }

  private:
    uint64_t state_;
};

/* Rounding to the nearest bfloat16 moves a number by at most this share of it. */
constexpr double HALF_ROUNDING = 1.0 / 256;

/* Floats, stored as such or as bfloat16; either way `values` are what a kernel sees. */
class Operand {
  public:
    Operand(int64_t n, bool half, bool front) : values(n, front), halves_(half ? n : 0, front), half_(half) {}

    /* What a kernel takes, with the values written to it. */
    void *written() {
        for (int64_t i = 0; i < halves_.size(); i++) {
            uint32_t bits = std::bit_cast<uint32_t>(values[i]);
            halves_[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
        }
        read();
        return half_ ? static_cast<void *>(halves_.begin()) : values.begin();
    }

    /* After a kernel wrote to it. */
    void read() {
        for (int64_t i = 0; i < halves_.size(); i++) {
            values[i] = std::bit_cast<float>((uint32_t)halves_[i] << 16);
        }
    }

    Guarded<float> values;

  private:
    Guarded<uint16_t> halves_;
    bool half_;
};

/* Exits with a message unless |actual − expected| ≤ bound. */
inline void close_to(const char *what, int64_t i, double actual, double expected, double bound) {
    if (!(std::fabs(actual - expected) <= bound)) {
        std::fprintf(stderr, "%s: element %lld is %.9g, expected %.9g within %.3g\n", what, (long long)i, actual, expected,
                     bound);
        std::exit(1);
    }
}

inline void require(bool condition, const char *what) {
    if (!condition) {
        std::fprintf(stderr, "%s\n", what);
        std::exit(1);
    }
}
