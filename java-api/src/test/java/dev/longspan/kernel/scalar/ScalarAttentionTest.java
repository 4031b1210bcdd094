package dev.longspan.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.kernel.AttentionOracle;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.AttentionPlan.Gradient;
import dev.longspan.kernel.Decay;
import dev.longspan.kernel.Dropout;
import dev.longspan.kernel.RandomPlans;
import dev.longspan.kernel.RandomTensors;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Random;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Against {@link AttentionOracle} and its central differences, in float64. */
class ScalarAttentionTest {

    private final ScalarAttention attention = new ScalarAttention();
    private final Parallel parallel = Parallel.of(2);

    /** Operands and results of one drawn case: B batch, Nq queries, Nk keys, H heads, D and Dv dimensions. */
    private static final class Case {
        final RandomPlans drawn;
        final Tensor q;
        final Tensor k;
        final Tensor v;
        final Tensor out;
        final Tensor lse;
        final String name;

        Case(TensorArena arena, int seed, int most, DType dtype) {
            Random random = new Random(seed);
            RandomTensors tensors = new RandomTensors(arena, random, dtype);
            int keys = 1 + random.nextInt(most);
            int firstQuery = random.nextInt(3) == 0 ? random.nextInt(keys) : 0;
            int queries = keys - firstQuery;
            int batch = 1 + random.nextInt(2);
            int heads = 1 + random.nextInt(3);
            int dim = 1 + random.nextInt(4);
            RandomPlans plain = RandomPlans.draw(random, heads, keys, firstQuery);
            AttentionPlan plan = plain.plan();
            if (random.nextInt(3) == 0) {
                plan = plan.withMask(mask(arena, random, random.nextBoolean() ? 1 : batch,
                        random.nextBoolean() ? 1 : queries, keys));
            }
            if (random.nextInt(3) == 0) {
                double[] rates = random.doubles(dim, -3.0 / keys, 0).toArray();
                plan = plan.withDecay(new Decay(1 + random.nextInt(4), rates));
            }
            if (random.nextInt(3) == 0) {
                plan = plan.withDropout(new Dropout(0.4, seed, 3));
            }
            drawn = new RandomPlans(plan, plain.definition());
            q = tensors.headsFirst(batch, queries, heads, dim);
            k = tensors.contiguous(batch, keys, heads, dim);
            v = tensors.headsFirst(batch, keys, heads, 1 + random.nextInt(5));
            out = tensors.headsFirst(batch, queries, heads, v.size(3)).fill(0);
            lse = tensors.contiguous(batch, heads, queries).fill(Double.NEGATIVE_INFINITY);
            name = "seed=" + seed + " keys=" + keys + " heads=" + heads + " " + plan;
        }

