#pragma once

#include "device.h"

/*
 * What kernels take from devices of compute capability 9.0 beside device.h: products of a warpgroup (four warps) that read shared
 * memory by themselves (wgmma), tiles that arrive by themselves (TMA), barriers in shared memory that count arrivals and bytes.
 * Shared memory has two ways in: what a thread writes becomes visible to products and tiles by share_writes() in that thread and
 * a barrier. Panels are of 128 bytes a row, as attention_tile.h has them, and begin at multiples of 1,024 bytes.
 */

namespace ls::cuda {

constexpr int GROUP = 128; /* threads of a warpgroup */
constexpr int PANEL_ALIGNMENT = 1024;

/* Some panels of a tensor in device memory, of which a copy takes a box; as the tensor map wants them, innermost first. */
struct Tiles {
    static constexpr int RANK = 5;
    const void *first;
    int64_t sizes[RANK];
    int64_t strides[RANK]; /* bytes; the first is an element's */
    int box[RANK];
};

} // namespace ls::cuda

#ifdef __CUDACC__

#include <cuda.h>

#define LS_CONSTANT const __grid_constant__

namespace ls::cuda {

using TensorMap = CUtensorMap;

/* Compute capability of the current device as 10 · major + minor; 0 where it does not say. */
inline int capability() {
    int device = 0, major = 0, minor = 0;
    bool known = cudaGetDevice(&device) == cudaSuccess &&
                 cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
                 cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess;
    return known ? 10 * major + minor : 0;
}

using EncodeTiles = decltype(&cuTensorMapEncodeTiled);

/* The driver's function, which nothing here links; NULL where it has none. */
inline EncodeTiles encode_tiles() {
    void *entry = nullptr;
    cudaDriverEntryPointQueryResult found;
    cudaError_t error = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000, cudaEnableDefault, &found);
    return error == cudaSuccess && found == cudaDriverEntryPointSuccess ? reinterpret_cast<EncodeTiles>(entry) : nullptr;
}

/* The map of bfloat16 tiles that arrive as panels, zeros beyond the tensor. */
inline ls_status map_tiles(TensorMap &map, const Tiles &tiles) {
    static const EncodeTiles encode = encode_tiles();
    if (!encode) {
        return fail(LS_CUDA_FAULT, "the driver has no cuTensorMapEncodeTiled");
    }
    cuuint64_t sizes[Tiles::RANK], strides[Tiles::RANK - 1];
    cuuint32_t box[Tiles::RANK], steps[Tiles::RANK];
    for (int i = 0; i < Tiles::RANK; i++) {
        sizes[i] = (cuuint64_t)tiles.sizes[i];
        box[i] = (cuuint32_t)tiles.box[i];
        steps[i] = 1;
        if (i > 0) {
            strides[i - 1] = (cuuint64_t)tiles.strides[i];
        }
    }
    CUresult result = encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, Tiles::RANK, const_cast<void *>(tiles.first), sizes, strides, box,
                             steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                             CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    return result == CUDA_SUCCESS ? LS_OK : fail(LS_CUDA_FAULT, "cuTensorMapEncodeTiled: error %d", (int)result);
}

/* Counts arrivals and bytes; phases alternate between 0 and 1. */
struct Arrivals {
    uint64_t state;

    LS_DEVICE void begin(int arrivals) {
        asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(shared_address(this)), "r"(arrivals) : "memory");
    }

    LS_DEVICE void arrive() {
        asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(shared_address(this)) : "memory");
    }

    /* Arrives, and so many bytes of tiles must. */
    LS_DEVICE void expect(int bytes) {
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(shared_address(this)), "r"(bytes) : "memory");
    }

    /* Until the phase of this parity is over. */
    LS_DEVICE void wait(int phase) {
        /* All in one: a loop that lanes might leave one by one would serialise products behind it. */
        asm volatile("{\n\t.reg .pred p;\nagain:\n\t"
                     "mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n\t@p bra over;\n\tbra again;\nover:\n\t}"
                     :: "r"(shared_address(this)), "r"(phase) : "memory");
    }
};

/* What this thread began becomes visible to all, tiles included; a barrier follows. */
LS_DEVICE void share_arrivals() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
/* What this thread wrote to shared memory becomes visible to products and tiles; a barrier follows. */
LS_DEVICE void share_writes() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

LS_DEVICE void store_zeros(void *to) {
    asm volatile("st.shared.v4.b32 [%0], {%1, %1, %1, %1};" :: "r"(shared_address(to)), "r"(0) : "memory");
}

LS_DEVICE void prefetch(const TensorMap &map) { asm volatile("prefetch.tensormap [%0];" :: "l"(&map) : "memory"); }

/* Begins to load a box; its bytes arrive at `at`. One thread. */
LS_DEVICE void load_tile(void *to, const TensorMap &map, Arrivals &at, int c0, int c1, int c2, int c3, int c4) {
    asm volatile("cp.async.bulk.tensor.5d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6, %7}], [%2];"
                 :: "r"(shared_address(to)), "l"(&map), "r"(shared_address(&at)), "r"(c0), "r"(c1), "r"(c2), "r"(c3), "r"(c4)
                 : "memory");
}

