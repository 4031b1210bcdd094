#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

/*
 * A vector of floats for the tier that this file is compiled for: LS_TIER is avx512_bf16, avx512, avx2 or portable, and every
 * kernel lives in that namespace, so that no linker can mix up two tiers' inline functions. Arithmetic, comparisons and
 * selection (mask ? a : b) are the compiler's own.
 */
namespace ls::LS_TIER {

#if defined(__AVX512F__)
constexpr int W = 16;
#elif defined(__AVX2__)
constexpr int W = 8;
#else
constexpr int W = 4;
#endif

typedef float F __attribute__((vector_size(4 * W)));
typedef int32_t I __attribute__((vector_size(4 * W)));
/* Bits of a float: they may wrap around. */
typedef uint32_t U __attribute__((vector_size(4 * W)));

/* Register tile of products: ROWS by two vectors. 24 accumulators fit AVX-512's 32 registers, 12 and 8 the others' 16. */
constexpr int ROWS = W == 16 ? 12 : W == 8 ? 6 : 4;
constexpr int COLS = 2 * W;

/* Every lane of a vector, or the first few. */
struct All {};
struct First {
    int count;
};

inline F broadcast(float x) { return x - F{}; }

inline F load(const float *p, All = {}) {
    F v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

inline void store(float *p, F v, All = {}) { std::memcpy(p, &v, sizeof v); }

inline I load(const int32_t *p) {
    I v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

#if defined(__AVX512F__)
inline F fma(F a, F b, F c) { return (F)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
inline F root(F x) { return (F)_mm512_maskz_sqrt_ps((__mmask16)-1, (__m512)x); }
#elif defined(__AVX2__)
inline F fma(F a, F b, F c) { return (F)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
inline F root(F x) { return (F)_mm256_sqrt_ps((__m256)x); }
#else
/* Without the instruction a fused multiply-add is a library call: two roundings instead. */
inline F fma(F a, F b, F c) { return a * b + c; }
inline F root(F x) {
    for (int lane = 0; lane < W; lane++) {
        x[lane] = __builtin_sqrtf(x[lane]);
    }
    return x;
}
#endif

/* AddressSanitizer does not see what masked instructions touch. */
#if defined(__AVX512F__) && !defined(__SANITIZE_ADDRESS__)
inline F load(const float *p, First in) { return (F)_mm512_maskz_loadu_ps((__mmask16)((1u << in.count) - 1), p); }
inline void store(float *p, F v, First in) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << in.count) - 1), (__m512)v);
}
#elif defined(__AVX2__) && !defined(__SANITIZE_ADDRESS__)
inline __m256i mask(First in) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(in.count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline F load(const float *p, First in) { return (F)_mm256_maskload_ps(p, mask(in)); }
inline void store(float *p, F v, First in) { _mm256_maskstore_ps(p, mask(in), (__m256)v); }
#else
inline F load(const float *p, First in) {
    F v{};
    std::memcpy(&v, p, sizeof(float) * in.count);
    return v;
}
inline void store(float *p, F v, First in) { std::memcpy(p, &v, sizeof(float) * in.count); }
#endif

/*
 * A result that no cache holds is written past them: its lines need not be read first, which is a third of the traffic of
 * y = f(x). A call of so many elements belongs to such a result (longspan.h).
 */
inline bool goes_past_caches(const float *y, int64_t n) {
    return n >= 65536 && (uintptr_t)y % (sizeof(float) * W) == 0;
}
#if defined(__AVX512F__)
inline void store_past_caches(float *p, F v, All) { _mm512_stream_ps(p, (__m512)v); }
#elif defined(__AVX2__)
inline void store_past_caches(float *p, F v, All) { _mm256_stream_ps(p, (__m256)v); }
#else
inline void store_past_caches(float *p, F v, All) { store(p, v); }
#endif
inline void store_past_caches(float *p, F v, First in) { store(p, v, in); }
/* Such stores come before all that follow, as others do. */
inline void settle_past_caches([[maybe_unused]] bool past) {
#if defined(__AVX2__)
    if (past) {
        _mm_sfence();
    }
#endif
}

/* One term of a sum in order, as a lane of fma takes it. */
inline float fma(float a, float b, float c) {
#if defined(__FMA__)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

/* A bfloat16: the upper half of a float. */
struct Half {
    uint16_t bits;
};

typedef uint16_t H __attribute__((vector_size(2 * W)));

inline F widen(H h) { return (F)(__builtin_convertvector(h, U) << 16); }

/* To the nearest, ties to even; NaN stays NaN. */
inline H narrow(F x) {
    U bits = (U)x;
    U rounded = bits + 0x7fff + (bits >> 16 & 1);
    return __builtin_convertvector((x == x ? rounded : bits | 0x400000) >> 16, H);
}

inline F load(const Half *p, All = {}) {
    H h;
    std::memcpy(&h, p, sizeof h);
    return widen(h);
}

inline F load(const Half *p, First in) {
    H h{};
    std::memcpy(&h, p, sizeof(Half) * in.count);
    return widen(h);
}

inline void store(Half *p, F v, All = {}) {
    H h = narrow(v);
    std::memcpy(p, &h, sizeof h);
}

inline void store(Half *p, F v, First in) {
    H h = narrow(v);
    std::memcpy(p, &h, sizeof(Half) * in.count);
}

/* One number, whichever type it is stored in. */
inline float value(float x) { return x; }
inline float value(Half x) { return std::bit_cast<float>((uint32_t)x.bits << 16); }

/* body(p), p as what it points to. */
template <class Body> inline void visit(const void *p, bool half, Body body) {
    half ? body(static_cast<const Half *>(p)) : body(static_cast<const float *>(p));
}
template <class Body> inline void visit(void *p, bool half, Body body) {
    half ? body(static_cast<Half *>(p)) : body(static_cast<float *>(p));
}

inline F abs(F x) { return (F)((I)x & 0x7fffffff); }

/* Lane by lane the larger; NaN in b is ignored. */
inline F larger(F a, F b) { return b > a ? b : a; }

/* Sum over the lanes, halves on halves. */
inline float sum(F v) {
    float lanes[W];
    store(lanes, v);
    for (int half = W / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) {
            lanes[i] += lanes[i + half];
        }
    }
    return lanes[0];
}

/* f(i, lanes) for the vectors of n elements, the last one with fewer lanes. */
template <class Body> inline void sweep(int64_t n, Body f) {
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        f(i, All{});
    }
    if (i < n) {
        f(i, First{(int)(n - i)});
    }
}

inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

} // namespace ls::LS_TIER
