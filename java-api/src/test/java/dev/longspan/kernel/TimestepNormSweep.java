package dev.longspan.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Timestep norms against the scalar kernel; the same bits however they run. */
public abstract class TimestepNormSweep {

    private static final TimestepNormKernel REFERENCE = Reference.kernels().timestepNorm();
    private static final Parallel ONE = Parallel.of(1);
    private static final Parallel TWO = Parallel.of(2);

    private final TimestepNormKernel norm;

    protected TimestepNormSweep(TimestepNormKernel norm) {
        this.norm = norm;
    }

    /** How many of so many random cases run: fewer where a kernel is slow to run, not where it is slow to check. */
    protected int cases(int all) {
        return all;
    }

    /** How many rows a sequence has of at most so many. */
    protected int rows(int all) {
        return all;
    }

    @Test
    public void agreesWithTheScalarKernelForAnySizesDocumentsAndPadding() {
        for (int seed = 0; seed < cases(200); seed++) {
            try (TensorArena arena = new TensorArena()) {
                Random random = new Random(seed);
                RandomNorms norms = new RandomNorms(arena, random, DType.F32);
                int batch = 1 + random.nextInt(3);
                int rows = 1 + random.nextInt(100);
                TimestepNormPlan plan = TimestepNormPlan.of(random.nextInt(2), 1e-3)
                        .withDocuments(documents(random, rows), random.nextInt(3))
                        .withPadding(random.nextInt(3) == 0 ? norms.padding(batch, rows) : null);
                RandomNorms.Case of = norms.norm(plan, batch, rows, 1 + random.nextInt(20),
                        random.nextInt(4) == 0 ? 16 << random.nextInt(4) : 2 + random.nextInt(40),
                        random.nextBoolean(), random.nextBoolean());
                RandomNorms.Result expected = norms.run(REFERENCE, TWO, of, true);
                RandomNorms.Result actual = norms.run(norm, TWO, of, true);
                String name = "seed=" + seed + ", x=" + of.x() + ", groups=" + of.fresh().groups() + ", plan=" + plan;
                check("y, " + name, actual.y(), expected.y());
                check("mean, " + name, actual.last().mean(), expected.last().mean());
                check("var, " + name, actual.last().var(), expected.last().var());
                assertThat(actual.last().count().toLongs()).as(name).isEqualTo(expected.last().count().toLongs());
                check("dx, " + name, actual.dx(), expected.dx());
                check("dWeight, " + name, actual.dWeight(), expected.dWeight());
                check("dBias, " + name, actual.dBias(), expected.dBias());
                check("dFresh, " + name, actual.dFresh().mean(), expected.dFresh().mean(), 1e-4); // differences of larger sums
                check("dFresh, " + name, actual.dFresh().var(), expected.dFresh().var(), 1e-4); // differences of larger sums
                check("dStart, " + name, actual.dStart().mean(), expected.dStart().mean(), 1e-4); // differences of larger sums
                check("dStart, " + name, actual.dStart().var(), expected.dStart().var(), 1e-4); // differences of larger sums
            }
        }
    }

    @Test
    public void givesTheSameBitsForAnyThreadsAndPartitions() {
        for (int seed = 1000; seed < 1000 + cases(10); seed++) {
            try (TensorArena arena = new TensorArena()) {
                Random random = new Random(seed);
                RandomNorms norms = new RandomNorms(arena, random, DType.F32);
                RandomNorms.Case of = norms.norm(TimestepNormPlan.of(1, 1e-5), 1, 90, 40, 16, true, true);
                RandomNorms.Result one = norms.run(norm, ONE, of, true);
                RandomNorms.Result two = norms.run(norm, TWO, of, true);
                assertThat(two.y().toFloats()).as("y, seed=" + seed).isEqualTo(one.y().toFloats());
                assertThat(two.dx().toFloats()).as("dx, seed=" + seed).isEqualTo(one.dx().toFloats());
                assertThat(two.dWeight().toFloats()).as("dWeight, seed=" + seed).isEqualTo(one.dWeight().toFloats());
                Moments state = of.start();
                for (int from = 0; from < 90;) {
                    int to = Math.min(90, from + 1 + random.nextInt(40));
                    RandomNorms.Result part = norms.run(norm, TWO, of.with(of.plan(), of.x().slice(1, from, to), state), false);
                    assertThat(part.y().toFloats()).as("rows " + from + " to " + to + ", seed=" + seed)
                            .isEqualTo(one.y().slice(1, from, to).toFloats());
                    state = part.last();
                    from = to;
                }
            }
        }
    }

    @Test
    public void numbersFarFromZeroKeepTheirPrecisionForever() {
        try (TensorArena arena = new TensorArena()) {
            int rows = rows(100_000);
            RandomNorms norms = new RandomNorms(arena, new Random(3), DType.F32);
            RandomNorms.Case of = norms.norm(TimestepNormPlan.of(1, 1e-5), 1, rows, 1, 16, false, false);
            float[] values = of.x().toFloats();
            for (int i = 0; i < values.length; i++) {
                values[i] = 1000 + 0.1f * values[i];
            }
            of.x().set(values);
            of.fresh().count().set(new long[] {0});
            RandomNorms.Result expected = norms.run(REFERENCE, TWO, of, false);
            RandomNorms.Result actual = norms.run(norm, TWO, of, false);
            check("y", actual.y(), expected.y());
            check("var", actual.last().var(), expected.last().var());
        }
    }

    private static @Nullable Documents documents(Random random, int rows) {
        return random.nextBoolean() ? null : Documents.of(new long[] {0, 1 + random.nextInt(rows), 200});
    }

    /** Sums of at most 128 terms in float32, moments in double. */
    private void check(String name, @Nullable Tensor actual, @Nullable Tensor expected) {
        check(name, actual, expected, 2e-5);
    }

    /** Relative to the largest element. */
    private void check(String name, @Nullable Tensor actual, @Nullable Tensor expected, double tolerance) {
        double[] a = Objects.requireNonNull(actual).toDoubles();
        double[] b = Objects.requireNonNull(expected).toDoubles();
        double error = 0;
        double largest = 1e-3;
        for (int i = 0; i < a.length; i++) {
            error = Math.max(error, Double.isNaN(a[i]) ? Double.POSITIVE_INFINITY : Math.abs(a[i] - b[i]));
            largest = Math.max(largest, Math.abs(b[i]));
        }
        assertThat(error / largest).as(name).isLessThan(Reference.tolerance(tolerance));
    }
}
