package dev.longspan.bench;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.Kernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A {@link KernelProblem} on a backend; the first call is held against the same in float64. */
final class KernelRun implements Comparison.Run {

    /** Relative to an output's largest element: sums of at most 1,024 terms in float32. */
    private static final double TOLERANCE = 1e-5;

    private final TensorArena arena = new TensorArena();
    private final KernelProblem problem;
    private final Kernels kernels;
    private final Parallel parallel;
    private final List<Tensor> inputs = new ArrayList<>();
    private final List<Tensor> outputs;
    private @Nullable Deviation deviation;

    KernelRun(Backend backend, Parallel parallel, KernelProblem problem) {
        this.problem = problem;
        this.parallel = parallel;
        kernels = backend.kernels();
        for (long[] shape : problem.inputs()) {
            Tensor input = arena.allocate(DType.F32, shape);
            new Noise(inputs.size() + 1).fill(input);
            inputs.add(input);
        }
        outputs = problem.outputs().stream().map(shape -> arena.allocate(DType.F32, shape)).toList();
    }

    @Override
    public double seconds() {
        long start = System.nanoTime();
        problem.call().on(kernels, parallel, inputs, outputs);
        double seconds = (System.nanoTime() - start) * 1e-9;
        if (deviation == null) {
            deviation = check();
        }
        return seconds;
    }

    private Deviation check() {
        try (TensorArena doubles = new TensorArena()) {
            List<Tensor> expected = problem.outputs().stream().map(shape -> doubles.allocate(DType.F64, shape)).toList();
            problem.call().on(Backend.named("scalar").kernels(), parallel, inputs.stream()
                    .map(t -> doubles.allocate(DType.F64, t.shape()).set(t.toDoubles())).toList(), expected);
            Deviation worst = Deviation.NONE;
            for (int i = 0; i < expected.size(); i++) {
                double[] values = expected.get(i).toDoubles();
                double largest = Arrays.stream(values).map(Math::abs).max().orElse(0);
                worst = Deviation.of(values, outputs.get(i).toDoubles(), TOLERANCE * largest).worse(worst);
            }
            return worst;
        }
    }

    @Override
    public Deviation deviation() {
        if (deviation == null) {
            throw new IllegalStateException("nothing has run yet");
        }
        return deviation;
    }

    @Override
    public void close() {
        arena.close();
    }
}
