package dev.longspan.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.AttentionKernel;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Kernels;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.NativeBudget;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class SweepTest {

    private static final Backend SCALAR = Backend.named("scalar");

    @Test
    void scheduleDoublesSegmentAndDilationUntilOneSegmentHoldsAllTokens() {
        assertThat(Schedules.geometric(8192)).containsExactly(new Branch(2048, 1), new Branch(4096, 2), new Branch(8192, 4));
        assertThat(Schedules.geometric(100)).containsExactly(new Branch(100, 1));
        assertThat(Schedules.geometric(1 << 20).getLast()).isEqualTo(new Branch(1 << 20, 512));
    }

    @Test
    void everyAnswerOfTheScalarBackendIsRightForwardAndBackward() {
        // 2060 tokens: two branches, and a last segment that is not whole.
        SweepConfig config = new SweepConfig(515, 2060, 2, 8, true, 100, 0);
        List<SweepRow> heard = new ArrayList<>();
        SweepResult result = new Sweep(config, SCALAR, Parallel.all()).run(heard::add);
        assertThat(heard).hasSize(3).isEqualTo(result.rows());
        assertThat(result.passed()).as(SweepTable.footer(result)).isTrue();
        assertThat(NativeBudget.process().usedBytes()).isZero();
    }

    @Test
    void aTimeWhoseAnswerIsWrongIsWithheld() {
        SweepConfig config = new SweepConfig(64, 64, 2, 8, false, 100, 0);
        SweepResult result = new Sweep(config, withAttention(new Forgetful(SCALAR.kernels().attention())), Parallel.all())
                .run(row -> { });
        SweepRow row = result.rows().getFirst();
        assertThat(SweepTable.line(row)).contains("wrong answer");
        assertThat(String.valueOf(row.figures())).doesNotContain("microsPerToken");
        assertThat(result.passed()).isFalse();
    }

    @Test
    void aStepThatWouldTakeTooLongIsNotStarted() {
        SweepConfig config = new SweepConfig(64, 512, 1, 8, false, 1e-9, 0);
        List<SweepRow> rows = new Sweep(config, SCALAR, Parallel.all()).run(row -> { }).rows();
        assertThat(rows.getFirst().dense()).isNotNull();
        assertThat(rows.getLast().dense()).isNull();
        assertThat(rows.getLast().skipped()).contains("dense would take about");
    }

    @Test
    void memoryIsLinearInTokens() {
        SweepConfig config = new SweepConfig(256, 2048, 2, 8, false, 100, 0);
        LinearFit fit = new Sweep(config, SCALAR, Parallel.all()).run(row -> { }).memory();
        assertThat(fit).isNotNull();
        // q, k, v and out of 2 heads of 8 floats, and the log-sum-exp of 2 heads.
        assertThat(fit.slope()).isBetween(260.0, 270.0);
        assertThat(fit.worst()).isLessThan(0.05);
    }

    @Test
    void theFitOfALineIsTheLine() {
        LinearFit fit = LinearFit.of(List.of(new double[] {1, 5}, new double[] {2, 7}, new double[] {10, 23}));
        assertThat(fit.slope()).isCloseTo(2, offset(1e-12));
        assertThat(fit.intercept()).isCloseTo(3, offset(1e-12));
        assertThat(fit.worst()).isLessThan(1e-12);
    }

    @Test
    void theMedianOfAnEvenNumberLiesBetweenTheMiddleTwo() {
        assertThat(Median.of(4, 1, 3, 100)).isEqualTo(3.5);
        assertThat(Median.of(9, 1, 5)).isEqualTo(5);
    }

    @Test
    void contextsThatShrinkAreRefused() {
        assertThatThrownBy(() -> new SweepConfig(64, 32, 1, 8, false, 1, 1))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("from=64, to=32");
    }

    private static Backend withAttention(AttentionKernel attention) {
        Kernels k = SCALAR.kernels();
        Kernels wrong = new Kernels(k.gemm(), attention, k.norm(), k.elementwise(), k.rotary(), k.embedding(), k.loss(),
                k.optimizer(), k.scan(), k.coefficients(), k.recurrence(), k.timestepNorm());
        return new Backend("wrong", "", SCALAR.space(), SCALAR.dtypes(), wrong, null);
    }

    /** Forgets the first key. */
    private record Forgetful(AttentionKernel right) implements AttentionKernel {

        @Override
        public void forward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {
            long n = k.size(1);
            right.forward(parallel, plan, q.slice(1, 1, n), k.slice(1, 1, n), v.slice(1, 1, n), out.slice(1, 1, n), lse);
        }

        @Override
        public void backward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse,
                Tensor dOut, @Nullable Tensor dLse, Tensor dq, Tensor dk, Tensor dv) {
            right.backward(parallel, plan, q, k, v, out, lse, dOut, dLse, dq, dk, dv);
        }
    }
}
