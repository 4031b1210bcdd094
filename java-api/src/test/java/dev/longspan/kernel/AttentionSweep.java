package dev.longspan.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.jspecify.annotations.Nullable;

/** Attention against the scalar kernel, for every plan; the same bits however it runs. */
public abstract class AttentionSweep {

    private static final Parallel ONE = Parallel.of(1);
    private static final Parallel TWO = Parallel.of(2);
    private static final AttentionKernel REFERENCE = Reference.kernels().attention();
    private static final int[] DIMS = {1, 3, 8, 16, 17, 24, 32, 48, 64, 65, 80, 128};

    private final AttentionKernel attention;

    protected AttentionSweep(AttentionKernel attention) {
        this.attention = attention;
    }

    /** How many of so many random cases run: fewer where a kernel is slow to run, not where it is slow to check. */
    protected int cases(int all) {
        return all;
    }

    /** Whether a query's bits do not depend on which others there are. */
    protected boolean queriesKeepTheirBits() {
        return true;
    }

    /** How q, k, v and their outputs are stored; the scalar kernel reads the same numbers from float32. */
    protected DType storage() {
        return DType.F32;
    }

    /** What storage and products in it may add to a result's error, of its largest element; log-sum-exps get nothing. */
    protected double rounding() {
        return 0;
    }

    /** How many rows a random case has of at most so many. */
    protected int rows(int all) {
        return all;
    }

    /** Operands of one call, gradients included. */
    private record Case(AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor dOut, Tensor dLse) {
    }

    /** What a kernel made of a case: out, lse, dq, dk, dv. */
    private record Result(Tensor out, Tensor lse, Tensor dq, Tensor dk, Tensor dv) {
    }

    @Test
    public void agreesWithTheScalarKernelForAnyPlan() {
        for (int seed = 0; seed < cases(240); seed++) {
            check(seed, 1, 1 + seed * 5 % rows(300));
        }
    }

    @Test
    public void agreesWithTheScalarKernelOverSeveralBlocks() {
        for (int seed = 1000; seed < 1000 + cases(8); seed++) {
            check(seed, 1, rows(900));
        }
    }

    @Test
    public void staysExactForLargeScores() {
        for (int seed = 2000; seed < 2000 + cases(16); seed++) {
            check(seed, 100, rows(150));
        }
    }

    /** Keys of 256 and values of 2,048 dimensions, one head. */
    @Test
    public void agreesWithTheScalarKernelForMegalodonsReleasedHeads() {
        try (TensorArena arena = new TensorArena()) {
            AttentionPlan plan = AttentionPlan.of(new AttentionPattern.Chunked(200), true, 1 / 16.0);
            Case c = randomCase(arena, new Random(3000), 1, rows(300), rows(300), 1, 256, 2048, plan);
            Result expected = expected(arena, c);
            Result actual = run(arena, attention, TWO, c);
            close("out", actual.out, expected.out, 4e-6 + rounding());
            close("lse", actual.lse, expected.lse, 4e-6);
            close("dv", actual.dv, expected.dv, 4e-6 + rounding());
            close("dq", actual.dq, expected.dq, 2e-5 + rounding());
            close("dk", actual.dk, expected.dk, 2e-5 + rounding());
        }
    }

    @Test
    public void leavesRowsThatSeeNoKeyAsTheyWere() {
        try (TensorArena arena = new TensorArena()) {
            Case c = randomCase(arena, new Random(7), 1, 40, 8, 8,
                    AttentionPlan.dense(1).withMask(arena.allocate(DType.U8, 1, 1, 40)));
            Result r = run(arena, attention, TWO, c);
            assertThat(r.lse.toFloats()).containsOnly(Float.NEGATIVE_INFINITY);
            assertThat(r.out.toFloats()).containsOnly(0f);
            assertThat(r.dq.toFloats()).containsOnly(0f);
            assertThat(r.dk.toFloats()).containsOnly(0f);
            assertThat(r.dv.toFloats()).containsOnly(0f);
        }
    }

    @Test
    public void passesNaNOn() {
        try (TensorArena arena = new TensorArena()) {
            Case c = randomCase(arena, new Random(8), 1, 20, 8, 8, AttentionPlan.causal(1));
            float[] q = c.q.toFloats();
            int rowLength = q.length / (int) (c.q.size(0) * c.q.size(1));
            java.util.Arrays.fill(q, 5 * rowLength, 6 * rowLength, Float.NaN);
            Result r = run(arena, attention, ONE, new Case(c.plan, arena.allocate(storage(), c.q.shape()).set(q), c.k, c.v,
                    c.dOut, c.dLse));
            assertThat(r.lse.get(0, 0, 5)).isNaN();
            assertThat(r.out.get(0, 5, 0, 0)).isNaN();
            assertThat(r.lse.get(0, 0, 4)).isFinite();
        }
    }

