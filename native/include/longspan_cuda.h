/*
 * Longspan's C ABI on CUDA devices: the rules of longspan.h, but that a call enqueues work for whole tensors on a stream and
 * returns. All pointers are the device's unless said otherwise; structs lie on the host and are read before the call returns.
 * `stream` is a CUstream of the current context, NULL its default one. Nothing is allocated and nothing waited for; the same
 * call gives the same bits. A fault in a kernel surfaces at a later call, with LS_CUDA_FAULT.
 */
#ifndef LONGSPAN_CUDA_H
#define LONGSPAN_CUDA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#pragma GCC visibility push(default)
#endif

#define LS_CUDA_ABI_VERSION 1

#ifndef LONGSPAN_H
typedef int32_t ls_status;
enum { LS_OK = 0, LS_CANCELLED = 1, LS_BAD_ARGUMENT = 2 };
#endif
enum { LS_CUDA_FAULT = 3 };

/* LS_CUDA_ABI_VERSION of the library; a caller built for another one must not call anything else. */
int32_t ls_cuda_abi_version(void);

/* A line for each function and struct: name, then types or size and fields, as the library was compiled. */
const char *ls_cuda_abi(void);

/* What was wrong with this thread's last call that did not return LS_OK, the kernel named. */
const char *ls_cuda_last_error(void);

/* ---- attention ---- */

/* ---- matrix products ---- */

/* ---- norms over the last dimension ---- */

/* ---- pointwise ---- */

/* ---- rotary positions ---- */

/* ---- recurrences ---- */

/* ---- timestep norm ---- */

/* ---- embedding, loss, optimiser ---- */

/* ---- copies ---- */

#ifdef __cplusplus
#pragma GCC visibility pop
}
#endif

#endif
