package dev.longspan.jmh;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.DoubleAdder;

/**
 * What so many threads of this machine multiply and read just now, by {@code limits.c}; 0 where there is no C compiler.
 *
 * @param gigaflops 10^9 float32 operations a second, multiply-adds in registers
 * @param gigabytes 10^9 bytes a second read from memory
 */
record Limits(double gigaflops, double gigabytes) {

    private static final int TRIES = 20;
    private static final long STEPS = 1_000_000;
    /** Beyond every cache. */
    private static final long VALUES = 64L << 20;

    static Limits measure(int threads) {
        if (!CLibrary.isPresent()) {
            return new Limits(0, 0);
        }
        MethodHandle multiply = CLibrary.number("peer_multiply_add", JAVA_LONG);
        MethodHandle read = CLibrary.number("peer_read", JAVA_LONG, ADDRESS);
        double flops = Call.number(() -> (double) CLibrary.number("peer_multiply_add_flops").invokeExact()) * STEPS * threads;
        Parallel parallel = Parallel.of(threads);
        DoubleAdder sum = new DoubleAdder();
        try (TensorArena arena = new TensorArena()) {
            // Of pages that nobody has written the system shows one, which a cache holds.
            Tensor values = arena.allocate(DType.F32, threads, VALUES / threads).fill(1);
            return new Limits(1e-9 * flops / fastest(() -> parallel.forEach(threads, (item, scratch) ->
                    sum.add(Call.number(() -> (double) multiply.invokeExact(STEPS))))),
                    4e-9 * values.elements() / fastest(() -> parallel.forEach(threads, (item, scratch) -> {
                        Tensor part = values.select(0, item);
                        sum.add(Call.number(() -> (double) read.invokeExact(part.elements(),
                                part.segment().asSlice(part.offset() * Float.BYTES))));
                    })));
        }
    }

    private static double fastest(Runnable run) {
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i < TRIES; i++) {
            long start = System.nanoTime();
            run.run();
            best = Math.min(best, (System.nanoTime() - start) * 1e-9);
        }
        return best;
    }

    /** The larger of two measurements. */
    Limits most(Limits other) {
        return new Limits(Math.max(gigaflops, other.gigaflops), Math.max(gigabytes, other.gigabytes));
    }
}