    @Test
    public void givesTheSameBitsForAnyThreadsRunsAndBatchPositions() {
        for (int seed = 3000; seed < 3000 + cases(20); seed++) {
            try (TensorArena arena = new TensorArena()) {
                Random random = new Random(seed);
                int n = 1 + random.nextInt(rows(400));
                AttentionPlan plan = randomPlan(arena, random, 2, n, n, 24, 1);
                if (plan.mask() != null || plan.documents() != null || plan.dropout() != null) {
                    continue; // these depend on the batch row
                }
                Case c = randomCase(arena, random, 2, n, n, 3, 24, 40, plan);
                for (Tensor t : List.of(c.q, c.k, c.v, c.dOut, c.dLse)) {
                    t.slice(0, 1, 2).copyFrom(t.slice(0, 0, 1));
                }
                Result one = run(arena, attention, ONE, c);
                Result two = run(arena, attention, TWO, c);
                for (List<Tensor> pair : List.of(List.of(one.out, two.out), List.of(one.lse, two.lse),
                        List.of(one.dq, two.dq), List.of(one.dk, two.dk), List.of(one.dv, two.dv))) {
                    float[] bits = pair.get(0).toFloats();
                    assertThat(pair.get(1).toFloats()).as("threads, seed=%d, plan=%s", seed, plan).isEqualTo(bits);
                    assertThat(pair.get(0).slice(0, 1, 2).toFloats()).as("batch, seed=%d, plan=%s", seed, plan)
                            .isEqualTo(pair.get(0).slice(0, 0, 1).toFloats());
                }
            }
        }
    }

    @Test
    public void aQueryAloneGetsWhatItGetsAmongOthers() {
        for (int seed = 5000; seed < 5000 + cases(60); seed++) {
            try (TensorArena arena = new TensorArena()) {
                Random random = new Random(seed);
                int keys = 1 + random.nextInt(rows(300));
                int queries = 1 + random.nextInt(keys);
                int dim = DIMS[random.nextInt(DIMS.length)];
                int valueDim = DIMS[random.nextInt(DIMS.length)];
                AttentionPlan plan = randomPlan(arena, random, 2, queries, keys, dim, 1).withMask(null).withDropout(null);
                Case c = randomCase(arena, random, 2, queries, keys, 3, dim, valueDim, plan);
                Tensor out = arena.allocate(storage(), 2, queries, 3, valueDim);
                Tensor lse = arena.allocate(DType.F32, 2, 3, queries).fill(Double.NEGATIVE_INFINITY);
                attention.forward(TWO, plan, c.q, c.k, c.v, out, lse);
                for (int row : new int[] {0, random.nextInt(queries), queries - 1}) {
                    Tensor one = arena.allocate(storage(), 2, 1, 3, valueDim);
                    Tensor oneLse = arena.allocate(DType.F32, 2, 3, 1).fill(Double.NEGATIVE_INFINITY);
                    attention.forward(TWO, plan.withFirstQuery(plan.firstQuery() + row), c.q.slice(1, row, row + 1), c.k, c.v,
                            one, oneLse);
                    String what = "seed=%d, row=%d of %d, keys=%d, dim=%d, valueDim=%d, plan=%s".formatted(seed, row, queries,
                            keys, dim, valueDim, plan);
                    close(what, one, out.slice(1, row, row + 1), 4e-6 + rounding());
                    close(what, oneLse, lse.slice(2, row, row + 1), 4e-6);
                    if (queriesKeepTheirBits()) {
                        assertThat(one.toFloats()).as(what).isEqualTo(out.slice(1, row, row + 1).toFloats());
                        assertThat(oneLse.toFloats()).as(what).isEqualTo(lse.slice(2, row, row + 1).toFloats());
                    }
                }
            }
        }
    }

    @Test
    public void givesTheSameBitsWhereOneTaskIsSplitBetweenThreads() {
        for (int seed = 4000; seed < 4000 + cases(4); seed++) {
            try (TensorArena arena = new TensorArena()) {
                Random random = new Random(seed);
                AttentionPlan plan = AttentionPlan.causal(0.2).withGradient(seed % 2 == 0
                        ? AttentionPlan.Gradient.EXACT : AttentionPlan.Gradient.DETACHED);
                Case c = randomCase(arena, random, 1, rows(1700), rows(1700), 1, 24, 40, plan);
                Result one = run(arena, attention, ONE, c);
                Result two = run(arena, attention, TWO, c);
                assertThat(two.dq.toFloats()).as("dq, seed=%d", seed).isEqualTo(one.dq.toFloats());
                assertThat(two.dk.toFloats()).as("dk, seed=%d", seed).isEqualTo(one.dk.toFloats());
                assertThat(two.dv.toFloats()).as("dv, seed=%d", seed).isEqualTo(one.dv.toFloats());
            }
        }
    }

