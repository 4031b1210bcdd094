package dev.longspan.jmh;

import dev.longspan.bench.Comparison;

/** What a JMH trial checks before it measures. */
final class Checks {

    private Checks() {
    }

    /** Throws IllegalStateException where the answer is wrong: JMH then reports no time. */
    static void passed(Comparison.Run run) {
        if (!run.deviation().isWithin()) {
            throw new IllegalStateException("wrong answer: error=" + run.deviation().error() + ", bound="
                    + run.deviation().bound());
        }
    }
}
