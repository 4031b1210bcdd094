package dev.longspan.bench;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Kernels of every backend that runs, side by side. */
public final class Comparisons {

    private static final List<Integer> SIZES = List.of(64, 128, 256, 512);
    private static final List<Long> CONTEXTS = List.of(256L, 1024L, 2048L);

    private static final int SCAN_ROWS = 2048;
    private static final int CHANNELS = 512;
    private static final int MODES = 16;
    /** Channels and groups. */
    private static final int[][] NORMS = {{512, 32}, {1024, 32}, {2048, 32}, {4096, 64}};

    private final List<Backend> backends = Backend.onHost().stream().filter(b -> b.available() != null).toList();
    private final Parallel parallel;

    public Comparisons(Parallel parallel) {
        this.parallel = parallel;
    }

    /** Products of square matrices, and those whose weights were packed before. */
    public List<Comparison> gemm(Consumer<Comparison> listener) {
        List<Comparison> all = new ArrayList<>();
        for (int size : SIZES) {
            Map<String, Supplier<Comparison.Run>> sides = sides(backend -> new GemmRun(backend, parallel, size, false));
            backends.stream().filter(b -> b.kernels().gemm().packs())
                    .forEach(b -> sides.put(b.name() + " packed", () -> new GemmRun(b, parallel, size, true)));
            all.add(heard(listener, Comparison.of("gemm " + size + " x " + size + " x " + size,
                    2e-9 * size * size * size, 0, sides)));
        }
        return all;
    }

    /** Causal attention, dense and dilated, forward and with its backward; GFLOP count visited pairs of query and key. */
    public List<Comparison> attention(int heads, int dim, Consumer<Comparison> listener) {
        List<Comparison> all = new ArrayList<>();
        for (boolean backward : new boolean[] {false, true}) {
            for (long tokens : CONTEXTS) {
                AttentionShape shape = new AttentionShape(tokens, heads, dim, backward);
                List<Branch> dilated = List.of(new Branch(Math.max(1, tokens / 4), 1), new Branch(tokens, 4));
                all.add(heard(listener, attention("dense", shape, new AttentionPattern.Dense(), Schedules.dense(tokens))));
                all.add(heard(listener, attention("dilated", shape, Schedules.dilated(dilated), dilated)));
            }
        }
        return all;
    }

    /** CEMA of 512 channels and 16 modes, forward and with its backward, and timestep norms of the released sizes. */
    public List<Comparison> scan(Consumer<Comparison> listener) {
        List<Comparison> all = new ArrayList<>();
        for (boolean backward : new boolean[] {false, true}) {
            try (CemaProblem cema = new CemaProblem(SCAN_ROWS, CHANNELS, MODES)) {
                all.add(heard(listener, Comparison.of("CEMA L=" + SCAN_ROWS + " D=" + CHANNELS + " n=" + MODES
                        + (backward ? " fwd+bwd" : " fwd"), CemaProblem.gigaflop(SCAN_ROWS, CHANNELS, MODES, backward),
                        CemaProblem.gigabytes(SCAN_ROWS, CHANNELS, backward),
                        sides(backend -> new CemaRun(backend, parallel, cema, backward)))));
            }
        }
        for (int[] size : NORMS) {
            try (TimestepNormProblem norm = new TimestepNormProblem(SCAN_ROWS, size[0], size[1])) {
                all.add(heard(listener, Comparison.of("timestep norm L=" + SCAN_ROWS + " D=" + size[0] + "/" + size[1], 0,
                        TimestepNormProblem.gigabytes(SCAN_ROWS, size[0]),
                        sides(backend -> new TimestepNormRun(backend, parallel, norm)))));
            }
        }
        return all;
    }

    /** Norms, pointwise functions, embedding, loss and optimiser, on 1,024 rows of 1,024. */
    public List<Comparison> pointwise(Consumer<Comparison> listener) {
        List<Comparison> all = new ArrayList<>();
        try (TensorArena arena = new TensorArena()) {
            for (KernelProblem problem : KernelProblem.all(arena)) {
                all.add(heard(listener, Comparison.of(problem.name(), 0, problem.gigabytes(),
                        sides(backend -> new KernelRun(backend, parallel, problem)))));
            }
        }
        return all;
    }

    private Map<String, Supplier<Comparison.Run>> sides(Comparison.Setup setup) {
        Map<String, Supplier<Comparison.Run>> sides = new LinkedHashMap<>();
        backends.forEach(b -> sides.put(b.name(), () -> setup.on(b)));
        return sides;
    }

    private Comparison attention(String name, AttentionShape shape, AttentionPattern pattern, List<Branch> schedule) {
        String problem = String.format(Locale.ROOT, "%s N=%d H=%d D=%d%s", name, shape.tokens(), shape.heads(), shape.dim(),
                shape.backward() ? " fwd+bwd" : " fwd");
        return Comparison.of(problem, gigaflop(shape, schedule), backends,
                backend -> new AttentionStep(backend, parallel, pattern, schedule, shape));
    }

    /** Two products of D multiply-adds a pair forward, five more backward. */
    private static double gigaflop(AttentionShape shape, List<Branch> schedule) {
        double pairsPerHead = 0;
        for (Branch branch : schedule) {
            double rows = (double) branch.segment() / branch.dilation();
            pairsPerHead += rows * (rows + 1) / 2 * shape.tokens() / branch.segment();
        }
        return pairsPerHead * shape.heads() * shape.dim() * (shape.backward() ? 14 : 4) * 1e-9;
    }

    private static Comparison heard(Consumer<Comparison> listener, Comparison comparison) {
        listener.accept(comparison);
        return comparison;
    }
}