    private void check(int seed, double sharpness, int most) {
        try (TensorArena arena = new TensorArena()) {
            Random random = new Random(seed);
            int keys = random.nextInt(8) == 0 ? random.nextInt(most + 1) : most;
            int queries = random.nextInt(3) == 0 ? 1 + random.nextInt(most) : keys;
            int dim = DIMS[random.nextInt(DIMS.length)];
            int valueDim = random.nextInt(20) == 0 ? 300 : DIMS[random.nextInt(DIMS.length)];
            int batch = 1 + random.nextInt(2);
            AttentionPlan plan = randomPlan(arena, random, batch, queries, keys, dim, sharpness);
            Case c = randomCase(arena, random, batch, queries, keys, 1 + random.nextInt(4), dim, valueDim, plan);
            Result expected = expected(arena, c);
            Result actual = run(arena, attention, TWO, c);
            String what = "seed=%d, queries=%d, keys=%d, heads=%d, dim=%d, valueDim=%d, plan=%s".formatted(seed,
                    queries,
                    keys, c.q.size(2), dim, valueDim, plan);
            // Scores of size s carry errors of s · 2^-24 a few times over; probabilities carry them on.
            double error = 4e-6 * sharpness;
            close(what + ": out", actual.out, expected.out, error + rounding());
            close(what + ": lse", actual.lse, expected.lse, error);
            close(what + ": dv", actual.dv, expected.dv, error + rounding());
            close(what + ": dq", actual.dq, expected.dq, 2 * error + rounding());
            close(what + ": dk", actual.dk, expected.dk, 2 * error + rounding());
        }
    }

    private Case randomCase(TensorArena arena, Random random, int batch, int n, int dim, int valueDim,
            AttentionPlan plan) {
        return randomCase(arena, random, batch, n, n, 3, dim, valueDim, plan);
    }

    private Case randomCase(TensorArena arena, Random random, int batch, int queries, int keys, int heads,
            int dim,
            int valueDim, AttentionPlan plan) {
        return new Case(plan, rows(arena, random, batch, queries, heads, dim), rows(arena, random, batch, keys, heads,
                dim),
                rows(arena, random, batch, keys, heads, valueDim), rows(arena, random, batch, queries, heads, valueDim),
                normal(arena, random, batch, heads, queries));
    }

    /** Rows of some heads, half of the time as a view of a wider projection. */
    private Tensor rows(TensorArena arena, Random random, int batch, int n, int heads, int dim) {
        return random.nextBoolean() ? stored(arena, normal(arena, random, batch, n, heads, dim))
                : stored(arena, normal(arena, random, batch, n, heads + 2, dim + 5)).slice(2, 1, heads + 1).slice(3, 2, dim + 2);
    }

    private Tensor stored(TensorArena arena, Tensor t) {
        return t.dtype() == storage() ? t : arena.allocate(storage(), t.shape()).copyFrom(t);
    }

    /** What the reference makes of the same numbers. */
    private static Result expected(TensorArena arena, Case c) {
        return run(arena, REFERENCE, TWO, new Case(c.plan, wide(arena, c.q), wide(arena, c.k), wide(arena, c.v),
                wide(arena, c.dOut), c.dLse));
    }

    private static Tensor wide(TensorArena arena, Tensor t) {
        return t.dtype() == DType.F32 ? t : arena.allocate(DType.F32, t.shape()).copyFrom(t);
    }

