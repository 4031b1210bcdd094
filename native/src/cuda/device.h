#pragma once

#include "launch.h"

#include <cstdint>
#include <cstring>

/*
 * What kernels take from the device, twice: from nvcc, and from emulator.h, where a block's threads are fibers of the host and
 * matrix fragments lie as the hardware has them. A kernel's source is the same for both; what only devices of compute
 * capability 9.0 have is in device_hopper.h. Collectives take whole warps.
 */

#ifdef __CUDACC__

#define LS_DEVICE __device__ __forceinline__
#define LS_KERNEL(threads) __global__ void __launch_bounds__(threads)
/* Of which at least so many blocks fit a multiprocessor. */
#define LS_KERNEL_OF(threads, blocks) __global__ void __launch_bounds__(threads, blocks)
#define LS_UNROLL _Pragma("unroll")
#define LS_ROLLED _Pragma("unroll 1")

namespace ls::cuda {

LS_DEVICE int thread_index() { return threadIdx.x; }
LS_DEVICE int threads() { return blockDim.x; }
LS_DEVICE int block_x() { return blockIdx.x; }
LS_DEVICE int block_y() { return blockIdx.y; }
LS_DEVICE int block_z() { return blockIdx.z; }
LS_DEVICE int blocks_x() { return gridDim.x; }

/* The block's dynamic shared memory, aligned to 128 bytes. */
template <class T> LS_DEVICE T *shared_memory() {
    extern __shared__ __align__(128) unsigned char ls_shared[];
    return reinterpret_cast<T *>(ls_shared);
}

LS_DEVICE void barrier() { __syncthreads(); }
LS_DEVICE void warp_barrier() { __syncwarp(); }
template <class T> LS_DEVICE T shuffle(T v, int from) { return __shfl_sync(0xffffffffu, v, from); }
template <class T> LS_DEVICE T shuffle_xor(T v, int mask) { return __shfl_xor_sync(0xffffffffu, v, mask); }
/* Of the lane `by` below; its own in the lowest. */
template <class T> LS_DEVICE T shuffle_up(T v, int by) { return __shfl_up_sync(0xffffffffu, v, by); }
template <class T> LS_DEVICE T shuffle_down(T v, int by) { return __shfl_down_sync(0xffffffffu, v, by); }
/* One bit a lane. */
LS_DEVICE uint32_t warp_votes(bool v) { return __ballot_sync(0xffffffffu, v); }
LS_DEVICE int bit_count(uint32_t bits) { return __popc(bits); }
LS_DEVICE bool warp_any(bool v) { return __any_sync(0xffffffffu, v); }
LS_DEVICE bool warp_all(bool v) { return __all_sync(0xffffffffu, v); }

LS_DEVICE uint32_t shared_address(const void *p) { return (uint32_t)__cvta_generic_to_shared(p); }

/* Four 8 x 8 matrices of 16-bit elements; lane l gives row l % 8 of matrix l / 8, 16 bytes aligned to 16. */
LS_DEVICE void load_matrices(uint32_t (&r)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
}

LS_DEVICE void load_matrices_transposed(uint32_t (&r)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
}

/* c += a·b of 16 x 8 x 16, bfloat16 in pairs. */
LS_DEVICE void mma_bf16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* c += a·b of 16 x 8 x 8, of floats' upper 19 bits. */
LS_DEVICE void mma_tf32(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Begins to copy 16 bytes, both sides aligned to 16; zeros where not `there`, and `from` is not read. */
LS_DEVICE void copy_async(void *to, const void *from, bool there) {
    int bytes = there ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(shared_address(to)), "l"(from), "r"(bytes) : "memory");
}

/* The same for 4 bytes aligned to 4. */
LS_DEVICE void copy_async_word(void *to, const void *from, bool there) {
    int bytes = there ? 4 : 0;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" :: "r"(shared_address(to)), "l"(from), "r"(bytes) : "memory");
}

/* Ends a group of copies. */
LS_DEVICE void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/* Waits until all but this thread's latest GROUPS groups have arrived; others see them behind a barrier. */
template <int GROUPS> LS_DEVICE void wait_for_copies() { asm volatile("cp.async.wait_group %0;" :: "n"(GROUPS) : "memory"); }

/* 2^x within 2 ulp; results below 2^-126 are 0. */
LS_DEVICE float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

LS_DEVICE uint32_t bits_of(float x) { return __float_as_uint(x); }
LS_DEVICE float float_of(uint32_t x) { return __uint_as_float(x); }

/* Two floats rounded to bfloat16, the first in the lower half. */
LS_DEVICE uint32_t pack_bf16(float low, float high) {
    uint32_t r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}

} // namespace ls::cuda

#else
#include "emulator.h"
#endif

namespace ls::cuda {

constexpr int WARP = 32;

LS_DEVICE int lane() { return thread_index() % WARP; }
LS_DEVICE int warp() { return thread_index() / WARP; }

/* The upper half of a float. */
struct bf16 {
    uint16_t bits;
};

LS_DEVICE float value(float x) { return x; }
LS_DEVICE float value(bf16 x) { return float_of((uint32_t)x.bits << 16); }
LS_DEVICE void put(float &to, float x) { to = x; }
LS_DEVICE void put(bf16 &to, float x) { to.bits = (uint16_t)pack_bf16(x, 0); }

/* Sums over the warp, the same bits in every lane. */
template <class T> LS_DEVICE T warp_sum(T v) {
    LS_UNROLL
    for (int mask = WARP / 2; mask > 0; mask /= 2) {
        v += shuffle_xor(v, mask);
    }
    return v;
}

LS_DEVICE float warp_max(float v) {
    LS_UNROLL
    for (int mask = WARP / 2; mask > 0; mask /= 2) {
        v = fmaxf(v, shuffle_xor(v, mask));
    }
    return v;
}

} // namespace ls::cuda
