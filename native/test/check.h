#pragma once

#include "guarded.h"

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
