package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Random cases of a CEMA scan, with everything that a forward and a backward take. */
public record RandomScans(TensorArena arena, Random random, DType dtype) {

    /** Operands of one call. */
    public record Case(ScanPlan plan, Tensor x, Tensor q, Tensor c, Tensor omega, @Nullable Tensor start, Tensor dy,
            @Nullable Tensor dLast) {

        /** The same with another input, such as a part of it. */
        public Case with(ScanPlan other, Tensor otherX, @Nullable Tensor otherStart) {
            return new Case(other, otherX, q, c, omega, otherStart, dy, dLast);
        }
    }

    /** Outputs and gradients of one call. */
    public record Result(Tensor y, Tensor last, Tensor dx, Tensor dq, Tensor dc, Tensor dOmega, Tensor dStart) {
    }

    /** Modes with radius in [0.3, 1), some of them slow. */
    public Case scan(ScanPlan plan, int batch, int rows, int channels, int modes, boolean carried) {
        RandomTensors tensors = new RandomTensors(arena, random, dtype);
        RandomTensors doubles = new RandomTensors(arena, random, DType.F64);
        Tensor q = doubles.contiguous(modes, 2, channels);
        double[] values = q.toDoubles();
        for (int k = 0; k < modes; k++) {
            for (int d = 0; d < channels; d++) {
                double radius = random.nextInt(4) == 0 ? 1 - Math.pow(10, -1 - 4 * random.nextDouble()) : 0.3 + 0.6 * random.nextDouble();
                double phase = 2 * Math.PI * random.nextDouble();
                values[2 * k * channels + d] = radius * Math.cos(phase);
                values[(2 * k + 1) * channels + d] = radius * Math.sin(phase);
            }
        }
        return new Case(plan, tensors.contiguous(batch, rows, channels), q.set(values),
                doubles.contiguous(modes, 2, channels), tensors.contiguous(channels, 1),
                carried ? tensors.contiguous(batch, modes, 2, channels) : null, tensors.contiguous(batch, rows, channels),
                carried ? tensors.contiguous(batch, modes, 2, channels) : null);
    }

    /** Documents of random lengths, or none. */
    public @Nullable Documents documents(int batch, int rows) {
        if (random.nextBoolean()) {
            return null;
        }
        long[][] starts = new long[batch][];
        for (int b = 0; b < batch; b++) {
            TreeSet<Long> found = new TreeSet<>();
            found.add(0L);
            for (int i = random.nextInt(6); i > 0; i--) {
                found.add((long) random.nextInt(rows + 1));
            }
            starts[b] = found.stream().mapToLong(Long::longValue).toArray();
        }
        return Documents.of(starts);
    }

    /** Forward alone. */
    public Result forward(ScanKernel kernel, Parallel parallel, Case of) {
        return run(kernel, parallel, of, false);
    }

    /** Forward and backward, gradients from zero. */
    public Result run(ScanKernel kernel, Parallel parallel, Case of) {
        return run(kernel, parallel, of, true);
    }

    private Result run(ScanKernel kernel, Parallel parallel, Case of, boolean back) {
        long modes = of.q.size(0);
        Result r = new Result(zeros(of.x), arena.allocate(dtype, of.x.size(0), modes, 2, of.x.size(2)), zeros(of.x),
                zeros(of.q), zeros(of.c), zeros(of.omega), arena.allocate(dtype, of.x.size(0), modes, 2, of.x.size(2)));
        Tensor kept = arena.allocate(dtype, of.x.size(0), ScanPlan.blocks(of.x.size(1)), modes, 2, of.x.size(2));
        r.y.fill(Double.NaN);
        r.last.fill(Double.NaN);
        kept.fill(Double.NaN);
        kernel.cema(parallel, of.plan, of.x, of.q, of.c, of.omega, of.start, r.y, r.last, back ? kept : null);
        if (back) {
            kernel.cemaBackward(parallel, of.plan, of.x, of.q, of.c, of.omega, kept, of.dy, of.dLast, r.dx, r.dq, r.dc,
                    r.dOmega, of.start == null ? null : r.dStart);
        }
        return r;
    }

    private Tensor zeros(Tensor like) {
        return arena.allocate(like.dtype(), like.shape());
    }
}
