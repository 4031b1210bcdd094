package dev.longspan.longnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.Rotary;
import dev.longspan.model.ModelPlan;
import dev.longspan.nn.Layer;
import dev.longspan.op.Loss;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class LongNetPlanTest {

    @Test
    void theCountOfParametersIsTheModels() {
        try (Bench bench = new Bench()) {
            for (LongNetConfig config : List.of(Bench.awkward(),
                    Bench.awkward().withEmbedding(true, true).withPositions(new Rotation.None(), 9),
                    Bench.awkward().withNorms(LongNetConfig.Norms.DEEPNORM),
                    Bench.awkward().withNorms(new LongNetConfig.Norms(true, false, false, true, true, 0)),
                    Bench.llama(Rotary.Pairs.HALVES), Bench.llama(Rotary.Pairs.HALVES).withEmbedding(false, true),
                    Bench.gatedLongNet())) {
                long counted = Layer.distinct(bench.model(config).parameters()).stream().mapToLong(Tensor::elements).sum();
                assertThat(LongNetPlan.of(config, 10, 1, DType.F32, Checkpoints.NONE).parameters()).isEqualTo(counted);
            }
        }
    }

    @Test
    void thePapersSizesHaveRoughlyTheirNamesParametersWithoutTables() {
        assertThat(millions("125M")).isCloseTo(85, within(1.0));
        assertThat(millions("350M")).isCloseTo(302, within(2.0));
        assertThat(millions("760M")).isCloseTo(680, within(3.0));
        assertThat(millions("2.7B")).isCloseTo(2518, within(10.0));
    }

    private static double millions(String preset) {
        return LongNetPlan.of(LongNetConfig.preset(preset, 1), 1, 1, DType.F32, Checkpoints.NONE).parameters() / 1e6;
    }

    @Test
    void theBytesOfATrainingStepAreThoseThatThePassTakes() {
        LongNetConfig config = LongNetConfig.of(50, 32, 4, 3, List.of(new Branch(16, 1), new Branch(64, 4)));
        checkTrainingBytes(config);
        checkTrainingBytes(Bench.asLlama(config));
    }

    private static void checkTrainingBytes(LongNetConfig config) {
        for (Checkpoints checkpoints : Checkpoints.values()) {
            try (Bench bench = new Bench(); Workspace workspace = new Workspace(1 << 16)) {
                LongNet model = LongNet.create(config, bench.arena, DType.F32, 1).withCheckpoints(checkpoints);
                Gradients gradients = new Gradients(bench.arena, model.parameters().values());
                try (Pass pass = Pass.training(Backend.named("scalar"), Parallel.of(1), workspace, gradients,
                        new Randomness(1, 1))) {
                    Tensor tokens = bench.tokens(1, 2, 100);
                    pass.backward(Loss.mean(pass, model.losses(pass, tokens, tokens), tokens));
                }
                assertThat((double) workspace.peakBytes()).as("checkpoints=%s", checkpoints).isCloseTo(
                        LongNetPlan.of(config, 100, 2, DType.F32, checkpoints).trainingBytes(), Percentage.withPercentage(6));
            }
        }
    }

    @Test
    void theProductsOfMatricesAreThoseThatTheModelMultiplies() {
        for (LongNetConfig config : List.of(Bench.awkward(), Bench.llama(Rotary.Pairs.HALVES), Bench.gatedLongNet())) {
            CountingGemm gemm = new CountingGemm();
            try (Bench bench = new Bench(gemm.backend(), Parallel.of(1))) {
                LongNet model = bench.model(config);
                Tensor tokens = bench.tokens(1, 2, 17);
                Gradients gradients = new Gradients(bench.arena, model.parameters().values());
                try (Pass pass = bench.training(gradients)) {
                    Tensor loss = Loss.meanCrossEntropy(pass, model.logits(pass, tokens), tokens);
                    ModelPlan plan = LongNetPlan.of(config, 17, 2, DType.F64, Checkpoints.NONE);
                    double attention = 4.0 * 2 * 17 * config.layers() * config.width() * LongNetPlan.keysPerToken(config, 17);
                    assertThat(plan.forward().attention()).isCloseTo(attention, within(1e-6));
                    assertThat(plan.backward().attention()).isCloseTo(2.5 * attention, within(1e-6));
                    assertThat(gemm.flops()).isCloseTo(plan.forward().products(), within(1e-6));
                    pass.backward(loss);
                    assertThat(gemm.flops()).isCloseTo(plan.forward().products() + plan.backward().products(), within(1e-6));
                }
            }
        }
    }

    @Test
    void theBytesOfTheCacheAreThoseOfTheStateWhereItsPagesAreFull() {
        try (Bench bench = new Bench()) {
            for (LongNetConfig config : List.of(Bench.llama(Rotary.Pairs.HALVES), Bench.gatedLongNet())) {
                LongNet model = bench.model(config);
                LongNetState state = model.start(bench.arena, 2);
                try (Pass pass = bench.inference()) {
                    state = model.next(pass, state, bench.tokens(1, 2, 1024)).state();
                }
                long bytes = state.tensors().entrySet().stream().filter(e -> e.getKey().startsWith("layers."))
                        .mapToLong(e -> e.getValue().elements() * 8).sum();
                ModelPlan plan = LongNetPlan.of(config, 1024, 2, DType.F64, Checkpoints.NONE);
                assertThat(plan.stateBytes()).isEqualTo(bytes);
                assertThat(plan.cacheBytes()).isEqualTo(bytes);
            }
        }
    }

    @Test
    void costGrowsLinearlyWithTheContextOnceTheScheduleIsFull() {
        LongNetConfig config = LongNetConfig.preset("125M", 256);
        ModelPlan short32K = LongNetPlan.of(config, 32_768, 1, DType.F32, Checkpoints.NONE);
        ModelPlan long1M = LongNetPlan.of(config, 1 << 20, 1, DType.F32, Checkpoints.NONE);
        assertThat(long1M.forward().total() / short32K.forward().total()).isCloseTo(32, within(1e-9));
        assertThat(long1M.stateBytes()).isEqualTo(short32K.stateBytes()).isEqualTo(2L * 12 * 11_606 * 768 * 4);
    }
}