        private static Tensor mask(TensorArena arena, Random random, long batch, long queries, long keys) {
            double[] visible = random.doubles(batch * queries * keys).map(x -> x < 0.7 ? 1 : 0).toArray();
            return arena.allocate(DType.U8, batch, queries, keys).set(visible);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F64"})
    void outputAndLogSumExpAreThoseOfTheClosedForm(DType dtype) {
        for (int seed = 0; seed < 120; seed++) {
            try (TensorArena arena = new TensorArena()) {
                Case c = new Case(arena, seed, 30, dtype);
                attention.forward(parallel, c.drawn.plan(), c.q, c.k, c.v, c.out, c.lse);
                AttentionOracle oracle = new AttentionOracle(c.drawn, c.q, c.k, c.v);
                for (long b = 0; b < c.q.size(0); b++) {
                    for (long i = 0; i < c.q.size(1); i++) {
                        for (int h = 0; h < c.q.size(2); h++) {
                            AttentionOracle.Row row = oracle.row(b, i, h);
                            // Between branches the log-sum-exp is rounded to its own size, and weights by as much.
                            double bound = (1 + Math.abs(row.lse() == Double.NEGATIVE_INFINITY ? 0 : row.lse()))
                                    * (dtype == DType.F32 ? 1e-6 : 1e-13);
                            String where = c.name + " batch=" + b + " query=" + i + " head=" + h;
                            assertThat(c.lse.get(b, h, i)).as(where).isCloseTo(row.lse(), within(bound));
                            assertThat(c.out.select(0, b).select(0, i).select(0, h).toDoubles()).as(where)
                                    .containsExactly(row.out(), within(bound));
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void gradientsAreThoseOfCentralDifferences(Gradient mode) {
        for (int seed = 0; seed < 40; seed++) {
            try (TensorArena arena = new TensorArena()) {
                Case c = new Case(arena, seed, 9, DType.F64);
                AttentionPlan plan = c.drawn.plan().withGradient(mode);
                RandomTensors tensors = new RandomTensors(arena, new Random(seed), DType.F64);
                Tensor dOut = tensors.headsFirst(c.q.size(0), c.q.size(1), c.q.size(2), c.v.size(3));
                Tensor dLse = seed % 3 == 0 ? null : tensors.contiguous(c.lse.shape());
                attention.forward(parallel, plan, c.q, c.k, c.v, c.out, c.lse);
                Tensor dq = tensors.headsFirst(c.q.size(0), c.q.size(1), c.q.size(2), c.q.size(3));
                Tensor dk = tensors.headsFirst(c.k.size(0), c.k.size(1), c.k.size(2), c.k.size(3));
                Tensor dv = tensors.contiguous(c.v.shape());
                Tensor[] before = {tensors.copy(dq), tensors.copy(dk), tensors.copy(dv)};
                attention.backward(parallel, plan, c.q, c.k, c.v, c.out, c.lse, dOut, dLse, dq, dk, dv);
                DoubleSupplier loss = mode == Gradient.EXACT ? () -> exactLoss(c, dOut, dLse) : detachedLoss(c, dOut);
                Differences.check("q of " + c.name, c.q, before[0], dq, loss);
                Differences.check("k of " + c.name, c.k, before[1], dk, loss);
                Differences.check("v of " + c.name, c.v, before[2], dv, loss);
            }
        }
    }

    /** {@code Σ dOut ⊙ out + Σ dLse ⊙ lse} by the oracle; queries without keys have no say. */
    private static double exactLoss(Case c, Tensor dOut, @Nullable Tensor dLse) {
        AttentionOracle oracle = new AttentionOracle(c.drawn, c.q, c.k, c.v);
        double loss = 0;
        for (long b = 0; b < c.q.size(0); b++) {
            for (long i = 0; i < c.q.size(1); i++) {
                for (int h = 0; h < c.q.size(2); h++) {
                    AttentionOracle.Row row = oracle.row(b, i, h);
                    loss += dot(row.out(), dOut, b, i, h);
                    loss += dLse == null || row.lse() == Double.NEGATIVE_INFINITY ? 0 : row.lse() * dLse.get(b, h, i);
                }
            }
        }
        return loss;
    }

    /** {@code Σ dOut ⊙ Σᵢ αᵢ Oᵢ} with the mixing weights αᵢ of now, held constant. */
    private static DoubleSupplier detachedLoss(Case c, Tensor dOut) {
        AttentionOracle oracle = new AttentionOracle(c.drawn, c.q, c.k, c.v);
        int branches = c.drawn.plan().pattern().branches();
        long heads = c.q.size(2);
        double[] weights = new double[Math.toIntExact(c.lse.elements() * branches)];
        int n = 0;
        for (long b = 0; b < c.q.size(0); b++) {
            for (long i = 0; i < c.q.size(1); i++) {
                for (int h = 0; h < heads; h++) {
                    double all = oracle.row(b, i, h).lse();
                    for (int branch = 0; branch < branches; branch++) {
                        weights[n++] = all == Double.NEGATIVE_INFINITY ? 0
                                : Math.exp(oracle.row(b, i, h, branch, branch + 1).lse() - all);
                    }
                }
            }
        }
        return () -> {
            double loss = 0;
            int at = 0;
            for (long b = 0; b < c.q.size(0); b++) {
                for (long i = 0; i < c.q.size(1); i++) {
                    for (int h = 0; h < heads; h++) {
                        for (int branch = 0; branch < branches; branch++) {
                            loss += weights[at++] * dot(oracle.row(b, i, h, branch, branch + 1).out(), dOut, b, i, h);
                        }
                    }
                }
            }
            return loss;
        };
    }

    private static double dot(double[] out, Tensor dOut, long b, long i, long h) {
        double sum = 0;
        for (int d = 0; d < out.length; d++) {
            sum += out[d] * dOut.get(b, i, h, d);
        }
        return sum;
    }

    @Test
    void keysThatArriveInPartsMergeToTheWholeAndTheirGradientsNeedOnlyTheFinalOutput() {
        try (TensorArena arena = new TensorArena()) {
            RandomTensors tensors = new RandomTensors(arena, new Random(1), DType.F64);
            AttentionPlan plan = AttentionPlan.dense(0.7);
            Tensor q = tensors.contiguous(2, 5, 3, 4);
            Tensor k = tensors.contiguous(2, 11, 3, 4);
            Tensor v = tensors.contiguous(2, 11, 3, 6);
            Tensor dOut = tensors.contiguous(2, 5, 3, 6);
            Tensor[][] results = new Tensor[2][];
            for (int parts = 1; parts <= 2; parts++) {
                long[] cuts = parts == 1 ? new long[]{0, 11} : new long[]{0, 4, 4, 11};
                Tensor out = arena.allocate(DType.F64, 2, 5, 3, 6);
                Tensor lse = arena.allocate(DType.F64, 2, 3, 5).fill(Double.NEGATIVE_INFINITY);
                Tensor dq = arena.allocate(DType.F64, q.shape());
                Tensor dk = arena.allocate(DType.F64, k.shape());
                Tensor dv = arena.allocate(DType.F64, v.shape());
                for (int i = 0; i + 1 < cuts.length; i++) {
                    attention.forward(parallel, plan, q, k.slice(1, cuts[i], cuts[i + 1]), v.slice(1, cuts[i], cuts[i + 1]),
                            out, lse);
                }
                for (int i = 0; i + 1 < cuts.length; i++) {
                    attention.backward(parallel, plan, q, k.slice(1, cuts[i], cuts[i + 1]), v.slice(1, cuts[i], cuts[i + 1]),
                            out, lse, dOut, null, dq, dk.slice(1, cuts[i], cuts[i + 1]), dv.slice(1, cuts[i], cuts[i + 1]));
                }
                results[parts - 1] = new Tensor[]{out, lse, dq, dk, dv};
            }
            for (int i = 0; i < 5; i++) {
                assertThat(results[1][i].toDoubles()).as("result " + i)
                        .containsExactly(results[0][i].toDoubles(), within(1e-13));
            }
        }
    }

    @Test
    void hugeScoresNeitherOverflowNorLoseTheSmallOnes() {
        try (TensorArena arena = new TensorArena()) {
            Tensor q = arena.allocate(DType.F64, 1, 1, 1, 1).set(1);
            Tensor k = arena.allocate(DType.F64, 1, 3, 1, 1).set(5000, 5000 - Math.log(3), -5000);
            Tensor v = arena.allocate(DType.F64, 1, 3, 1, 1).set(1, 5, 1e9);
            Tensor out = arena.allocate(DType.F64, 1, 1, 1, 1);
            Tensor lse = arena.allocate(DType.F64, 1, 1, 1).fill(Double.NEGATIVE_INFINITY);
            attention.forward(parallel, AttentionPlan.dense(1), q, k, v, out, lse);
            assertThat(out.item()).isCloseTo(2, within(1e-11));
            assertThat(lse.item()).isCloseTo(5000 + Math.log(4.0 / 3), within(1e-11));
        }
    }

    @Test
    void emptyOperandsAreNoWork() {
        try (TensorArena arena = new TensorArena()) {
            for (long[] size : new long[][]{{0, 3, 3, 2}, {1, 0, 3, 2}, {1, 3, 0, 2}, {1, 3, 3, 0}}) {
                Tensor q = arena.allocate(DType.F32, size[0], size[1], size[3], 4);
                Tensor k = arena.allocate(DType.F32, size[0], size[2], size[3], 4);
                Tensor out = arena.allocate(DType.F32, q.shape());
                Tensor lse = arena.allocate(DType.F32, size[0], size[3], size[1]).fill(Double.NEGATIVE_INFINITY);
                attention.forward(parallel, AttentionPlan.causal(1), q, k, k, out, lse);
                attention.backward(parallel, AttentionPlan.causal(1), q, k, k, out, lse, out, null,
                        arena.allocate(DType.F32, q.shape()), arena.allocate(DType.F32, k.shape()),
                        arena.allocate(DType.F32, k.shape()));
                assertThat(out.toDoubles()).containsOnly(new double[out.toDoubles().length]);
            }
        }
    }

    @Test
    void threadsDoNotChangeABit() {
        for (int seed = 0; seed < 30; seed++) {
            try (TensorArena arena = new TensorArena()) {
                Case one = new Case(arena, seed, 20, DType.F32);
                Case three = new Case(arena, seed, 20, DType.F32);
                attention.forward(Parallel.of(1), one.drawn.plan(), one.q, one.k, one.v, one.out, one.lse);
                attention.forward(Parallel.of(3), three.drawn.plan(), three.q, three.k, three.v, three.out, three.lse);
                assertThat(three.out.toFloats()).as(one.name).isEqualTo(one.out.toFloats());
                assertThat(three.lse.toFloats()).as(one.name).isEqualTo(one.lse.toFloats());
            }
        }
    }
}
