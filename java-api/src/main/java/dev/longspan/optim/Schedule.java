package dev.longspan.optim;

/** Learning rate by step, counted from 0. */
@FunctionalInterface
public interface Schedule {

    double at(long step);

    static Schedule constant(double rate) {
        return step -> rate;
    }

    /** Rises linearly to 1 over {@code warmup} steps: step s gives {@code (s+1)/warmup} of what follows. */
    default Schedule withWarmup(long warmup) {
        return step -> step < warmup ? at(step) * (step + 1) / warmup : at(step);
    }

    /** {@code peak} to {@code end} along half a cosine over {@code steps}. Loshchilov and Hutter, arXiv 1608.03983. */
    static Schedule cosine(double peak, double end, long steps) {
        checkSteps(steps);
        return step -> end + (peak - end) * (1 + Math.cos(Math.PI * Math.min(step, steps) / steps)) / 2;
    }

    /** {@code peak} to {@code end} along {@code (1 − s/steps)^power}; power 1 is linear. */
    static Schedule polynomial(double peak, double end, double power, long steps) {
        checkSteps(steps);
        return step -> end + (peak - end) * Math.pow(1 - (double) Math.min(step, steps) / steps, power);
    }

    private static void checkSteps(long steps) {
        if (steps <= 0) {
            throw new IllegalArgumentException("steps must be positive: steps=" + steps);
        }
    }
}
