package dev.longspan.rmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Randomness;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.longnet.Bench;
import dev.longspan.longnet.DecoderArchitecture;
import dev.longspan.megalodon.MegalodonArchitecture;
import dev.longspan.model.Architecture;
import dev.longspan.model.Architectures;
import dev.longspan.model.ModelConfig;
import dev.longspan.model.ModelPlan;
import dev.longspan.nn.Layer;
import dev.longspan.op.Loss;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.RmtArchitecture.Wrapped;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.transformer.DenseTransformer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.assertj.core.data.Percentage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A decoder as the command line and model folders know it, and what its plan promises. */
class RmtArchitectureTest {

    private static final RmtArchitecture RMT = new RmtArchitecture(new Architectures(List.of(DenseTransformer.ARCHITECTURE,
            DecoderArchitecture.LONGNET, MegalodonArchitecture.MEGALODON)));
    private static final Map<String, Object> TRANSFORMER = Map.of("decoder_embed_dim", 16L, "decoder_layers", 2L,
            "decoder_attention_heads", 2L, "decoder_ffn_embed_dim", 24L);
    private static final Map<String, Object> MEGALODON = Map.of("chunk_size", 7L, "model_dim", 16L, "value_dim", 16L,
            "z_dim", 8L, "ffn_hidden_dim", 16L, "norm_num_groups", 4L);

    private static Map<String, @Nullable Object> settings(String preset, Map<String, Object> backbone, Map<String, Object> own) {
        Map<String, @Nullable Object> settings = RMT.preset(preset, 64, Bench.VOCABULARY);
        @SuppressWarnings("unchecked")
        Map<String, @Nullable Object> inner =
                new LinkedHashMap<>((Map<String, @Nullable Object>) Objects.requireNonNull(settings.get("backbone")));
        inner.putAll(backbone);
        settings.put("backbone", inner);
        settings.putAll(own);
        return settings;
    }

    private static Wrapped wrapped(String preset, Map<String, Object> backbone, Map<String, Object> own) {
        return (Wrapped) ModelConfig.of(RMT, settings(preset, backbone, own)).blueprint();
    }

    /** Segments of 5 with 3 vectors over a transformer or a MEGALODON, to be read in 23 tokens. */
    private static List<Wrapped> small(Map<String, Object> own) {
        Map<String, Object> keys = new LinkedHashMap<>(Map.of("memory", 3L, "segment", 5L));
        keys.putAll(own);
        return List.of(wrapped("tiny", TRANSFORMER, keys), wrapped("tiny-megalodon", MEGALODON, keys));
    }

    @Test
    void presetsAreThereForEachBackboneAndFitTheContext() {
        assertThat(RMT.presets()).containsExactly("tiny", "tiny-transformer", "tiny-longnet", "tiny-megalodon", "small",
                "small-transformer", "small-longnet", "small-megalodon");
        assertThat(RMT.preset("tiny", 1 << 20, 256)).containsEntry("memory", 8L).containsEntry("segment", 496L);
        assertThat(RMT.preset("small", 256, 256)).containsEntry("memory", 16L).containsEntry("segment", 64L);
        assertThat(RMT.preset("tiny", 3, 256)).containsEntry("segment", 8L);
        assertThat(wrapped("tiny-megalodon", Map.of(), Map.of()).shape())
                .isEqualTo("8 memory vectors, segments of 16 over 2 layers of width 128, 1 heads, chunks of 512");
        assertThatIllegalArgumentException().isThrownBy(() -> RMT.preset("huge", 64, 256)).withMessageContaining("preset=huge");
    }

    @Test
    void keysAreReadAsTheyAreWritten() {
        Map<String, Object> own = Map.of("alignment", "center", "bptt_depth", 2L, "carry", "positions");
        RmtConfig config = wrapped("tiny", Map.of(), own).config();
        assertThat(config).isEqualTo(RmtConfig.decoder(8, 16).withAlignment(Alignment.CENTER)
                .withBptt(RmtConfig.Bptt.of(2)).withCarry(RmtConfig.Carry.POSITIONS));
        assertThat(RmtKeys.write(config, Map.of())).containsAllEntriesOf(own);
    }

    @Test
    void whatCannotBeIsNamed() {
        check("config has unknown keys: segments", Map.of("segments", 3L));
        check("config.layout must be decoder: layout=encoder", Map.of("layout", "encoder"));
        check("carry must be one of nothing, positions, state: carry=all", Map.of("carry", "all"));
        check("memory must not be larger than the segment: memory=17, segment=16", Map.of("memory", 17L));
        check("config.backbone must have architecture", Map.of("backbone", Map.of()));
        check("config.backbone must be an object: backbone=transformer", Map.of("backbone", "transformer"));
        check("architecture must be one of transformer, longnet, megalodon: architecture=rmt",
                Map.of("backbone", Map.of(Architecture.KEY, "rmt")));
        assertThatIllegalArgumentException().isThrownBy(() ->
                        ModelConfig.of(RMT, settings("tiny", Map.of("learned_positions", 31L), Map.of())))
                .withMessage("a segment with its memory must fit the backbone's positions: segment=16, memory=8, rows=32, "
                        + "positions=31");
    }

    private static void check(String problem, Map<String, Object> own) {
        assertThatIllegalArgumentException().isThrownBy(() -> ModelConfig.of(RMT, settings("tiny", Map.of(), own)))
                .withMessage(problem);
    }

