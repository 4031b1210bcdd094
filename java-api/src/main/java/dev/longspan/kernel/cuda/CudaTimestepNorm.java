package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cuda.LongspanCuda;
import dev.longspan.bindings.cuda.ls_cuda_timestep_norm_params;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.kernel.TimestepNormKernel;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Timestep norms over whole sequences; timesteps are counted on the device too. */
final class CudaTimestepNorm implements TimestepNormKernel {

    private final CudaSpace space;
    private final DevicePointer at;

    CudaTimestepNorm(CudaSpace space) {
        this.space = space;
        this.at = new DevicePointer(space);
    }

    @Override
    public void forward(Parallel parallel, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias,
            Moments fresh, @Nullable Moments start, Tensor y, Moments last, @Nullable Tensor means, @Nullable Tensor rstds) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment p = params(arena, plan, x, weight, fresh, start);
            long moments = x.size(0) * fresh.groups();
            ls_cuda_timestep_norm_params.bias(p, at.floatsOrNull(bias, x.size(2)));
            ls_cuda_timestep_norm_params.y(p, at.floats(y, x.elements()));
            ls_cuda_timestep_norm_params.last_count(p, at.of(last.count(), DType.I64, x.size(0)));
            ls_cuda_timestep_norm_params.last_mean(p, at.of(last.mean(), DType.F64, moments));
            ls_cuda_timestep_norm_params.last_var(p, at.of(last.var(), DType.F64, moments));
            ls_cuda_timestep_norm_params.means(p, at.doublesOrNull(means, x.size(1) * moments));
            ls_cuda_timestep_norm_params.rstds(p, at.doublesOrNull(rstds, x.size(1) * moments));
            ls_cuda_timestep_norm_params.scratch(p, space.kernelScratch(LongspanCuda.ls_cuda_timestep_norm_scratch(p)));
            space.stream().launch(parallel, "timestep norm", s -> LongspanCuda.ls_cuda_timestep_norm(p, s));
        }
    }

    @Override
    public void backward(Parallel parallel, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, Moments fresh,
            @Nullable Moments start, Tensor means, Tensor rstds, Tensor dy, MomentGradients dLast, @Nullable Tensor dx,
            @Nullable Tensor dWeight, @Nullable Tensor dBias, MomentGradients dFresh, MomentGradients dStart) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment p = params(arena, plan, x, weight, fresh, start);
            long moments = x.size(0) * fresh.groups();
            ls_cuda_timestep_norm_params.means(p, at.of(means, DType.F64, x.size(1) * moments));
            ls_cuda_timestep_norm_params.rstds(p, at.of(rstds, DType.F64, x.size(1) * moments));
            ls_cuda_timestep_norm_params.dy(p, at.floats(dy, x.elements()));
            ls_cuda_timestep_norm_params.d_last_mean(p, at.doublesOrNull(dLast.mean(), moments));
            ls_cuda_timestep_norm_params.d_last_var(p, at.doublesOrNull(dLast.var(), moments));
            ls_cuda_timestep_norm_params.dx(p, at.floatsOrNull(dx, x.elements()));
            ls_cuda_timestep_norm_params.d_weight(p, at.floatsOrNull(dWeight, x.size(2)));
            ls_cuda_timestep_norm_params.d_bias(p, at.floatsOrNull(dBias, x.size(2)));
            ls_cuda_timestep_norm_params.d_fresh_mean(p, at.doublesOrNull(dFresh.mean(), fresh.groups()));
            ls_cuda_timestep_norm_params.d_fresh_var(p, at.doublesOrNull(dFresh.var(), fresh.groups()));
            if (start != null) {
                ls_cuda_timestep_norm_params.d_start_mean(p, at.doublesOrNull(dStart.mean(), moments));
                ls_cuda_timestep_norm_params.d_start_var(p, at.doublesOrNull(dStart.var(), moments));
            }
            ls_cuda_timestep_norm_params.scratch(p, space.kernelScratch(LongspanCuda.ls_cuda_timestep_norm_backward_scratch(p)));
            space.stream().launch(parallel, "timestep norm backward", s -> LongspanCuda.ls_cuda_timestep_norm_backward(p, s));
        }
    }

    private MemorySegment params(Arena arena, TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, Moments fresh,
            @Nullable Moments start) {
        long batch = x.size(0);
        long rows = x.size(1);
        long groups = fresh.groups();
        if (groups == 0 || x.size(2) % groups != 0) {
            throw new IllegalArgumentException("groups must divide the channels: groups=" + groups + ", x=" + x);
        }
        MemorySegment p = ls_cuda_timestep_norm_params.allocate(arena);
        ls_cuda_timestep_norm_params.size(p, ls_cuda_timestep_norm_params.sizeof());
        ls_cuda_timestep_norm_params.batch(p, batch);
        ls_cuda_timestep_norm_params.rows(p, rows);
        ls_cuda_timestep_norm_params.channels(p, x.size(2));
        ls_cuda_timestep_norm_params.groups(p, groups);
        ls_cuda_timestep_norm_params.x(p, at.floats(x, x.elements()));
        ls_cuda_timestep_norm_params.weight(p, at.floatsOrNull(weight, x.size(2)));
        ls_cuda_timestep_norm_params.weight_offset(p, plan.weightOffset());
        ls_cuda_timestep_norm_params.eps(p, plan.eps());
        ls_cuda_timestep_norm_params.fresh(p, Resets.of(space, ScanPlan.forward(plan.documents(), plan.first()), batch, rows));
        Tensor padding = plan.padding();
        ls_cuda_timestep_norm_params.padded(p, at.orNull(padding, padding == null ? DType.U8 : padding.dtype(), batch * rows));
        ls_cuda_timestep_norm_params.fresh_count(p, at.of(fresh.count(), DType.I64, 1));
        ls_cuda_timestep_norm_params.fresh_mean(p, at.of(fresh.mean(), DType.F64, groups));
        ls_cuda_timestep_norm_params.fresh_var(p, at.of(fresh.var(), DType.F64, groups));
        if (start != null) {
            ls_cuda_timestep_norm_params.start_count(p, at.of(start.count(), DType.I64, batch));
            ls_cuda_timestep_norm_params.start_mean(p, at.of(start.mean(), DType.F64, batch * groups));
            ls_cuda_timestep_norm_params.start_var(p, at.of(start.var(), DType.F64, batch * groups));
        }
        return p;
    }
}
