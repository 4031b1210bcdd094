package dev.longspan.jmh;

import dev.longspan.bench.Deviation;
import dev.longspan.bench.Median;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;

/** Measures sides of a problem in turns, A B A B: what disturbs one disturbs all. */
final class Turns {

    private static final double SAMPLE_SECONDS = 0.03;
    private static final int LEAST_ROUNDS = 5;
    /** Of all sides together, a share each, where runs are long: then fewer rounds than that. */
    private static final double MOST_SECONDS = 20;
    /** But so many. */
    private static final int FEWEST_ROUNDS = 3;
    /** A run as long as this is the only sample: families of such would take half as long again. */
    private static final double ALONE_SECONDS = 8;
    /** Compilers are done with runs as long as this when their answer is checked: one run warms up. */
    private static final double LONG_SECONDS = 2;
    private static final double MOST_WARM_UP_SECONDS = 6;
    private static final double FASTER = 0.9;
    private static final CompilationMXBean COMPILERS = ManagementFactory.getCompilationMXBean();
    /** A share of a run's time: compilers are still at it. */
    private static final double COMPILING = 0.3;
    /** A sample this much faster than all before: a compiler was late, and they do not count. */
    private static final double FAR_FASTER = 0.6;

    private Turns() {
    }

    /**
     * How long a side runs before it is measured, neither compiled nor ever much faster, then how long it is measured at least, and how
     * long all are idle before each turn.
     */
    record Pace(double warmUpSeconds, double sideSeconds, double restSeconds) {
        /** Its kernels are compiled before. */
        static final Pace OF_DEVICE = new Pace(0.2, 0.2, 0);

        /** Workers of several threads spin for a while behind their turn, and would take a core from the next side. */
        static Pace ofJvm(int threads) {
            return new Pace(0.7, 0.4, threads > 1 ? 0.15 : 0);
        }

        void rest() {
            LockSupport.parkNanos((long) (1e9 * restSeconds));
        }
    }

    /** One side while it is measured. */
    private static final class Contender {
        private final String name;
        private final Side side;
        private long memoryBytes;
        private final Deviation deviation;
        private final List<Double> samples = new ArrayList<>();
        private double spent;
        private int times = 1;

        /** Answers, into tensors that hold NaN before, and is checked. */
        Contender(String name, Side side, Problem problem) {
            this.name = name;
            this.side = side;
            problem.task().answers().values().forEach(Turns::poison);
            side.answer();
            deviation = problem.check();
        }

        /** Until for a while no run has been much faster than those before it, nor have compilers done much. */
        void warmUp(Pace pace) {
            pace.rest();
            double[] first = new double[1];
            memoryBytes = PeakMemory.during(side, () -> first[0] = side.seconds(1));
            double best = first[0];
            if (best > ALONE_SECONDS) {
                note(best);
            }
            double settled = 0;
            for (double all = best; best < LONG_SECONDS && settled < pace.warmUpSeconds && all < MOST_WARM_UP_SECONDS; ) {
                long compiled = COMPILERS.getTotalCompilationTime();
                double seconds = side.seconds(1);
                all += seconds;
                boolean compiles = 1e-3 * (COMPILERS.getTotalCompilationTime() - compiled) > COMPILING * seconds;
                settled = compiles || seconds < FASTER * best ? 0 : settled + seconds;
                best = Math.min(best, seconds);
            }
            times = (int) Math.clamp(SAMPLE_SECONDS / best, 1, 100_000);
        }

        void sample(Pace pace) {
            pace.rest();
            note(side.seconds(times) / times);
        }

        private void note(double seconds) {
            if (samples.stream().allMatch(before -> seconds < FAR_FASTER * before)) {
                samples.clear();
            }
            samples.add(seconds);
            spent += seconds * times;
        }

        boolean isRight() {
            return deviation.isWithin();
        }

        /** Whether it is right, and was not measured for long enough, nor for its share of the time. */
        boolean isDue(Pace pace, double share) {
            return isRight() && !(samples.size() >= LEAST_ROUNDS && spent >= pace.sideSeconds
                    || spent >= share && samples.size() >= FEWEST_ROUNDS
                    || samples.stream().anyMatch(seconds -> seconds > ALONE_SECONDS));
        }

        Row.Result result(int steps) {
            double[] all = samples.stream().mapToDouble(s -> s / steps).sorted().toArray();
            return new Row.Result(name, side.form(), all.length == 0 ? Double.NaN : Median.of(all),
                    all.length == 0 ? Double.NaN : all[0], all.length, memoryBytes, deviation);
        }
    }

    /**
     * Checks every side's answer, then measures those that are right. One that throws takes part no more, and {@code refused}
     * hears why. Closes the sides.
     */
    static Row measure(Problem problem, Map<String, Side> sides, Pace pace, BiConsumer<String, String> refused) {
        List<Contender> all = new ArrayList<>();
        try {
            sides.forEach((name, side) -> attempt(name, () -> all.add(new Contender(name, side, problem)), refused));
            all.removeIf(c -> c.isRight() && !attempt(c.name, () -> c.warmUp(pace), refused));
            double share = MOST_SECONDS / Math.max(1, all.stream().filter(Contender::isRight).count());
            while (all.stream().anyMatch(c -> c.isDue(pace, share))) {
                all.removeIf(c -> c.isDue(pace, share) && !attempt(c.name, () -> c.sample(pace), refused));
            }
            return new Row(problem.name(), problem.gigaflop(), problem.gigabytes(),
                    all.stream().map(c -> c.result(problem.steps())).toList());
        } finally {
            sides.forEach((name, side) -> attempt(name, side::close, refused));
        }
    }

    /** Whether a side could do it; {@code refused} hears why it could not. */
    static boolean attempt(String side, Runnable work, BiConsumer<String, String> refused) {
        try {
            work.run();
            return true;
        } catch (RuntimeException | LinkageError e) {
            refused.accept(side, e instanceof UnsupportedOperationException ? String.valueOf(e.getMessage()) : e.toString());
            return false;
        }
    }

    /** How far a side's answer is off, computed into tensors that hold NaN before. */
    static Deviation deviation(Problem problem, Side side) {
        problem.task().answers().values().forEach(Turns::poison);
        side.answer();
        return problem.check();
    }

    private static void poison(Tensor answer) {
        if (answer.dtype() == DType.F32 || answer.dtype() == DType.F64 || answer.dtype() == DType.BF16) {
            answer.segment().asSlice(answer.offset() * answer.dtype().bytes(), answer.elements() * answer.dtype().bytes())
                    .fill((byte) -1); // all bits set: NaN
        }
    }
}
