package dev.longspan.megalodon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.longnet.Bench;
import dev.longspan.longnet.CountingGemm;
import dev.longspan.megalodon.MegalodonConfig.Dropouts;
import dev.longspan.megalodon.MegalodonConfig.Parts;
import dev.longspan.model.ModelPlan;
import dev.longspan.nn.Layer;
import dev.longspan.op.Loss;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class MegalodonPlanTest {

    private static List<MegalodonConfig> configs() {
        MegalodonConfig awkward = Megalodons.awkward();
        return List.of(awkward, awkward.withParts(Parts.MEGA),
                awkward.withGatedFeedForward(false).withEmbedding(true, true).withRescale(true));
    }

    private static ModelPlan plan(MegalodonConfig config, long context, long batch, DType dtype) {
        return new MegalodonPlan(config, context, batch, dtype).plan(Checkpoints.NONE);
    }

    @Test
    void theCountOfParametersIsTheModels() {
        try (Bench bench = new Bench()) {
            for (MegalodonConfig config : configs()) {
                Megalodon model = Megalodon.create(config, bench.arena, DType.F64, 5);
                assertThat(plan(config, 10, 1, DType.F64).parameters())
                        .isEqualTo(Layer.distinct(model.parameters()).stream().mapToLong(Tensor::elements).sum());
            }
        }
    }

    @Test
    void theBytesOfATrainingStepAreThoseThatThePassTakes() {
        MegalodonConfig config = MegalodonConfig.of(50, 32, 3, 2, 16, 48, 40, 32, 4);
        checkBytes(config);
        checkBytes(config.withParts(Parts.MEGA).withGatedFeedForward(false).withRescale(true));
        checkBytes(config.withDropouts(new Dropouts(0.1, 0.1, 0.1)));
    }

    private static void checkBytes(MegalodonConfig config) {
        for (Checkpoints checkpoints : Checkpoints.values()) {
            try (Bench bench = new Bench(); Workspace trained = new Workspace(1 << 16); Workspace run = new Workspace(1 << 16)) {
                Megalodon model = Megalodon.create(config, bench.arena, DType.F32, 1).withCheckpoints(checkpoints);
                Gradients gradients = new Gradients(bench.arena, model.parameters().values());
                Tensor tokens = bench.tokens(1, 2, 500);
                try (Pass pass = Pass.training(Backend.named("scalar"), Parallel.of(1), trained, gradients, new Randomness(1, 1))) {
                    pass.backward(Loss.mean(pass, model.losses(pass, tokens, tokens), tokens));
                }
                try (Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), run)) {
                    assertThat(model.logits(pass, tokens).size(1)).isEqualTo(500);
                }
                ModelPlan plan = new MegalodonPlan(config, 500, 2, DType.F32).plan(checkpoints);
                assertThat((double) trained.peakBytes()).as("training, checkpoints=%s", checkpoints)
                        .isCloseTo(plan.trainingBytes(), Percentage.withPercentage(2));
                assertThat((double) run.peakBytes()).as("inference").isCloseTo(plan.inferenceBytes(), Percentage.withPercentage(1));
            }
        }
    }

    @Test
    void lossesAreCutByTheLogitsOfATokenNotByTheVocabulary() {
        MegalodonConfig config = MegalodonConfig.fromJson("""
                {"vocab_size": 12, "output_size": 9, "num_layers": 1, "model_dim": 8, "z_dim": 4, "value_dim": 8, "num_heads": 1,
                "ffn_hidden_dim": 8, "cema_ndim": 2, "chunk_size": 4, "norm_num_groups": 2}""");
        try (Bench bench = new Bench()) {
            Megalodon model = Megalodon.create(config, bench.arena, DType.F64, 1);
            assertThat(model.classes()).isEqualTo(9);
            assertThat(bench.values(pass -> model.logits(pass, bench.tokens(1, 1, 3)))).hasSize(3 * 9);
        }
    }

    @Test
    void theProductsOfMatricesAreThoseThatTheModelMultiplies() {
        for (MegalodonConfig config : configs()) {
            CountingGemm gemm = new CountingGemm();
            try (Bench bench = new Bench(gemm.backend(), Parallel.of(1))) {
                Megalodon model = Megalodon.create(config, bench.arena, DType.F64, 5);
                Tensor tokens = bench.tokens(1, 2, 17);
                Gradients gradients = new Gradients(bench.arena, model.parameters().values());
                try (Pass pass = bench.training(gradients)) {
                    Tensor loss = Loss.meanCrossEntropy(pass, model.logits(pass, tokens), tokens);
                    ModelPlan plan = plan(config, 17, 2, DType.F64);
                    assertThat(gemm.flops()).isCloseTo(plan.forward().products(), within(1e-6));
                    pass.backward(loss);
                    assertThat(gemm.flops()).isCloseTo(plan.forward().products() + plan.backward().products(), within(1e-6));
                }
            }
        }
    }

    @Test
    void attentionCountsTheKeysOfAChunkAndAveragesTheirModes() {
        MegalodonConfig config = Megalodons.awkward(); // chunks of 5, two layers, z = 8, v = 10, width 12, three modes
        assertThat(new MegalodonPlan(config, 17, 1, DType.F32).keysPerToken()).isCloseTo((3 * 15 + 3) / 17.0, within(1e-12));
        ModelPlan plan = plan(config, 17, 1, DType.F32);
        assertThat(plan.forward().attention()).isCloseTo(2 * 2 * 48.0 * (8 + 10), within(1e-9));
        assertThat(plan.backward().attention()).isCloseTo(2 * 2 * 48.0 * (3 * 8 + 2 * 10), within(1e-9));
        assertThat(plan.forward().scans()).isEqualTo(12.0 * 17 * 2 * 12 * 3);
        ModelPlan again = new MegalodonPlan(config, 17, 1, DType.F32).plan(Checkpoints.EXACT);
        assertThat(again.backward().attention()).isEqualTo(plan.backward().attention() + plan.forward().attention());
        assertThat(again.backward().scans()).isEqualTo(plan.backward().scans() + plan.forward().scans());
    }

    @Test
    void theBytesOfTheStateAreThoseItSavesAndDoNotGrowWithTheContext() {
        try (Bench bench = new Bench()) {
            for (MegalodonConfig config : configs()) {
                Megalodon model = Megalodon.create(config, bench.arena, DType.F64, 5);
                MegalodonState state = model.start(bench.arena, 2);
                try (Pass pass = bench.inference()) {
                    state = model.next(pass, state, bench.tokens(1, 2, 12)).state();
                }
                long bytes = state.tensors().entrySet().stream()
                        .filter(e -> e.getKey().contains("."))
                        .mapToLong(e -> e.getValue().elements() * e.getValue().dtype().bytes()).sum();
                assertThat(plan(config, 12, 2, DType.F64).stateBytes()).isEqualTo(bytes);
                assertThat(plan(config, 1 << 30, 2, DType.F64).stateBytes()).isEqualTo(bytes);
                long caches = state.tensors().entrySet().stream().filter(e -> e.getKey().matches(".*(keys|values)"))
                        .mapToLong(e -> e.getValue().elements() * e.getValue().dtype().bytes()).sum();
                assertThat(plan(config, 12, 2, DType.F64).cacheBytes()).isEqualTo(caches);
            }
        }
    }

    @Test
    void costGrowsLinearlyWithTheContext() {
        MegalodonConfig config = MegalodonConfig.preset("mega200M", 32000);
        assertThat(plan(config, 1 << 20, 1, DType.F32).forward().total() / plan(config, 1 << 15, 1, DType.F32).forward().total())
                .isCloseTo(32, within(1e-9));
        assertThatIllegalArgumentException().isThrownBy(() -> plan(config, 0, 1, DType.F32)).withMessageContaining("context=0");
    }
}
