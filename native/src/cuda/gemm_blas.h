#pragma once

#include "longspan_cuda.h"

namespace ls::cuda {

/* The product as cuBLASLt does it; *done is left false where it has no kernel for it. */
ls_status blas_product(const ls_cuda_gemm_params &params, int64_t workspace_bytes, bool *done, void *stream);

/* What its kernels may use: NVIDIA's advice for Hopper. */
constexpr int64_t BLAS_WORKSPACE_BYTES = 32 << 20;

} // namespace ls::cuda
