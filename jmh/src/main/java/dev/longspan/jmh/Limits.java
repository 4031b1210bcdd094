package dev.longspan.jmh;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.stream.IntStream;

/**
 * What so many threads of this machine multiply and read just now, by {@code limits.c}; 0 where there is no C compiler.
 *
 * @param gigaflops 10^9 float32 operations a second, multiply-adds in registers
 * @param gigabytes 10^9 bytes a second read from memory
 * @param gigabytesOfOne the same by one thread alone; NaN where it was not measured
 */
record Limits(double gigaflops, double gigabytes, double gigabytesOfOne) {

    private static final int TRIES = 20;
    private static final long STEPS = 1_000_000;
    /** Beyond every cache. */
    private static final long VALUES = 64L << 20;
    /** Values that limits.c reads at a time. */
    private static final long READ_STEP = 128;

    static Limits measure(int threads) {
        if (!CLibrary.isPresent()) {
            return new Limits(0, 0, 0);
        }
        MethodHandle multiply = CLibrary.number("peer_multiply_add", JAVA_LONG);
        MethodHandle read = CLibrary.number("peer_read", JAVA_LONG, ADDRESS);
        double flops = Call.number(() -> (double) CLibrary.number("peer_multiply_add_flops").invokeExact()) * STEPS * threads;
        Parallel parallel = Parallel.of(threads);
        DoubleAdder sum = new DoubleAdder();
        try (TensorArena arena = new TensorArena()) {
            // Of pages that nobody has written the system shows one, which a cache holds.
            Tensor values = arena.allocate(DType.F32, threads, VALUES / threads / READ_STEP * READ_STEP).fill(1);
            double multiplied = 1e-9 * flops / fastest(() -> parallel.forEach(threads, (item, scratch) ->
                    sum.add(Call.number(() -> (double) multiply.invokeExact(STEPS)))));
            double[] gigabytes = IntStream.of(threads, 1).mapToDouble(of -> {
                Parallel readers = Parallel.of(of);
                Tensor parts = values.reshape(of, values.elements() / of);
                return 4e-9 * values.elements() / fastest(() -> readers.forEach(of, (item, scratch) -> {
                    Tensor part = parts.select(0, item);
                    sum.add(Call.number(() -> (double) read.invokeExact(part.elements(),
                            part.segment().asSlice(part.offset() * Float.BYTES))));
                }));
            }).toArray();
            return new Limits(multiplied, gigabytes[0], gigabytes[1]);
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
        return new Limits(Math.max(gigaflops, other.gigaflops), Math.max(gigabytes, other.gigabytes),
                Math.max(gigabytesOfOne, other.gigabytesOfOne));
    }
}
