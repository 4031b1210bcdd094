package dev.longspan.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.AttentionKernel;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Kernels;
import dev.longspan.megalodon.MegalodonArchitecture;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.model.Blueprint;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.NativeBudget;
import dev.longspan.tensor.Tensor;
import dev.longspan.transformer.Llama;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class ModelBenchTest {

    private static final Backend BEST = Backend.best();
    private static final Blueprint MEGALODON =
            new MegalodonArchitecture.Stack(MegalodonConfig.of(31, 32, 2, 1, 16, 32, 48, 24, 4), Checkpoints.NONE);

    @Test
    void everyRateOfAModelIsCheckedAndHasItsShareOfThePeak() {
        ModelResult result = new ModelBench(BEST, Parallel.all(), 1).run(MEGALODON, 200);
        assertThat(result.passed()).as(result.lines().toString()).isTrue();
        assertThat(result.rates()).extracting(Rate::what)
                .containsExactly("forward of 200", "forward + backward of 200", "decode after 64");
        assertThat(result.rates()).allSatisfy(rate -> {
            assertThat(rate.deviation().error()).as(rate.what()).isPositive();
            assertThat(rate.shareOf(result.peak())).isPositive();
        });
        assertThat(NativeBudget.process().usedBytes()).isZero();
    }

    @Test
    void aWrongAttentionIsFoundInTrainingInferenceAndDecoding() {
        Backend wrong = withAttention(new Forgetful(BEST.kernels().attention()));
        try (Workspace workspace = new Workspace(); ModelStep step = new ModelStep(wrong, Parallel.all(), MEGALODON, 200, 1);
                ModelStep right = new ModelStep(BEST, Parallel.all(), MEGALODON, 200, 1)) {
            ModelStep.Checked found = step.check(workspace);
            assertThat(found.deviation().isWithin()).isFalse();
            assertThat(step.logits(workspace, found.prefix(), 1).deviation().isWithin()).isFalse();
            try (Decoding<?> decoding = Decoding.of(wrong, Parallel.all(), step.model(), step.tokens(),
                    right.logits(workspace, found.prefix(), 100).first(), 64)) {
                decoding.seconds();
                assertThat(decoding.deviation().isWithin()).isFalse();
            }
        }
    }

    @Test
    void aSpeedWhoseAnswerIsWrongIsWithheld() {
        Deviation fine = new Deviation(1e-6, 1e-4);
        Rate right = new Rate("right", 100, 1e9, 0.01, fine);
        Rate wrong = new Rate("wrong", 100, 1e9, 0.01, new Deviation(Double.NaN, 1e-4));
        ModelResult result = new ModelResult(1, 100, new Peak(2e11, fine), List.of(right, wrong), 8);
        assertThat(result.passed()).isFalse();
        assertThat(result.lines().get(1)).contains("10,000", "50.0 %");
        assertThat(result.lines().get(2)).contains("wrong answer").doesNotContain("10,000", "50.0 %");
        assertThat(result.figures().toString()).containsOnlyOnce("tokensPerSecond");
    }

    @Test
    void twoModelsAreComparedInTurnsByTheirTokensPerSecond() {
        Blueprint llama = Llama.ARCHITECTURE.read(Llama.ARCHITECTURE.preset("tiny", 64, 31));
        List<String> heard = new ArrayList<>();
        ContextRow row = new ContextBench(BEST, Parallel.all(), 1, heard::add)
                .run(List.of(new Contestant("megalodon", MEGALODON), new Contestant("llama", llama)), 64);
        assertThat(row.isRight()).as(row.deviations().toString()).isTrue();
        assertThat(heard.get(2)).startsWith("megalodon at 64");
        assertThat(heard.get(3)).startsWith("llama at 64");
        ContextRow known = new ContextRow(1000, List.of("a", "b"), List.of(new double[] {1, 2, 4}, new double[] {2, 2, 16}),
                row.deviations(), row.bytes());
        assertThat(known.tokensPerSecond(0)).isEqualTo(500);
        assertThat(known.ratio()).isEqualTo(2);
    }

    @Test
    void aStreamOfAMegalodonIsRightInConstantMemory() {
        List<StreamRow> heard = new ArrayList<>();
        StreamResult result = new StreamBench(BEST, Parallel.all(), 1)
                .run(MEGALODON, new StreamConfig(1536, 48), heard::add, read -> { });
        assertThat(result.isRight()).as(result.footer().toString()).isTrue();
        assertThat(heard).isEqualTo(result.rows()).extracting(StreamRow::tokens).containsExactly(384L, 768L, 1536L);
        assertThat(heard).extracting(StreamRow::memory).containsOnly(heard.getFirst().memory());
        assertThat(NativeBudget.process().usedBytes()).isZero();
    }

    @Test
    void aStreamThatSlowsDownGrowsOrIsWrongFails() {
        assertThat(stream(1.05, 1000, 1e-6).passed()).isTrue();
        assertThat(stream(1.15, 1000, 1e-6).passed()).isFalse();
        assertThat(stream(1.05, 1200, 1e-6).passed()).isFalse();
        assertThat(stream(1.05, 1000, 1e-6, 11).passed()).isFalse();
        StreamResult wrong = stream(1.05, 1000, 1);
        assertThat(wrong.passed()).isFalse();
        assertThat(wrong.footer().toString()).doesNotContain("tokens/s").contains("CHECK FAILED");
        assertThat(wrong.figures()).doesNotContainKeys("ratio", "firstTokensPerSecond");
    }

    @Test
    void aStreamShorterThanItsWindowsIsRefused() {
        assertThatThrownBy(() -> new StreamConfig(1000, 100)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("tokens=1000, piece=100");
    }

    private static StreamResult stream(double ratio, long endBytes, double error) {
        return stream(ratio, endBytes, error, 10);
    }

    private static StreamResult stream(double ratio, long endBytes, double error, long endTensors) {
        Deviation deviation = new Deviation(error, 1e-4);
        return new StreamResult(new StreamConfig(1 << 20, 4096), 1, List.of(), 1e-5, 1e-5, ratio,
                new ResidentMemory(OptionalLong.of(1000), 10), new ResidentMemory(OptionalLong.of(endBytes), endTensors), deviation,
                new Deviation(1e-6, 1e-4));
    }

    private static Backend withAttention(AttentionKernel attention) {
        Kernels k = BEST.kernels();
        return new Backend("wrong", "", BEST.space(), BEST.dtypes(), new Kernels(k.gemm(), attention, k.norm(), k.elementwise(),
                k.rotary(), k.embedding(), k.loss(), k.optimizer(), k.scan(), k.coefficients(),
                k.recurrence(), k.timestepNorm()), null);
    }

    /** Takes the first value for all. */
    private record Forgetful(AttentionKernel right) implements AttentionKernel {

        @Override
        public void forward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse) {
            right.forward(parallel, plan, q, k, first(v), out, lse);
        }

        @Override
        public void backward(Parallel parallel, AttentionPlan plan, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse,
                Tensor dOut, @Nullable Tensor dLse, Tensor dq, Tensor dk, Tensor dv) {
            right.backward(parallel, plan, q, k, first(v), out, lse, dOut, dLse, dq, dk, dv);
        }

        /** All rows are the first one. */
        private static Tensor first(Tensor t) {
            long[] strides = {t.stride(0), 0, t.stride(2), t.stride(3)};
            return Tensor.of(t.storage(), t.offset(), t.dtype(), t.shape(), strides);
        }
    }
}
