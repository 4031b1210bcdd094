package dev.longspan.jmh;

import dev.longspan.backend.Backend;
import dev.longspan.bench.Deviation;
import dev.longspan.bench.Noise;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.Map;

/** {@code y = a + b} of so few elements that what is measured is the way to a backend's loop: of host, a call into C. */
final class SmallKernelProblem implements Problem {

    private final TensorArena arena = new TensorArena();
    private final Tensor a;
    private final Tensor b;
    private final Tensor y;
    private final Task task;

    SmallKernelProblem(long elements) {
        a = noise(1, elements);
        b = noise(2, elements);
        y = arena.allocate(DType.F32, elements);
        task = new Task("add", Map.of("elements", elements), Map.of("a", a, "b", b), Map.of("y", y));
    }

    private Tensor noise(long seed, long elements) {
        Tensor t = arena.allocate(DType.F32, elements);
        new Noise(seed).fill(t);
        return t;
    }

    @Override
    public String name() {
        return "add of " + y.elements();
    }

    @Override
    public Task task() {
        return task;
    }

    /** The kernel alone, into the answer: opening a pass costs more than adding. */
    @Override
    public Side on(Backend backend, Parallel parallel) {
        var kernel = backend.kernels().elementwise();
        TensorArena memory = new TensorArena(backend.space());
        Task here = task.in(memory);
        Tensor sum = backend.space().isHost() ? y : memory.allocate(DType.F32, y.shape());
        Clock clock = Clock.of(backend);
        return new Side() {
            @Override
            public double seconds(int times) {
                return clock.seconds(() -> {
                    for (int i = 0; i < times; i++) {
                        kernel.add(parallel, here.operand("a"), here.operand("b"), sum);
                    }
                });
            }

            @Override
            public void answer() {
                kernel.add(parallel, here.operand("a"), here.operand("b"), sum.fill(Double.NaN));
                y.copyFrom(sum);
            }

            @Override
            public void close() {
                clock.close();
                memory.close();
            }
        };
    }

    @Override
    public Deviation check() {
        double[] sums = a.toDoubles();
        double[] others = b.toDoubles();
        Arrays.setAll(sums, i -> sums[i] + others[i]);
        return Deviation.of(sums, y.toDoubles(), Math.ulp(4f));
    }

    @Override
    public void close() {
        arena.close();
    }
}
