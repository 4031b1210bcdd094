package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.bindings.cuda.ls_cuda_cema_params;
import dev.longspan.kernel.ScanKernel;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** CEMA over whole sequences. */
final class CudaScan implements ScanKernel {

    private final CudaSpace space;
    private final DevicePointer at;

    CudaScan(CudaSpace space) {
        this.space = space;
        this.at = new DevicePointer(space);
    }

    @Override
    public void cema(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, @Nullable Tensor start,
            Tensor y, Tensor last, @Nullable Tensor kept) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment p = params(arena, plan, x, q, c, omega, kept);
            ls_cuda_cema_params.start(p, at.floatsOrNull(start, states(x, q)));
            ls_cuda_cema_params.y(p, at.floats(y, x.elements()));
            ls_cuda_cema_params.last(p, at.floats(last, states(x, q)));
            ls_cuda_cema_params.scratch(p, space.kernelScratch(LongspanCuda.ls_cuda_cema_scratch(p)));
            space.stream().launch(parallel, "cema", s -> LongspanCuda.ls_cuda_cema(p, s));
        }
    }

    @Override
    public void cemaBackward(Parallel parallel, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, Tensor kept, Tensor dy,
            @Nullable Tensor dLast, @Nullable Tensor dx, @Nullable Tensor dq, @Nullable Tensor dc, @Nullable Tensor dOmega,
            @Nullable Tensor dStart) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment p = params(arena, plan, x, q, c, omega, kept);
            ls_cuda_cema_params.dy(p, at.floats(dy, x.elements()));
            ls_cuda_cema_params.d_last(p, at.floatsOrNull(dLast, states(x, q)));
            ls_cuda_cema_params.dx(p, at.floatsOrNull(dx, x.elements()));
            ls_cuda_cema_params.dq(p, at.doublesOrNull(dq, q.elements()));
            ls_cuda_cema_params.dc(p, at.doublesOrNull(dc, q.elements()));
            ls_cuda_cema_params.d_omega(p, at.floatsOrNull(dOmega, x.size(2)));
            ls_cuda_cema_params.d_start(p, at.floatsOrNull(dStart, states(x, q)));
            ls_cuda_cema_params.scratch(p, space.kernelScratch(LongspanCuda.ls_cuda_cema_backward_scratch(p)));
            space.stream().launch(parallel, "cema backward", s -> LongspanCuda.ls_cuda_cema_backward(p, s));
        }
    }

    private MemorySegment params(Arena arena, ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, @Nullable Tensor kept) {
        DevicePointer.shape("q", q, q.size(0), 2, x.size(2));
        MemorySegment p = ls_cuda_cema_params.allocate(arena);
        ls_cuda_cema_params.size(p, ls_cuda_cema_params.sizeof());
        ls_cuda_cema_params.batch(p, x.size(0));
        ls_cuda_cema_params.rows(p, x.size(1));
        ls_cuda_cema_params.channels(p, x.size(2));
        ls_cuda_cema_params.modes(p, q.size(0));
        ls_cuda_cema_params.x(p, at.floats(x, x.elements()));
        ls_cuda_cema_params.q(p, at.of(q, DType.F64, q.elements()));
        ls_cuda_cema_params.c(p, at.of(c, DType.F64, q.elements()));
        ls_cuda_cema_params.omega(p, at.floats(omega, x.size(2)));
        ls_cuda_cema_params.fresh(p, Resets.of(space, plan, x.size(0), x.size(1)));
        ls_cuda_cema_params.kept(p, at.floatsOrNull(kept, ScanPlan.blocks(x.size(1)) * states(x, q)));
        ls_cuda_cema_params.reversed(p, plan.reversed() ? 1 : 0);
        return p;
    }

    private static long states(Tensor x, Tensor q) {
        return x.size(0) * q.elements();
    }
}
