package dev.longspan.bench;

import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/** Forward and backward of two models at a short and at a long context, in turns: float32, one sequence. */
public final class ContextBench {

    private static final int LEAST_TURNS = 2;
    private static final int MOST_TURNS = 7;
    /** No further turn is begun after this time, once there are enough. */
    private static final double TURNS_SECONDS = 20;

    private final Backend backend;
    private final Parallel parallel;
    private final long seed;
    private final Consumer<String> progress;

    /**
     * A benchmark.
     *
     * @param progress hears each single time of a step
     */
    public ContextBench(Backend backend, Parallel parallel, long seed, Consumer<String> progress) {
        this.backend = backend;
        this.parallel = parallel;
        this.seed = seed;
        this.progress = progress;
    }

    /** Both models at one context. */
    public ContextRow run(List<Contestant> contestants, long context) {
        if (contestants.size() != 2) {
            throw new IllegalArgumentException("two models are compared: models=" + contestants.size());
        }
        List<ModelStep> steps = new ArrayList<>();
        try {
            contestants.forEach(c -> steps.add(new ModelStep(backend, parallel, c.blueprint(), context, seed)));
            List<Deviation> deviations = new ArrayList<>();
            List<Long> bytes = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                progress.accept(contestants.get(i).name() + " at " + SweepTable.context(context) + ": checking");
                try (Workspace own = new Workspace(backend.space())) {
                    deviations.add(steps.get(i).check(own).deviation());
                    bytes.add(own.peakBytes());
                }
            }
            // One slab that both fit: the machine need not hold both models' activations at once.
            int larger = bytes.get(0) >= bytes.get(1) ? 0 : 1;
            try (Workspace shared = new Workspace(backend.space(), bytes.get(larger))) {
                steps.get(larger).forwardAndBackward(shared); // the system hands out the pages
                return new ContextRow(context, contestants.stream().map(Contestant::name).toList(),
                        turns(contestants, steps, shared), deviations, bytes);
            }
        } finally {
            steps.forEach(ModelStep::close);
        }
    }

    private List<double[]> turns(List<Contestant> contestants, List<ModelStep> steps, Workspace workspace) {
        double[][] seconds = new double[2][MOST_TURNS];
        int turns = 0;
        for (double spent = 0; turns < LEAST_TURNS || turns < MOST_TURNS && spent < TURNS_SECONDS; turns++) {
            for (int i = 0; i < 2; i++) {
                seconds[i][turns] = steps.get(i).forwardAndBackward(workspace);
                spent += seconds[i][turns];
                progress.accept(String.format(Locale.ROOT, "%s at %s: %.2f s", contestants.get(i).name(),
                        SweepTable.context(steps.get(i).context()), seconds[i][turns]));
            }
        }
        return List.of(Arrays.copyOf(seconds[0], turns), Arrays.copyOf(seconds[1], turns));
    }
}
