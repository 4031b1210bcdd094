package dev.longspan.bench;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.OutOfNativeMemoryException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Time and memory of LongNet's attention over the context, beside dense attention. Causal, float32, batch 1. */
public final class Sweep {

    private static final int WARM_UP_ROUNDS = 6;
    private static final int TURNS = 3;
    /** No further turn is begun after this time. */
    private static final double TURNS_SECONDS = 20;
    private static final int SHORT_STEPS_PER_TURN = 3;
    /** From here on the geometric schedule's work per token hardly grows. */
    private static final long SHORT_TOKENS = 32_768;

    private final SweepConfig config;
    private final Backend backend;
    private final Parallel parallel;
    private @Nullable AttentionStep shortStep;
    private double[] ratios = {};
    private double longnetProbe;
    private double denseProbe;

    public Sweep(SweepConfig config, Backend backend, Parallel parallel) {
        this.config = config;
        this.backend = backend;
        this.parallel = parallel;
    }

    /** Steps whose time is not kept, so that the compiler has done its work. */
    public void warmUp(double seconds) {
        long tokens = Math.min(config.first() * 2, 4096);
        try (AttentionStep longnet = longnet(tokens); AttentionStep dense = dense(tokens)) {
            // The first steps are interpreted: a slow machine may spend all the time in one of them.
            double spent = 0;
            for (int round = 0; round < WARM_UP_ROUNDS || spent < seconds; round++) {
                double sparse = longnet.seconds();
                double full = dense.seconds();
                longnetProbe = spent == 0 ? sparse / tokens : Math.min(longnetProbe, sparse / tokens);
                denseProbe = spent == 0 ? full / tokens / tokens : Math.min(denseProbe, full / tokens / tokens);
                spent += sparse + full;
            }
        }
    }

    /** Measures every context; each row is handed on as soon as it is there. */
    public SweepResult run(Consumer<SweepRow> listener) {
        List<SweepRow> rows = new ArrayList<>();
        Contestant longnet = new Contestant("LongNet", 2, 6 * config.limitSeconds());
        Contestant dense = new Contestant("dense", 4, config.limitSeconds());
        // What the warm-up took tells whether even the first context is too long.
        longnet.lastSeconds = longnetProbe * config.first() / longnet.growth;
        dense.lastSeconds = denseProbe * config.first() * config.first() / dense.growth;
        try {
            for (long tokens : config.contexts()) {
                boolean inTurns = shortStep != null && tokens == last();
                Timing sparse = longnet.measure(() -> longnet(tokens), inTurns ? this::turns : this::repeat);
                Timing full = dense.measure(() -> dense(tokens), this::repeat);
                SweepRow row = new SweepRow(tokens, sparse, full, (longnet.skipped + " " + dense.skipped).strip());
                rows.add(row);
                listener.accept(row);
                if (tokens == SHORT_TOKENS && tokens < config.last() && sparse != null) {
                    shortStep = longnet(tokens);
                }
            }
        } finally {
            if (shortStep != null) {
                shortStep.close();
                shortStep = null;
            }
        }
        return new SweepResult(config, backend.name() + ", " + backend.detail(), rows,
                ratios.length == 0 ? null : new Flatness(SHORT_TOKENS, last(), Median.of(ratios)), memory(rows));
    }

    private double[] repeat(AttentionStep step) {
        return Median.samples(step::seconds, 1, config.cellSeconds());
    }

    /** Long and short steps in turns: a machine that slows down meanwhile slows both. */
    private double[] turns(AttentionStep longStep) {
        AttentionStep reference = Objects.requireNonNull(shortStep);
        double[] samples = new double[TURNS];
        double[] taken = new double[TURNS];
        int turns = 0;
        for (double spent = 0; turns < TURNS && spent < TURNS_SECONDS; spent += samples[turns++]) {
            double[] before = Median.samples(reference::seconds, SHORT_STEPS_PER_TURN, 0);
            samples[turns] = longStep.seconds();
            double[] after = Median.samples(reference::seconds, SHORT_STEPS_PER_TURN, 0);
            taken[turns] = samples[turns] * SHORT_TOKENS / last() / ((Median.of(before) + Median.of(after)) / 2);
        }
        ratios = Arrays.copyOf(taken, turns);
        return Arrays.copyOf(samples, turns);
    }

    private long last() {
        return config.contexts().getLast();
    }

    private AttentionStep longnet(long tokens) {
        List<Branch> schedule = Schedules.geometric(tokens);
        return new AttentionStep(backend, parallel, Schedules.dilated(schedule), schedule, config.shape(tokens));
    }

    private AttentionStep dense(long tokens) {
        return new AttentionStep(backend, parallel, new AttentionPattern.Dense(), Schedules.dense(tokens), config.shape(tokens));
    }

    private static @Nullable LinearFit memory(List<SweepRow> rows) {
        List<double[]> points = new ArrayList<>();
        for (SweepRow row : rows) {
            if (row.longnet() != null) {
                points.add(new double[] {row.tokens(), row.longnet().bytes()});
            }
        }
        return points.size() < 2 ? null : LinearFit.of(points);
    }

    /** One side of the comparison: stops where doubling the context would exceed its limit. */
    private static final class Contestant {

        private final String name;
        private final double growth;
        private final double limitSeconds;
        private double lastSeconds;
        private String skipped = "";

        Contestant(String name, double growth, double limitSeconds) {
            this.name = name;
            this.growth = growth;
            this.limitSeconds = limitSeconds;
        }

        @Nullable Timing measure(Supplier<AttentionStep> factory, Function<AttentionStep, double[]> timed) {
            double expected = lastSeconds * growth;
            if (expected > limitSeconds) {
                lastSeconds = expected;
                skipped = String.format(Locale.ROOT, "%s would take about %.0f s.", name, expected);
                return null;
            }
            try (AttentionStep step = factory.get()) {
                double[] samples = timed.apply(step);
                lastSeconds = Median.of(samples);
                return new Timing(lastSeconds, samples.length, step.bytes(), step.deviation());
            } catch (OutOfNativeMemoryException e) {
                skipped = name + ": " + e.getMessage() + ".";
                lastSeconds = Double.POSITIVE_INFINITY;
                return null;
            }
        }
    }
}
