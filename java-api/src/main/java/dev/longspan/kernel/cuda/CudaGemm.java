package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.bindings.cuda.ls_cuda_gemm_params;
import dev.longspan.kernel.GemmKernel;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** Matrix products by cuBLASLt where it is, otherwise by kernels of our own. Any operand may be bfloat16; sums are float32. */
final class CudaGemm implements GemmKernel {

    private final CudaSpace space;
    private final DevicePointer at;
    private @Nullable MemorySegment blas;

    CudaGemm(CudaSpace space) {
        this.space = space;
        this.at = new DevicePointer(space);
    }

    @Override
    public void gemm(Parallel parallel, Tensor a, Tensor b, @Nullable Tensor bias, Tensor c, boolean accumulate) {
        long m = c.size(0);
        long n = c.size(1);
        if (m == 0 || n == 0) {
            return;
        }
        long k = a.size(1);
        if (a.size(0) != m || b.size(0) != k || b.size(1) != n || bias != null && bias.size(0) != n) {
            throw new IllegalArgumentException("shapes must fit a·b + bias = c: a=" + a + ", b=" + b + ", bias=" + bias
                    + ", c=" + c);
        }
        if (n > 1 && c.stride(1) != 1) {
            throw new IllegalArgumentException("columns must be neighbours: c=" + c + ", column stride=" + c.stride(1));
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment p = ls_cuda_gemm_params.allocate(arena);
            ls_cuda_gemm_params.size(p, ls_cuda_gemm_params.sizeof());
            ls_cuda_gemm_params.rows(p, m);
            ls_cuda_gemm_params.cols(p, n);
            ls_cuda_gemm_params.depth(p, k);
            ls_cuda_gemm_params.a(p, at.of(a));
            ls_cuda_gemm_params.a_row(p, a.stride(0));
            ls_cuda_gemm_params.a_col(p, a.stride(1));
            ls_cuda_gemm_params.b(p, at.of(b));
            ls_cuda_gemm_params.b_row(p, b.stride(0));
            ls_cuda_gemm_params.b_col(p, b.stride(1));
            ls_cuda_gemm_params.bias(p, bias == null ? MemorySegment.NULL : at.of(bias, bias.dtype(), n));
            ls_cuda_gemm_params.c(p, at.of(c));
            ls_cuda_gemm_params.c_row(p, c.stride(0));
            ls_cuda_gemm_params.accumulate(p, accumulate ? 1 : 0);
            ls_cuda_gemm_params.halves(p, DevicePointer.half(a) * LongspanCuda.LS_HALF_A()
                    + DevicePointer.half(b) * LongspanCuda.LS_HALF_B() + DevicePointer.half(c) * LongspanCuda.LS_HALF_C()
                    + (bias == null ? 0 : DevicePointer.half(bias) * LongspanCuda.LS_HALF_BIAS()));
            ls_cuda_gemm_params.blas(p, blas());
            ls_cuda_gemm_params.scratch(p, space.kernelScratch(LongspanCuda.ls_cuda_gemm_scratch(p)));
            space.stream().launch(parallel, "gemm", s -> LongspanCuda.ls_cuda_gemm(p, s));
        }
    }

    @Override
    public void addColumnSums(Parallel parallel, Tensor x, Tensor sums) {
        long rows = x.size(0);
        long cols = x.size(1);
        MemorySegment from = at.rows(x, DType.F32);
        MemorySegment to = at.floats(sums, cols);
        MemorySegment scratch = space.kernelScratch(LongspanCuda.ls_cuda_add_column_sums_scratch(rows, cols));
        space.stream().launch(parallel, "column sums", s ->
                LongspanCuda.ls_cuda_add_column_sums(from, x.stride(0), rows, cols, to, scratch, s));
    }

    /** Opened once; it lives as long as the process. */
    private synchronized MemorySegment blas() {
        if (blas == null) {
            space.device().enter();
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment made = arena.allocate(ValueLayout.ADDRESS);
                blas = LongspanCuda.ls_cuda_blas_open(made) == LongspanCuda.LS_OK() ? made.get(ValueLayout.ADDRESS, 0)
                        : MemorySegment.NULL;
            }
        }
        return blas;
    }
}
