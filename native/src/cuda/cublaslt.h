#pragma once

#include <cstddef>
#include <cstdint>

/*
 * What is called of cuBLASLt 12 and 13, from its public documentation: no header of NVIDIA's is needed to build, and
 * the library is looked for at run time. Enumerations are int32_t.
 * https://docs.nvidia.com/cuda/cublas/#using-the-cublaslt-api
 */
namespace ls::cuda::lt {

using Handle = struct HandleObject *;
using MatmulDesc = struct MatmulDescObject *;
using Layout = struct LayoutObject *;
using Preference = struct PreferenceObject *;

struct Algorithm {
    uint64_t data[8];
};

struct Heuristic {
    Algorithm algorithm;
    size_t workspace_bytes;
    int32_t state;
    float waves;
    int32_t reserved[4];
};

enum : int32_t { SUCCESS = 0, NOT_SUPPORTED = 15 };
/* cudaDataType */
enum : int32_t { R_32F = 0, R_16BF = 14 };
/* cublasComputeType: whole floats, not TF32. */
enum : int32_t { COMPUTE_32F = 68 };
/* cublasOperation */
enum : int32_t { OP_N = 0, OP_T = 1 };
/* cublasLtMatmulDescAttributes */
enum : int32_t { DESC_TRANSA = 3, DESC_TRANSB = 4, DESC_EPILOGUE = 7, DESC_BIAS_POINTER = 8 };
/* cublasLtEpilogue */
enum : int32_t { EPILOGUE_BIAS = 4 };
/* cublasLtMatmulPreferenceAttributes */
enum : int32_t { PREFERS_WORKSPACE_BYTES = 1, PREFERS_REDUCTIONS = 3, PREFERS_ALIGNMENT_A = 5 };
/* cublasLtReductionScheme: none, or of float sums out of place. */
enum : uint32_t { REDUCES_COMPUTE_TYPE = 2 };

/* name(type…) of each function; all return a status. */
#define LS_CUBLASLT(X) \
    X(Create, Handle *) \
    X(Destroy, Handle) \
    X(MatmulDescCreate, MatmulDesc *, int32_t compute, int32_t scale) \
    X(MatmulDescDestroy, MatmulDesc) \
    X(MatmulDescSetAttribute, MatmulDesc, int32_t attribute, const void *, size_t bytes) \
    X(MatrixLayoutCreate, Layout *, int32_t type, uint64_t rows, uint64_t cols, int64_t pitch) \
    X(MatrixLayoutDestroy, Layout) \
    X(MatmulPreferenceCreate, Preference *) \
    X(MatmulPreferenceDestroy, Preference) \
    X(MatmulPreferenceSetAttribute, Preference, int32_t attribute, const void *, size_t bytes) \
    X(MatmulAlgoGetHeuristic, Handle, MatmulDesc, Layout a, Layout b, Layout c, Layout d, Preference, int32_t wanted, \
      Heuristic *, int32_t *found) \
    X(Matmul, Handle, MatmulDesc, const void *alpha, const void *a, Layout, const void *b, Layout, const void *beta, \
      const void *c, Layout, void *d, Layout, const Algorithm *, void *workspace, size_t workspace_bytes, void *stream)

struct Functions {
#define LS_FIELD(name, ...) int32_t (*name)(__VA_ARGS__);
    LS_CUBLASLT(LS_FIELD)
#undef LS_FIELD
};

} // namespace ls::cuda::lt
