package dev.longspan.megalodon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.json.Json;
import dev.longspan.longnet.Bench;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MegalodonConfigTest {

    @ParameterizedTest
    @CsvSource({"mega200M, 220627968", "mega1.3B, 1342832640", "mega1.3B_pg19, 1327628288", "mega7.1B, 7117381632",
            "mega7.3B, 7385817088", "paper7B, 7385817088"})
    void theReleasedConfigurationsHaveTheOriginalsNumberOfParameters(String preset, long expected) {
        long[] count = {0};
        try (TensorArena arena = new TensorArena()) {
            Tensor any = arena.allocate(DType.F32, 0);
            Megalodon.of(MegalodonConfig.preset(preset, 32000), (name, shape) -> {
                count[0] += Arrays.stream(shape).reduce(1, Math::multiplyExact);
                return any;
            });
        }
        assertThat(count[0]).isEqualTo(expected);
        assertThat(new MegalodonPlan(MegalodonConfig.preset(preset, 32000), 1, 1, DType.F32).plan(Checkpoints.NONE).parameters())
                .isEqualTo(expected);
    }

    @Test
    void everyPresetSurvivesItsJson() {
        for (String preset : MegalodonConfig.presets()) {
            for (MegalodonConfig.Parts parts : new MegalodonConfig.Parts[] {MegalodonConfig.Parts.MEGALODON,
                    MegalodonConfig.Parts.MEGA}) {
                MegalodonConfig config = MegalodonConfig.preset(preset, 300).withParts(parts);
                assertThat(MegalodonConfig.fromJson(config.toJson())).as(preset).isEqualTo(config);
            }
        }
    }

    @Test
    void absentKeysAreAsInTheOriginal() {
        MegalodonConfig config = MegalodonConfig.fromJson("{\"vocab_size\": 7, \"rope_base\": null, \"efficient_attn\": \"fused\"}");
        assertThat(config.layers()).isEqualTo(8);
        assertThat(config.ropeBase()).isEqualTo(10000);
        assertThat(config.gatedFeedForward()).isFalse();
        assertThat(config.outputs()).isEqualTo(7);
    }

    @ParameterizedTest
    @ValueSource(strings = {"model_dims=3 | config has unknown keys: model_dims",
        "num_heads=3 | heads must divide valueWidth, and sharedWidth into an even head dimension: heads=3, sharedWidth=256, valueWidth=2048",
        "norm_num_groups=1024 | groups must divide width into groups of several channels: groups=1024, width=1024",
        "chunk_size=0 | chunk must be positive: chunk=0",
        "dropout=1 | dropout rates must be in [0, 1): residual=1.0, hidden=0.0, attention=0.0",
        "init_mode=\"best\" | init_mode must be one of he, bert, gaussian, xavier, none: init_mode=best",
        "vocab_size=\"many\" | config.vocab_size must be an integer: vocab_size=many",
        "output_size=5 | a tied output has one logit a token id: outputs=5, vocabulary=7"})
    void aWrongValueIsNamedInOneLine(String line) {
        String[] parts = line.split(" \\| ", 2);
        Map<String, Object> values = new LinkedHashMap<>(Map.of("vocab_size", 7L, "share_emb", true));
        values.putAll(Json.object("{\"" + parts[0].replaceFirst("=", "\": ") + "}"));
        assertThatIllegalArgumentException().isThrownBy(() -> MegalodonKeys.read(values)).withMessage(parts[1]);
    }

    @Test
    void namesMapToTheOriginalsAndBack() {
        try (Bench bench = new Bench()) {
            Megalodon model = Megalodon.create(Megalodons.awkward().withRescale(true), bench.arena, DType.F64, 1);
            model.parameters().keySet().forEach(name ->
                    assertThat(MegalodonNames.MAP.toOwn(MegalodonNames.MAP.toForeign(name))).isEqualTo(name));
            assertThat(MegalodonNames.MAP.toForeign(model.parameters()).keySet()).contains("embed.weight",
                    "layers.1.mega.cema.theta", "layers.0.mega.gamma", "layers.0.mega.wh2.weight", "layers.1.nffn.alpha",
                    "layers.0.nffn.fc3.weight", "output.final_norm.bias", "output.output.weight");
        }
    }

    @Test
    void aNewModelStartsAsTheOriginalDoes() {
        MegalodonConfig config = MegalodonConfig.preset("tiny", 256).withRescale(true);
        try (TensorArena arena = new TensorArena()) {
            Megalodon model = Megalodon.create(config, arena, DType.F64, 3);
            GatedAttention first = model.layers().getFirst().attention();
            double[] theta = first.ema().theta() == null ? new double[0] : first.ema().theta().toDoubles();
            double[] f = Arrays.stream(theta).map(t -> 1 / (1 + Math.exp(-t))).sorted().toArray();
            assertThat(theta).isNotEqualTo(Arrays.stream(theta).sorted().toArray());
            for (int k = 1; k <= 128; k++) {
                assertThat(f[128 - k]).as("angle %d", k).isCloseTo(Math.pow(128, -k / 128.0),
                        org.assertj.core.api.Assertions.within(1e-12));
            }
            assertThat(first.ema().gamma().select(2, 1).toDoubles()).containsOnly(0);
            assertThat(deviation(first.ema().gamma().select(2, 0))).isBetween(0.95, 1.05);
            assertThat(deviation(first.ema().alpha())).isBetween(0.19, 0.21);
            assertThat(Arrays.stream(first.ema().omega().toDoubles()).map(Math::abs).max().orElseThrow()).isLessThan(1);
            assertThat(deviation(first.value().weight())).isBetween(0.97 / Math.sqrt(3 * 128), 1.03 / Math.sqrt(3 * 128));
            assertThat(deviation(model.embedding().weight())).isBetween(0.96 / Math.sqrt(128), 1.0 / Math.sqrt(128));
            assertThat(first.gamma().toDoubles()).containsOnly(0);
            assertThat(model.parameters().get("layers.1.feedForward.alpha")).isNotNull()
                    .satisfies(alpha -> assertThat(alpha.toDoubles()).containsOnly(0.05));
        }
    }

    private static double deviation(Tensor tensor) {
        return Math.sqrt(Arrays.stream(tensor.toDoubles()).map(v -> v * v).average().orElseThrow());
    }
}