    @Test
    void parametersAndStateAreTheModels() {
        try (Bench bench = new Bench()) {
            for (String carry : List.of("nothing", "state")) {
                for (Wrapped blueprint : small(Map.of("carry", carry))) {
                    RmtDecoder model = blueprint.create(bench.arena, 3);
                    assertThat(Layer.distinct(model.parameters()).stream().mapToLong(Tensor::elements).sum())
                            .isEqualTo(blueprint.plan(23, 2, DType.F32).parameters());
                    RmtState state = model.start(bench.arena, 2);
                    try (Pass pass = bench.inference()) {
                        state = model.next(pass, state, bench.tokens(1, 2, 20)).state();
                    }
                    long bytes = state.tensors().entrySet().stream()
                            .filter(e -> !e.getKey().matches("(backbone\\.)?(position|model)"))
                            .mapToLong(e -> e.getValue().elements() * e.getValue().dtype().bytes()).sum();
                    if (carry.equals("nothing")) {
                        assertThat(blueprint.plan(1 << 30, 2, DType.F32).stateBytes()).isEqualTo(bytes);
                    }
                    if (carry.equals("nothing") || blueprint.shape().contains("chunks")) {
                        assertThat(blueprint.plan(20, 2, DType.F32).stateBytes()).as(carry).isEqualTo(bytes);
                    }
                }
            }
        }
    }

    @Test
    void theMemoryStartsWithTheDeviationOfTheEmbeddingsAndIsAFunctionOfTheSeed() {
        try (Bench bench = new Bench()) {
            Wrapped blueprint = wrapped("tiny", Map.of(), Map.of());
            RmtDecoder model = blueprint.create(bench.arena, 3);
            assertThat(deviation(model.memory())).isCloseTo(deviation(Objects.requireNonNull(
                    model.parameters().get("backbone.embedding.weight"))), Percentage.withPercentage(15));
            assertThat(blueprint.create(bench.arena, 3).memory().toDoubles()).isEqualTo(model.memory().toDoubles());
            assertThat(blueprint.create(bench.arena, 4).memory().toDoubles()).isNotEqualTo(model.memory().toDoubles());
        }
    }

    private static double deviation(Tensor tensor) {
        double[] values = tensor.toDoubles();
        return Math.sqrt(Arrays.stream(values).map(v -> v * v).sum() / values.length);
    }

    @Test
    void aPlanIsTheSumOfItsSegments() {
        Wrapped blueprint = small(Map.of()).getFirst();
        ModelPlan two = blueprint.plan(10, 1, DType.F32);
        ModelPlan one = blueprint.plan(5, 1, DType.F32);
        ModelPlan rest = blueprint.plan(3, 1, DType.F32);
        ModelPlan all = blueprint.plan(13, 1, DType.F32);
        assertThat(two.forward().total()).isEqualTo(2 * one.forward().total());
        assertThat(all.forward().total()).isEqualTo(two.forward().total() + rest.forward().total());
        assertThat(all.backward().total()).isEqualTo(two.backward().total() + rest.backward().total());
        // 5 segments, each loss through 2 of them: 9 trips there and back.
        ModelPlan cut = small(Map.of("bptt_depth", 2L)).getFirst().plan(25, 1, DType.F32);
        ModelPlan full = blueprint.plan(25, 1, DType.F32);
        double logits = 2 * 25.0 * 16 * Bench.VOCABULARY;
        assertThat(cut.forward().total()).isEqualTo(full.forward().total());
        assertThat(cut.backward().total()).isCloseTo(9.0 / 5 * (full.backward().total() - 2 * logits) + 2 * logits
                + 4.0 / 5 * (full.forward().total() - logits), Percentage.withPercentage(1e-9));
    }

    @Test
    void theBytesOfATrainingStepAreThoseThatThePassTakes() {
        int tokens = 230;
        for (Checkpoints checkpoints : List.of(Checkpoints.NONE, Checkpoints.EXACT)) {
            for (Wrapped each : small(Map.of("segment", 50L, "memory", 7L))) {
                Wrapped blueprint = each.withCheckpoints(checkpoints);
                try (Bench bench = new Bench(); Workspace trained = new Workspace(1 << 16); Workspace run = new Workspace(1 << 16)) {
                    RmtDecoder model = blueprint.create(bench.arena, 1);
                    Gradients gradients = new Gradients(bench.arena, model.parameters().values());
                    Tensor ids = bench.arena.allocate(DType.I32, 2, tokens)
                            .set(IntStream.range(0, 2 * tokens).mapToLong(i -> i % Bench.VOCABULARY).toArray());
                    try (Pass pass = Pass.training(Backend.named("scalar"), Parallel.of(1), trained, gradients, Randomness.NONE)) {
                        pass.backward(Loss.mean(pass, model.losses(pass, ids, ids), ids));
                    }
                    try (Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), run)) {
                        assertThat(model.logits(pass, ids).size(1)).isEqualTo(tokens);
                    }
                    ModelPlan plan = blueprint.plan(tokens, 2, DType.F32);
                    String what = blueprint.shape() + ", checkpoints=" + checkpoints;
                    assertThat((double) run.peakBytes()).as("inference of " + what)
                            .isCloseTo(plan.inferenceBytes(), Percentage.withPercentage(5));
                    assertThat((double) trained.peakBytes()).as("training of " + what)
                            .isCloseTo(plan.trainingBytes(), Percentage.withPercentage(8));
                }
            }
        }
    }
}
