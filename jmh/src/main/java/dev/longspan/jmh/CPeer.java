package dev.longspan.jmh;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** The loops of {@code src/main/c}: forward, on one thread. */
final class CPeer implements Peer {

    @Override
    public String name() {
        return "C";
    }

    @Override
    public String version() {
        CLibrary.require();
        return System.getProperty("longspan.cc", "unknown compiler");
    }

    @Override
    public Optional<Side> on(Task task, int threads) {
        if (threads != 1 || task.is("backward")) {
            return Optional.empty();
        }
        return switch (task.kind()) {
            case "cema" -> Optional.of(cema(task));
            case "timestep_norm" -> Optional.of(timestepNorm(task));
            case "add" -> Optional.of(add(task));
            default -> Optional.empty();
        };
    }

    private static Side cema(Task task) {
        TensorArena arena = new TensorArena();
        MethodHandle function = CLibrary.function("peer_cema", JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, ADDRESS,
                ADDRESS, ADDRESS);
        Tensor q = floats(arena, task.operand("q"));
        Tensor c = floats(arena, task.operand("c"));
        Tensor state = arena.allocate(DType.F32, q.shape());
        return new Loop(arena, each(() -> {
            function.invokeExact((long) task.size("rows"), (long) task.size("channels"), (long) task.size("modes"),
                    task.operand("x").segment(), q.segment(), c.segment(), task.operand("omega").segment(),
                    task.answer("y").segment(), state.segment());
        }));
    }

    private static Side timestepNorm(Task task) {
        TensorArena arena = new TensorArena();
        MethodHandle function = CLibrary.function("peer_timestep_norm", JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS,
                JAVA_DOUBLE, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS);
        long groups = task.size("groups");
        Tensor mean = arena.allocate(DType.F64, groups);
        Tensor var = arena.allocate(DType.F64, groups);
        double eps = task.number("eps");
        return new Loop(arena, each(() -> {
            mean.fill(0);
            var.fill(1);
            function.invokeExact((long) task.size("rows"), groups, task.size("channels") / groups, task.operand("x").segment(),
                    task.operand("weight").segment(), task.operand("bias").segment(), eps, 0L, task.answer("y").segment(),
                    mean.segment(), var.segment());
        }));
    }

    private static Side add(Task task) {
        MethodHandle function = CLibrary.function("peer_add", JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS);
        return new Loop(new TensorArena(), times -> {
            function.invokeExact(times, (long) task.size("elements"), task.operand("a").segment(), task.operand("b").segment(),
                    task.answer("y").segment());
        });
    }

    /** A function that runs once a call. */
    private static Repeated each(Call call) {
        return times -> {
            for (long i = 0; i < times; i++) {
                call.run();
            }
        };
    }

    private static Tensor floats(TensorArena arena, Tensor doubles) {
        return arena.allocate(DType.F32, doubles.shape()).set(doubles.toDoubles());
    }

    /** So many runs. */
    private interface Repeated {
        void run(long times) throws Throwable;
    }

    /** Calls that write right into the task's answers. */
    private record Loop(TensorArena arena, Repeated repeated) implements Side {

        @Override
        public double seconds(int times) {
            long start = System.nanoTime();
            Call.of(() -> repeated.run(times));
            return (System.nanoTime() - start) * 1e-9;
        }

        @Override
        public void answer() {
            Call.of(() -> repeated.run(1));
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
