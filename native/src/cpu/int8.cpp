#include "kernels.h"
#include "simd.h"

#include <cmath>

/*
 * Products with weights of eight bits, for decode, where reading the weights is what takes time. A row of weights and a row of
 * inputs have one scale each, 127 for the largest magnitude; sums of integers are exact, so every tier has the same bits.
 */
namespace ls::LS_TIER {

namespace {

/* Bytes of a step; packed rows are padded with zeros to a multiple of it. */
constexpr int64_t STEP = 64;
/* Rows of weights at once: independent chains. */
constexpr int ROWS_AT_ONCE = 4;
/* VNNI multiplies unsigned by signed bytes: inputs are stored about this. */
constexpr int32_t MIDDLE = 128;

/* Largest magnitude / 127; to[k] = round(x[k] / scale) + offset, ties to even, and the offset behind the last one. NaN where
 * not all are finite. */
template <class T, class Byte> float quantize(const T *x, int64_t n, int32_t offset, Byte *to) {
    float most = 0;
    bool finite = true;
    for (int64_t k = 0; k < n; k++) {
        float size = std::fabs(value(x[k]));
        most = size > most ? size : most;
        finite &= std::isfinite(size);
    }
    /* Of numbers as small as subnormal ones the inverse would be infinite. */
    float inverse = finite && most > 1e-30f ? 127 / most : 0;
    for (int64_t k = 0; k < round_up(n, STEP); k++) {
        to[k] = (Byte)(offset + (k < n && inverse > 0 ? (int32_t)std::nearbyint(value(x[k]) * inverse) : 0));
    }
    return finite ? most / 127 : __builtin_nanf("");
}

/* sums[r] = Σ x · row r of w, rows `bytes` apart. */
void dots(const uint8_t *x, const int8_t *w, int64_t bytes, int rows, int32_t *sums) {
    for (int r = 0; r < rows; r++) {
        int32_t sum = 0;
        for (int64_t k = 0; k < bytes; k++) {
            sum += (int32_t)x[k] * w[r * bytes + k];
        }
        sums[r] = sum;
    }
}

#if defined(__AVX512F__)
/* Four products of bytes a lane and instruction, added up without saturation. */
__attribute__((target("avx512vnni"))) void dots_vnni(const uint8_t *x, const int8_t *w, int64_t bytes, int rows, int32_t *sums) {
    if (rows < ROWS_AT_ONCE) {
        dots(x, w, bytes, rows, sums);
        return;
    }
    __m512i s[ROWS_AT_ONCE] = {};
    for (int64_t k = 0; k < bytes; k += STEP) {
        __m512i input = _mm512_loadu_si512(x + k);
#pragma GCC unroll 4
        for (int r = 0; r < ROWS_AT_ONCE; r++) {
            s[r] = _mm512_dpbusd_epi32(s[r], input, _mm512_loadu_si512(w + r * bytes + k));
        }
    }
    for (int r = 0; r < ROWS_AT_ONCE; r++) {
        int32_t lanes[W];
        std::memcpy(lanes, &s[r], sizeof lanes);
        sums[r] = 0;
        for (int32_t lane : lanes) {
            sums[r] += lane;
        }
    }
}

bool has_vnni() {
    static const bool has = __builtin_cpu_supports("avx512vnni");
    return has;
}
#else
constexpr bool has_vnni() { return false; }
constexpr auto dots_vnni = dots;
#endif

} // namespace

int64_t int8_row(int64_t depth) { return round_up(depth, STEP); }

ls_status int8_weights(const void *from, int32_t half, int64_t row, int64_t rows, int64_t depth, int8_t *packed, float *scales,
                       int32_t *sums) {
    visit(from, half, [&](auto *w) {
        for (int64_t r = 0; r < rows; r++) {
            int8_t *to = packed + r * int8_row(depth);
            scales[r] = quantize(w + r * row, depth, 0, to);
            sums[r] = 0;
            for (int64_t k = 0; k < depth; k++) {
                sums[r] += to[k];
            }
        }
    });
    return LS_OK;
}

ls_status int8_inputs(const float *x, int64_t depth, uint8_t *packed, float *scale) {
    *scale = quantize(x, depth, MIDDLE, packed);
    return LS_OK;
}

ls_status int8_product(const uint8_t *x, float x_scale, const int8_t *w, const float *scales, const int32_t *sums,
                       const float *bias, float *y, int64_t rows, int64_t depth) {
    int64_t bytes = int8_row(depth);
    auto *dot = has_vnni() ? dots_vnni : dots;
    for (int64_t r = 0; r < rows; r += ROWS_AT_ONCE) {
        int count = rows - r < ROWS_AT_ONCE ? (int)(rows - r) : ROWS_AT_ONCE;
        int32_t products[ROWS_AT_ONCE];
        dot(x, w + r * bytes, bytes, count, products);
        for (int i = 0; i < count; i++) {
            y[r + i] = (float)(products[i] - MIDDLE * sums[r + i]) * (x_scale * scales[r + i]) + (bias ? bias[r + i] : 0);
        }
    }
    return LS_OK;
}

} // namespace ls::LS_TIER
