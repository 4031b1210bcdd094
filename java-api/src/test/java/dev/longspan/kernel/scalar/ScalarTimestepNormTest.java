package dev.longspan.kernel.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.kernel.Documents;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.RandomNorms;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class ScalarTimestepNormTest {

    private final TensorArena arena = new TensorArena();
    private final Random random = new Random(5);
    private final RandomNorms norms = new RandomNorms(arena, random, DType.F64);
    private final ScalarTimestepNorm kernel = new ScalarTimestepNorm();
    private final Parallel parallel = Parallel.of(2);

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void momentsAreThoseOfAllNumbersSoFar() {
        Moments nothing = new Moments(arena.allocate(DType.I64, 1), doubles(1, 2).fill(7), doubles(1, 2).fill(9));
        RandomNorms.Case random = norms.norm(TimestepNormPlan.of(1, 1e-3), 1, 40, 2, 3, true, false);
        RandomNorms.Case of = new RandomNorms.Case(random.plan(), random.x(), random.weight(), random.bias(), nothing, null,
                random.dy(), random.dMean(), random.dVar());
        RandomNorms.Result r = norms.run(kernel, parallel, of, false);
        for (int g = 0; g < 2; g++) {
            double sum = 0;
            double squares = 0;
            for (int t = 0; t < 40; t++) {
                for (int j = 3 * g; j < 3 * g + 3; j++) {
                    sum += of.x().get(0, t, j);
                    squares += of.x().get(0, t, j) * of.x().get(0, t, j);
                }
                double mean = sum / (3 * t + 3);
                double var = squares / (3 * t + 3) - mean * mean;
                int j = 3 * g + 1;
                double y = (of.x().get(0, t, j) - mean) / Math.sqrt(var + 1e-3)
                        * (Objects.requireNonNull(of.weight()).get(j) + 1) + Objects.requireNonNull(of.bias()).get(j);
                assertThat(r.y().get(0, t, j)).as("row " + t).isCloseTo(y, within(1e-10));
            }
        }
        assertThat(r.last().count().toLongs()).containsExactly(40);
    }

    @Test
    void gradientsAreThoseOfCentralDifferences() {
        for (boolean carried : new boolean[] {true, false}) {
            for (boolean padded : new boolean[] {true, false}) {
                TimestepNormPlan plan = TimestepNormPlan.of(0.5, 1e-2)
                        .withDocuments(Documents.of(new long[] {0, 5}, new long[] {0, 2, 9, 10}), 1)
                        .withPadding(padded ? norms.padding(2, 12) : null);
                RandomNorms.Case of = norms.norm(plan, 2, 12, 2, 3, true, carried);
                of.fresh().count().set(new long[] {2});
                RandomNorms.Result r = norms.run(kernel, parallel, of, true);
                check("x", of.x(), r.dx(), of);
                check("weight", Objects.requireNonNull(of.weight()), r.dWeight(), of);
                check("bias", Objects.requireNonNull(of.bias()), r.dBias(), of);
                check("fresh mean", of.fresh().mean(), Objects.requireNonNull(r.dFresh().mean()), of);
                check("fresh var", of.fresh().var(), Objects.requireNonNull(r.dFresh().var()), of);
                Moments start = of.start();
                if (start != null) {
                    check("start mean", start.mean(), Objects.requireNonNull(r.dStart().mean()), of);
                    check("start var", start.var(), Objects.requireNonNull(r.dStart().var()), of);
                }
            }
        }
    }

    private void check(String name, Tensor x, Tensor gradient, RandomNorms.Case of) {
        Differences.check(name + " of " + of.plan(), x, arena.allocate(x.dtype(), x.shape()), gradient, () -> {
            RandomNorms.Result r = norms.run(kernel, parallel, of, false);
            return Differences.dot(r.y(), of.dy()) + Differences.dot(r.last().mean(), of.dMean())
                    + Differences.dot(r.last().var(), of.dVar());
        });
    }

    @Test
    void anyPartitionGivesTheSameBits() {
        RandomNorms.Case of = norms.norm(TimestepNormPlan.of(1, 1e-5), 1, 60, 3, 4, true, true);
        RandomNorms.Result whole = norms.run(kernel, parallel, of, false);
        Moments state = of.start();
        for (int from = 0; from < 60;) {
            int to = Math.min(60, from + 1 + random.nextInt(20));
            RandomNorms.Result part = norms.run(kernel, parallel, of.with(of.plan(), of.x().slice(1, from, to), state), false);
            assertThat(part.y().toDoubles()).as("rows " + from + " to " + to).isEqualTo(whole.y().slice(1, from, to).toDoubles());
            state = part.last();
            from = to;
        }
        assertThat(Objects.requireNonNull(state).var().toDoubles()).isEqualTo(whole.last().var().toDoubles());
    }

    @Test
    void documentsAreNormalizedAsIfAlone() {
        RandomNorms.Case packed = norms.norm(TimestepNormPlan.of(1, 1e-5).withDocuments(Documents.of(new long[] {0, 7, 8}), 0),
                1, 20, 2, 4, true, false);
        RandomNorms.Result whole = norms.run(kernel, parallel, packed, false);
        int[] ends = {0, 7, 8, 20};
        for (int i = 0; i < 3; i++) {
            RandomNorms.Result alone = norms.run(kernel, parallel, packed.with(TimestepNormPlan.of(1, 1e-5),
                    packed.x().slice(1, ends[i], ends[i + 1]), null), false);
            assertThat(whole.y().slice(1, ends[i], ends[i + 1]).toDoubles()).isEqualTo(alone.y().toDoubles());
        }
    }

    private Tensor doubles(long... shape) {
        return arena.allocate(DType.F64, shape);
    }
}
