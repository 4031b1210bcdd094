package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.bindings.cuda.ls_cuda_recurrence_params;
import dev.longspan.kernel.RecurrenceKernel;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Diagonal recurrences over whole sequences. */
final class CudaRecurrence implements RecurrenceKernel {

    private final CudaSpace space;
    private final DevicePointer at;

    CudaRecurrence(CudaSpace space) {
        this.space = space;
        this.at = new DevicePointer(space);
    }

    @Override
    public void forward(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start,
            Tensor h) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment p = params(arena, plan, a, b, x, start, h);
            ls_cuda_recurrence_params.scratch(p, space.kernelScratch(LongspanCuda.ls_cuda_recurrence_scratch(p)));
            space.stream().launch(parallel, "recurrence", s -> LongspanCuda.ls_cuda_recurrence(p, s));
        }
    }

    @Override
    public void backward(Parallel parallel, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start,
            Tensor h, Tensor dh, @Nullable Tensor da, @Nullable Tensor db, @Nullable Tensor dx, @Nullable Tensor dStart) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment p = params(arena, plan, a, b, x, start, h);
            ls_cuda_recurrence_params.dh(p, at.floats(dh, x.elements()));
            ls_cuda_recurrence_params.da(p, at.floatsOrNull(da, a.elements()));
            ls_cuda_recurrence_params.db(p, at.floatsOrNull(db, b == null ? 0 : b.elements()));
            ls_cuda_recurrence_params.dx(p, at.floatsOrNull(dx, x.elements()));
            ls_cuda_recurrence_params.d_start(p, at.floatsOrNull(dStart, x.size(0) * width(x)));
            ls_cuda_recurrence_params.scratch(p, space.kernelScratch(LongspanCuda.ls_cuda_recurrence_backward_scratch(p)));
            space.stream().launch(parallel, "recurrence backward", s -> LongspanCuda.ls_cuda_recurrence_backward(p, s));
        }
    }

    private MemorySegment params(Arena arena, ScanPlan plan, Tensor a, @Nullable Tensor b, Tensor x, @Nullable Tensor start,
            Tensor h) {
        MemorySegment p = ls_cuda_recurrence_params.allocate(arena);
        ls_cuda_recurrence_params.size(p, ls_cuda_recurrence_params.sizeof());
        ls_cuda_recurrence_params.batch(p, x.size(0));
        ls_cuda_recurrence_params.rows(p, x.size(1));
        ls_cuda_recurrence_params.channels(p, x.size(-1));
        ls_cuda_recurrence_params.a(p, factor(a, x));
        ls_cuda_recurrence_params.b(p, b == null ? MemorySegment.NULL : factor(b, x));
        ls_cuda_recurrence_params.x(p, at.floats(x, x.elements()));
        ls_cuda_recurrence_params.start(p, at.floatsOrNull(start, x.size(0) * width(x)));
        ls_cuda_recurrence_params.fresh(p, Resets.of(space, plan, x.size(0), x.size(1)));
        ls_cuda_recurrence_params.h(p, at.floats(h, x.elements()));
        ls_cuda_recurrence_params.complex(p, x.rank() == 4 ? 1 : 0);
        ls_cuda_recurrence_params.a_per_step(p, a.rank() == x.rank() ? 1 : 0);
        ls_cuda_recurrence_params.b_per_step(p, b != null && b.rank() == x.rank() ? 1 : 0);
        ls_cuda_recurrence_params.reversed(p, plan.reversed() ? 1 : 0);
        return p;
    }

    private MemorySegment factor(Tensor factor, Tensor x) {
        return at.floats(factor, factor.rank() == x.rank() ? x.elements() : width(x));
    }

    /** Numbers of a row. */
    private static long width(Tensor x) {
        return x.rank() == 4 ? 2 * x.size(3) : x.size(2);
    }
}
