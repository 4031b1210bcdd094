/* No include guard: included once for each tier, and by CUDA's kernels with LS_TIER and LS_EVERYWHERE of their own. */
#include <cstdint>

#ifndef LS_EVERYWHERE
#define LS_EVERYWHERE inline
#endif

namespace ls::LS_TIER {

/* 64 bits of Philox 4x32-10 of (key, stream, counter). Salmon et al., SC 2011. */
LS_EVERYWHERE uint64_t random_bits(int64_t key, int64_t stream, int64_t counter) {
    uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)((uint64_t)counter >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)((uint64_t)stream >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)((uint64_t)key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = 0xD2511F53ull * c0;
        uint64_t p1 = 0xCD9E8D57ull * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (uint64_t)c0 << 32 | c1;
}

/* Uniform in [0, 1) with 24 bits. */
LS_EVERYWHERE float uniform(int64_t key, int64_t stream, int64_t counter) {
    return (float)(random_bits(key, stream, counter) >> 40) * 0x1p-24f;
}

} // namespace ls::LS_TIER
