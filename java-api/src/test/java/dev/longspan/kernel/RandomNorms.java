package dev.longspan.kernel;

import dev.longspan.kernel.TimestepNormKernel.MomentGradients;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Random cases of a timestep norm, with everything that a forward and a backward take. */
public record RandomNorms(TensorArena arena, Random random, DType dtype) {

    /** Operands of one call. */
    public record Case(TimestepNormPlan plan, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, Moments fresh,
            @Nullable Moments start, Tensor dy, Tensor dMean, Tensor dVar) {

        /** The same with other rows. */
        public Case with(TimestepNormPlan other, Tensor otherX, @Nullable Moments otherStart) {
            return new Case(other, otherX, weight, bias, fresh, otherStart, dy, dMean, dVar);
        }
    }

    /** Outputs and gradients of one call. */
    public record Result(Tensor y, Moments last, Tensor dx, Tensor dWeight, Tensor dBias, MomentGradients dFresh,
            MomentGradients dStart) {
    }

    /** A case of {@code groups} groups of {@code d} channels. */
    public Case norm(TimestepNormPlan plan, int batch, int rows, int groups, int d, boolean affine, boolean carried) {
        RandomTensors tensors = new RandomTensors(arena, random, dtype);
        RandomTensors doubles = new RandomTensors(arena, random, DType.F64);
        return new Case(plan, tensors.contiguous(batch, rows, (long) groups * d),
                affine ? tensors.contiguous((long) groups * d) : null, affine ? tensors.contiguous((long) groups * d) : null,
                moments(1, groups, 3), carried ? moments(batch, groups, 20) : null,
                tensors.contiguous(batch, rows, (long) groups * d), doubles.contiguous(batch, groups),
                doubles.contiguous(batch, groups));
    }

    /** Moments of up to {@code most} timesteps. */
    public Moments moments(int batch, int groups, int most) {
        RandomTensors doubles = new RandomTensors(arena, random, DType.F64);
        Tensor count = arena.allocate(DType.I64, batch);
        count.set(random.longs(batch, 0, most).toArray());
        Tensor var = doubles.contiguous(batch, groups);
        double[] values = var.toDoubles();
        for (int i = 0; i < values.length; i++) {
            values[i] = 0.5 + values[i] * values[i];
        }
        return new Moments(count, doubles.contiguous(batch, groups), var.set(values));
    }

    /** About a third of the rows. */
    public Tensor padding(int batch, int rows) {
        Tensor padding = arena.allocate(DType.U8, batch, rows);
        return padding.set(random.longs((long) batch * rows, 0, 3).map(i -> i / 2).toArray());
    }

    /** Forward and, where wanted, backward with gradients from zero. */
    public Result run(TimestepNormKernel kernel, Parallel parallel, Case of, boolean back) {
        long batch = of.x.size(0);
        long groups = of.fresh.groups();
        Result r = new Result(zeros(of.x), new Moments(arena.allocate(DType.I64, batch), doubles(batch, groups),
                doubles(batch, groups)), zeros(of.x), arena.allocate(dtype, of.x.size(2)), arena.allocate(dtype, of.x.size(2)),
                new MomentGradients(doubles(1, groups), doubles(1, groups)),
                new MomentGradients(doubles(batch, groups), doubles(batch, groups)));
        r.y.fill(Double.NaN);
        Tensor means = doubles(batch, of.x.size(1), groups).fill(Double.NaN);
        Tensor rstds = doubles(batch, of.x.size(1), groups).fill(Double.NaN);
        kernel.forward(parallel, of.plan, of.x, of.weight, of.bias, of.fresh, of.start, r.y, r.last, back ? means : null,
                back ? rstds : null);
        if (back) {
            kernel.backward(parallel, of.plan, of.x, of.weight, of.fresh, of.start, means, rstds, of.dy,
                    new MomentGradients(of.dMean, of.dVar), r.dx, of.weight == null ? null : r.dWeight,
                    of.bias == null ? null : r.dBias, r.dFresh, r.dStart);
        }
        return r;
    }

    private Tensor doubles(long... shape) {
        return arena.allocate(DType.F64, shape);
    }

    private Tensor zeros(Tensor like) {
        return arena.allocate(like.dtype(), like.shape());
    }
}
