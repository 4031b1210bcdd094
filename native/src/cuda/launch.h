#pragma once

#include "longspan_cuda.h"

#include <cstdint>

namespace ls::cuda {

/* Keeps the text for ls_cuda_last_error and gives the status. */
ls_status fail(ls_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A kernel's blocks; x may be largest. */
struct Grid {
    int64_t x, y = 1, z = 1;
};

/* At most so many blocks in x, and in y and z. */
constexpr int64_t MOST_X = INT32_MAX, MOST_YZ = 65535;

/* Enqueues `kernel` under the name that errors give it; an empty grid does nothing. */
ls_status launch_checked(const char *name, Grid grid, int threads, int64_t shared_bytes);

} // namespace ls::cuda

#ifdef __CUDACC__
#include <cuda_runtime.h>

namespace ls::cuda {

template <class... P, class... A>
ls_status launch(const char *name, void (*kernel)(P...), Grid grid, int threads, int64_t shared_bytes, void *stream,
                 A... arguments) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) {
        return LS_OK;
    }
    if (ls_status bad = launch_checked(name, grid, threads, shared_bytes)) {
        return bad;
    }
    cudaError_t error = cudaSuccess;
    if (shared_bytes > 48 << 10) {
        error = cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     (int)shared_bytes);
    }
    if (error == cudaSuccess) {
        kernel<<<dim3((unsigned)grid.x, (unsigned)grid.y, (unsigned)grid.z), threads, (size_t)shared_bytes,
                 static_cast<cudaStream_t>(stream)>>>(static_cast<P>(arguments)...);
        error = cudaGetLastError();
    }
    return error == cudaSuccess ? LS_OK : fail(LS_CUDA_FAULT, "%s: %s", name, cudaGetErrorString(error));
}

} // namespace ls::cuda
#endif

/* Enqueues a kernel on a stream: LS_LAUNCH(kernel, grid, threads, shared bytes, stream, arguments…). */
#define LS_LAUNCH(kernel, ...) ::ls::cuda::launch(#kernel, kernel, __VA_ARGS__)

/* Returns from the caller what is not LS_OK. */
#define LS_TRY(call) \
    if (ls_status status_ = (call)) { \
        return status_; \
    }

#define LS_NEEDS(condition) \
    if (!(condition)) { \
        return ::ls::cuda::fail(LS_BAD_ARGUMENT, "%s: needs %s", __func__, #condition); \
    }