    private static AttentionPlan randomPlan(TensorArena arena, Random random, int batch, int queries, int keys, int dim,
            double sharpness) {
        boolean causal = random.nextInt(3) > 0;
        AttentionPattern pattern = switch (random.nextInt(7)) {
            case 0 -> new AttentionPattern.Chunked(1 + random.nextInt(100));
            case 1 -> new AttentionPattern.BlockLocal(1 + random.nextInt(50), random.nextInt(3), random.nextInt(2));
            case 2 -> {
                causal = true;
                long block = 1L + random.nextInt(60);
                yield new AttentionPattern.FixedSparse(block, 1 + random.nextInt((int) block));
            }
            case 3, 4 -> {
                List<AttentionPattern.Branch> schedule = new ArrayList<>();
                for (int i = 0; i <= random.nextInt(4); i++) {
                    long segment = 1L + random.nextInt(2 * keys + 2);
                    schedule.add(new AttentionPattern.Branch(segment, 1 + random.nextInt((int) Math.min(segment, 12))));
                }
                yield new AttentionPattern.Dilated(schedule, random.nextBoolean() ? HeadOffset.GROUPED
                        : HeadOffset.MODULO,
                        random.nextBoolean() ? PadKeys.COUNT : PadKeys.MASK);
            }
            default -> new AttentionPattern.Dense();
        };
        AttentionPlan plan = AttentionPlan.of(pattern, causal, sharpness / Math.sqrt(dim));
        if (queries < keys) {
            plan = plan.withFirstQuery(random.nextInt(keys - queries + 1));
        }
        if (causal && random.nextInt(4) == 0) {
            plan = plan.withBlockwise(2L * (1 + random.nextInt(60)));
        }
        if (random.nextInt(4) == 0) {
            plan = plan.withGradient(AttentionPlan.Gradient.DETACHED);
        }
        if (random.nextInt(5) == 0) {
            plan = plan.withMask(mask(arena, random, batch, queries, keys));
        }
        if (random.nextInt(5) == 0) {
            plan = plan.withDocuments(documents(random, batch, Math.max(1, keys)));
        }
        if (causal && random.nextInt(4) == 0) {
            double[] rates = new double[dim];
            for (int d = 0; d < dim; d++) {
                rates[d] = -random.nextDouble() * 0.5;
            }
            plan = plan.withDecay(new Decay(1 + random.nextInt(150), rates));
        }
        return random.nextInt(6) == 0 ? plan.withDropout(new Dropout(0.3, random.nextLong(), 5)) : plan;
    }

    private static Tensor mask(TensorArena arena, Random random, int batch, int queries, int keys) {
        Tensor mask = arena.allocate(DType.U8, random.nextBoolean() ? 1 : batch, random.nextBoolean() ? 1 : queries,
                keys);
        long[] visible = new long[(int) mask.elements()];
        for (int i = 0; i < visible.length; i++) {
            visible[i] = random.nextInt(3) > 0 ? 1 : 0;
        }
        return mask.set(visible);
    }

    private static Documents documents(Random random, int batch, int keys) {
        long[][] starts = new long[batch][];
        for (int b = 0; b < batch; b++) {
            TreeSet<Long> set = new TreeSet<>(List.of(0L));
            for (int i = 0; i < random.nextInt(5); i++) {
                set.add((long) random.nextInt(keys));
            }
            starts[b] = set.stream().mapToLong(x -> x).toArray();
        }
        return Documents.of(starts);
    }

    private static Result run(TensorArena arena, AttentionKernel kernel, Parallel parallel, Case c) {
        Tensor out = arena.allocate(c.q.dtype(), c.q.size(0), c.q.size(1), c.q.size(2), c.v.size(3));
        Tensor lse = arena.allocate(DType.F32, c.q.size(0), c.q.size(2), c.q.size(1)).fill(Double.NEGATIVE_INFINITY);
        kernel.forward(parallel, c.plan, c.q, c.k, c.v, out, lse);
        Tensor dq = arena.allocate(DType.F32, c.q.shape());
        Tensor dk = arena.allocate(DType.F32, c.k.shape());
        Tensor dv = arena.allocate(DType.F32, c.v.shape());
        @Nullable Tensor dLse = c.plan.gradient() == AttentionPlan.Gradient.EXACT ? c.dLse : null;
        kernel.backward(parallel, c.plan, c.q, c.k, c.v, out, lse, c.dOut, dLse, dq, dk, dv);
        return new Result(out, lse, dq, dk, dv);
    }

    /** {@code |a − e| ≤ error · (largest + 1e-3)}, and −∞ only where −∞ is. */
    private static void close(String what, Tensor actual, Tensor expected, double error) {
        float[] a = actual.toFloats();
        float[] e = expected.toFloats();
        double largest = 1e-3;
        for (float x : e) {
            largest = Math.max(largest, Float.isInfinite(x) ? 0 : Math.abs(x));
        }
        for (int i = 0; i < e.length; i++) {
            if (a[i] != e[i] && !(Math.abs((double) a[i] - e[i]) <= Reference.tolerance(error) * (1e-3 + largest))) {
                throw new AssertionError("%s: element %d is %s, expected %s, largest %s".formatted(what, i, a[i], e[i],
                        largest));
            }
        }
    }

    private static Tensor normal(TensorArena arena, Random random, long... shape) {
        Tensor t = arena.allocate(DType.F32, shape);
        float[] values = new float[(int) t.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return t.set(values);
    }
}
