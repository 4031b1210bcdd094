package dev.longspan.task;

import dev.longspan.kernel.Philox;
import java.util.List;

/** Random choices that are a function of (seed, index, task, tokens) and of how many came before. */
final class Draws {

    private static final int TASK_SHIFT = 60;
    private static final int TOKENS_SHIFT = 8;
    private static final long MOST = 1L << TOKENS_SHIFT;

    private static final long FINE = 1L << 32;

    private final long seed;
    private final long stream;
    private final long first;
    private long made;

    Draws(long seed, long index, int task, long tokens) {
        this.seed = seed;
        // Negative: keeps the choices apart from dropout's, whose streams are not.
        this.stream = ~index;
        this.first = (long) task << TASK_SHIFT | tokens << TOKENS_SHIFT;
    }

    /** Uniform from 0 to below {@code bound}. */
    long below(long bound) {
        if (made == MOST) {
            throw new IllegalStateException("a sample must need fewer draws: draws=" + made);
        }
        return Math.unsignedMultiplyHigh(Philox.bits(seed, stream, first + made++), bound);
    }

    <T> T of(List<T> choices) {
        return choices.get((int) below(choices.size()));
    }

    boolean coin() {
        return chance(0.5);
    }

    /** True with that probability, and whenever it would be with a smaller one. */
    boolean chance(double probability) {
        return below(FINE) < probability * FINE;
    }
}
