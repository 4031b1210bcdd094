package dev.longspan.longnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SchedulePlanTest {

    private final Bench bench = new Bench();

    @AfterEach
    void close() {
        bench.close();
    }

    private static SchedulePlan paper(long length) {
        return new SchedulePlan(length, 12, LongNetConfig.PAPER_SCHEDULE, HeadOffset.GROUPED);
    }

    @Test
    void thePapersScheduleCostsWhatThePaperSays() {
        assertThat(paper(1 << 20).cacheRows()).isEqualTo(11_606);
        assertThat(2 * paper(1 << 20).keysPerToken()).isCloseTo(4266.7, within(0.1));
    }

    @Test
    void aGeometricScheduleGrowsUntilItSpansTheLength() {
        SchedulePlan plan = SchedulePlan.geometric(10_000, 8);
        assertThat(plan.schedule()).containsExactly(new Branch(2048, 1), new Branch(4096, 2), new Branch(8192, 4),
                new Branch(16384, 8));
        assertThat(plan.warnings()).isEmpty();
        assertThat(SchedulePlan.geometric(100, 8).schedule()).containsExactly(new Branch(100, 1));
    }

    @Test
    void warningsNameUncoveredPhasesAndTheLengthThatNothingSpans() {
        assertThat(SchedulePlan.geometric(10_000, 4).warnings()).singleElement().asString()
                .contains("w=16384 r=8").contains("4 heads keep 4 of its 8 phases");
        assertThat(paper(100_000).warnings()).anySatisfy(w -> assertThat(w).contains("no branch spans the length 100000"))
                .anySatisfy(w -> assertThat(w).contains("nothing crosses position 32768"))
                .anySatisfy(w -> assertThat(w).contains("harmless"));
        assertThat(paper(32_768).warnings()).noneSatisfy(w -> assertThat(w).contains("crosses"));
    }

    @Test
    void reachIsWhatAMatrixOfVisiblePairsGives() {
        SchedulePlan plan = new SchedulePlan(61, 3, List.of(new Branch(5, 1), new Branch(11, 2), new Branch(61, 4)),
                HeadOffset.GROUPED);
        boolean[][] sees = new boolean[61][61];
        for (int q = 0; q < 61; q++) {
            for (int k = 0; k <= q; k++) {
                sees[q][k] = q == k || pair(plan, q, k);
            }
        }
        boolean[][] reached = sees;
        double[] shares = plan.reach(4);
        for (int depth = 0; depth < 4; depth++) {
            assertThat(shares[depth]).as("depth %d", depth + 1).isCloseTo(count(reached) / (61 * 62 / 2.0), within(1e-12));
            reached = product(sees, reached);
        }
    }

    private static boolean pair(SchedulePlan plan, int q, int k) {
        for (Branch b : plan.schedule()) {
            long phase = q % b.segment() % b.dilation();
            boolean kept = java.util.stream.IntStream.range(0, plan.heads())
                    .anyMatch(h -> plan.offset().of(h, plan.heads(), b.dilation()) == phase);
            if (kept && q / b.segment() == k / b.segment() && k % b.segment() % b.dilation() == phase) {
                return true;
            }
        }
        return false;
    }

    private static double count(boolean[][] pairs) {
        double n = 0;
        for (boolean[] row : pairs) {
            for (boolean pair : row) {
                n += pair ? 1 : 0;
            }
        }
        return n;
    }

    private static boolean[][] product(boolean[][] a, boolean[][] b) {
        boolean[][] c = new boolean[a.length][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a.length; j++) {
                for (int k = 0; k < a.length && !c[i][j]; k++) {
                    c[i][j] = a[i][k] && b[k][j];
                }
            }
        }
        return c;
    }

    @Test
    void theGeometricScheduleReachesEverythingInAFewLayersAndTheFixedOneNever() {
        double[] geometric = SchedulePlan.geometric(1 << 17, 64).reach(12);
        assertThat(geometric[0]).isLessThan(0.2);
        assertThat(geometric[11]).isEqualTo(1);
        assertThat(paper(1 << 17).reach(50)[49]).isLessThan(0.3);
    }

    /** d(output at 63)/d(input at 5), through one layer more at a time. */
    @Test
    void theGradientOfALateOutputReachesAFarInputWithTheGeometricScheduleAndNeverWithTheFixedOne() {
        List<Branch> geometric = List.of(new Branch(8, 1), new Branch(16, 2), new Branch(32, 4), new Branch(64, 8));
        List<Branch> fixed = geometric.subList(0, 3);
        assertThat(gradient(geometric, 1)).isZero();
        assertThat(gradient(geometric, 3)).isNotZero();
        for (int layers : new int[] {1, 3, 6}) {
            assertThat(gradient(fixed, layers)).as("%d layers", layers).isZero();
        }
    }

    private double gradient(List<Branch> schedule, int layers) {
        LongNet model = bench.model(LongNetConfig.of(Bench.VOCABULARY, 16, 8, layers, schedule).withFeedForward(16,
                dev.longspan.kernel.Activation.GELU));
        Tensor x = bench.normal(1, 1, 64, 16);
        try (Pass pass = bench.training(new Gradients(bench.arena, List.of()))) {
            Tensor hidden = model.hidden(pass, pass.watch(x), null, 0);
            Tensor dHidden = bench.arena.allocate(hidden.dtype(), hidden.shape());
            dHidden.select(1, 63).copyFrom(bench.normal(2, 1, 16));
            pass.backward(hidden, dHidden);
            return java.util.Arrays.stream(pass.gradient(x).select(1, 5).toDoubles()).map(Math::abs).sum();
        }
    }

    @Test
    void nonsenseIsRefusedInOneLine() {
        assertThatIllegalArgumentException().isThrownBy(() -> SchedulePlan.geometric(0, 8))
                .withMessageContaining("length=0");
        assertThatIllegalArgumentException().isThrownBy(() -> SchedulePlan.geometric(100, 8, 10, 1))
                .withMessageContaining("ratio=1");
    }
}