/* Barrier number `id` of 1 to 15 for `count` threads, of which others may arrive without waiting. */
LS_DEVICE void barrier_of(int id, int count) { asm volatile("bar.sync %0, %1;" :: "r"(id), "r"(count) : "memory"); }
LS_DEVICE void arrive_at(int id, int count) { asm volatile("bar.arrive %0, %1;" :: "r"(id), "r"(count) : "memory"); }

/* A warpgroup gives back registers, or asks until it gets them. */
template <int EACH> LS_DEVICE void keep_registers() { asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" :: "n"(EACH)); }
template <int EACH> LS_DEVICE void take_registers() { asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" :: "n"(EACH)); }

/* Before products: whatever the thread did to their registers is done. */
LS_DEVICE void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
/* Ends a group of products. */
LS_DEVICE void commit_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
/* Until all but the latest GROUPS groups are done; registers of those are no one's until then. */
template <int GROUPS> LS_DEVICE void wait_for_products() { asm volatile("wgmma.wait_group.sync.aligned %0;" :: "n"(GROUPS) : "memory"); }

/* Keeps the compiler from using sums earlier than here. */
template <int N> LS_DEVICE void settle(float (&c)[N][4]) {
    LS_UNROLL
    for (int n = 0; n < N; n++) {
        asm volatile("" : "+f"(c[n][0]), "+f"(c[n][1]), "+f"(c[n][2]), "+f"(c[n][3])::"memory");
    }
}

template <int N> LS_DEVICE void settle(uint32_t (&a)[N][4]) {
    LS_UNROLL
    for (int n = 0; n < N; n++) {
        asm volatile("" : "+r"(a[n][0]), "+r"(a[n][1]), "+r"(a[n][2]), "+r"(a[n][3])::"memory");
    }
}

#define LS_SUMS_4(c, i) \
    "+f"(c[i][0]), "+f"(c[i][1]), "+f"(c[i][2]), "+f"(c[i][3]), "+f"(c[i + 1][0]), "+f"(c[i + 1][1]), "+f"(c[i + 1][2]), \
        "+f"(c[i + 1][3]), "+f"(c[i + 2][0]), "+f"(c[i + 2][1]), "+f"(c[i + 2][2]), "+f"(c[i + 2][3]), "+f"(c[i + 3][0]), \
        "+f"(c[i + 3][1]), "+f"(c[i + 3][2]), "+f"(c[i + 3][3])
#define LS_SUMS_64(c) LS_SUMS_4(c, 0), LS_SUMS_4(c, 4)
#define LS_SUMS_128(c) LS_SUMS_64(c), LS_SUMS_4(c, 8), LS_SUMS_4(c, 12)
#define LS_PLACES_64 \
    "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}"
#define LS_PLACES_128 \
    "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31," \
    "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}"

/* c = a·bᵀ, or c += a·bᵀ where `add`, of 64 x 128 x 16: both operands are rows of panels. */
LS_DEVICE void multiply_rows(float (&c)[16][4], uint64_t a, uint64_t b, bool add) {
    asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, %66, 0;\n\t"
                 "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 " LS_PLACES_128 ", %64, %65, p, 1, 1, 0, 0;\n\t}"
                 : LS_SUMS_128(c) : "l"(a), "l"(b), "r"((int)add));
}

/* c += a·b of 64 x N x 16: a in registers as mma_bf16's, b sixteen rows of panels. */
LS_DEVICE void multiply_columns(float (&c)[8][4], const uint32_t (&a)[4], uint64_t b) {
    asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, 1, 0;\n\t"
                 "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " LS_PLACES_64 ", {%32, %33, %34, %35}, %36, p, 1, 1, 1;\n\t}"
                 : LS_SUMS_64(c) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

LS_DEVICE void multiply_columns(float (&c)[16][4], const uint32_t (&a)[4], uint64_t b) {
    asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, 1, 0;\n\t"
                 "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 " LS_PLACES_128 ", {%64, %65, %66, %67}, %68, p, 1, 1, 1;\n\t}"
                 : LS_SUMS_128(c) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

} // namespace ls::cuda

#else
#include "emulator_hopper.h"
#endif

namespace ls::cuda {

/*
 * Where a product finds an operand in panels: address, distance of neighbouring panels and of eight rows in units of 16 bytes, and 1
 * for a swizzle of 128 bytes. PTX ISA 9.0, "Matrix Descriptor Format" of wgmma. Where rows are the operand's, the distance of
 * panels says nothing; where columns are, it is that from 64 columns to the next.
 */
LS_DEVICE uint64_t operand_at(const void *panel, int panel_bytes) {
    return (uint64_t)((shared_address(panel) & 0x3ffff) >> 4) | (uint64_t)(panel_bytes >> 4) << 16 | (uint64_t)(1024 >> 4) << 32 |
           1ull << 62;
}

} // namespace ls::cuda
