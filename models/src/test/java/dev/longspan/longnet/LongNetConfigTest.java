package dev.longspan.longnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;
import dev.longspan.kernel.AttentionPlan.Gradient;
import dev.longspan.kernel.Rotary;
import dev.longspan.longnet.LongNetConfig.Dropouts;
import dev.longspan.longnet.LongNetConfig.Norms;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LongNetConfigTest {

    private final Bench bench = new Bench();

    @AfterEach
    void close() {
        bench.close();
    }

    private static List<LongNetConfig> configs() {
        List<LongNetConfig> configs = new ArrayList<>();
        LongNetConfig.presets().forEach(name -> configs.add(LongNetConfig.preset(name, 256)));
        LongNetConfig awkward = Bench.awkward();
        configs.add(awkward.withPattern(new AttentionPattern.Dense()));
        configs.add(awkward.withPattern(new AttentionPattern.FixedSparse(5, 2)).withBlockwise(8));
        configs.add(awkward.withPattern(new Dilated(List.of(new Branch(5, 2)), HeadOffset.MODULO, PadKeys.MASK))
                .withGradient(Gradient.DETACHED));
        configs.add(awkward.withNorms(Norms.DEEPNORM).withFeedForward(14, Activation.RELU).withEmbedding(true, true));
        configs.add(awkward.withNorms(new Norms(true, false, false, false, true, 1e-3))
                .withPositions(new Rotation.None(), 17).withFeedForward(14, Activation.SILU).withDropouts(new Dropouts(0.1, 0.2, 0.3)));
        configs.add(awkward.withNorms(new Norms(false, false, true, true, true, 0)).withPositions(new Rotation.Xpos(100), 3)
                .withFeedForward(14, Activation.GELU_TANH));
        configs.add(Bench.llama(Rotary.Pairs.HALVES));
        configs.add(Bench.gatedLongNet());
        return configs;
    }

    @Test
    void aConfigurationReadsBackFromItsJson() {
        for (LongNetConfig config : configs()) {
            assertThat(LongNetConfig.fromJson(config.toJson())).isEqualTo(config);
            assertThat(ConfigKeys.DECODER.read(ConfigKeys.DECODER.write(config))).isEqualTo(config);
        }
        LongNetConfig encoder = Bench.awkward().withVocabulary(0).withoutOutputLayer();
        assertThat(ConfigKeys.ENCODER.read(ConfigKeys.ENCODER.write(encoder))).isEqualTo(encoder);
    }

    @Test
    void torchscalesDefaultsFillInWhatIsMissing() {
        LongNetConfig config = LongNetConfig.fromJson(
                "{\"vocab_size\": 7, \"segment_length\": [16], \"dilated_ratio\": [2], \"xpos_rel_pos\": true}");
        assertThat(config).isEqualTo(LongNetConfig.of(7, 768, 12, 12, List.of(new Branch(16, 2))));
    }

    @Test
    void torchscalesRulesForDeepNormAndSubLnAreItsOwn() {
        String schedule = "\"vocab_size\": 7, \"segment_length\": [16], \"dilated_ratio\": [2]";
        LongNetConfig decoder = LongNetConfig.fromJson("{\"deepnorm\": true, \"subln\": true, " + schedule + "}");
        assertThat(decoder.norms()).isEqualTo(new Norms(true, true, false, true, false, 1e-5));
        LongNetConfig encoder = ConfigKeys.ENCODER.read(Map.of("deepnorm", true, "segment_length", List.of(16L),
                "dilated_ratio", List.of(2L)));
        assertThat(encoder.norms()).isEqualTo(Norms.DEEPNORM);
    }

    @Test
    void nonsenseIsRefusedInOneLineThatNamesItsValue() {
        refused("segment must be positive: segment=0", () -> List.of(new Branch(0, 1)));
        refused("dilation must not exceed segment: dilation=9, segment=8", () -> List.of(new Branch(8, 9)));
        refused("heads must divide width: heads=5, width=12", () -> LongNetConfig.of(7, 12, 5, 1, List.of(new Branch(8, 1))));
        refused("even head dimension: rotation=Xpos[scaleBase=512.0], width=9, heads=3",
                () -> LongNetConfig.of(7, 9, 3, 1, List.of(new Branch(8, 1))));
        refused("theta must be positive: theta=0.0",
                () -> LongNetConfig.fromJson("{\"rope_theta\": 0, \"attention\": \"dense\"}"));
        refused("exclude each other: rope_theta=100.0",
                () -> LongNetConfig.fromJson("{\"rope_theta\": 100, \"xpos_rel_pos\": true, \"attention\": \"dense\"}"));
        refused("scaleBase must be positive: scaleBase=-1.0", () -> new Rotation.Xpos(-1));
        refused("rope_pairs must be one of [NEIGHBOURS, HALVES]: rope_pairs=thirds",
                () -> LongNetConfig.fromJson("{\"rope_pairs\": \"thirds\", \"attention\": \"dense\"}"));
        refused("norm must be one of [LAYER, RMS]: norm=batch",
                () -> LongNetConfig.fromJson("{\"norm\": \"batch\", \"attention\": \"dense\"}"));
        refused("feedForward must be positive: feedForward=0", () -> Bench.awkward().withFeedForward(0, Activation.RELU));
        refused("initialStd must not be negative: initialStd=-0.02", () -> Bench.awkward().withInitialStd(-0.02));
        refused("layers must be positive: layers=0", () -> LongNetConfig.of(7, 12, 2, 0, List.of(new Branch(8, 1))));
        refused("preset must be one of", () -> LongNetConfig.preset("3B", 7));
        refused("dropout rates must be in [0, 1): hidden=1.0", () -> new Dropouts(1, 0, 0));
        refused("unknown keys: colour", () -> LongNetConfig.fromJson("{\"colour\": 1, \"attention\": \"dense\"}"));
        refused("moe_freq is not supported: moe_freq=2.0",
                () -> LongNetConfig.fromJson("{\"moe_freq\": 2, \"attention\": \"dense\"}"));
        refused("must have segment_length", () -> LongNetConfig.fromJson("{}"));
        refused("one length: segment_length=[4], dilated_ratio=[]",
                () -> LongNetConfig.fromJson("{\"segment_length\": [4], \"dilated_ratio\": []}"));
        refused("a decoder needs a vocabulary",
                () -> LongNet.create(Bench.awkward().withVocabulary(0).withoutOutputLayer(), bench.arena, DType.F32, 1));
    }

    private static void refused(String message, Supplier<?> attempt) {
        assertThatIllegalArgumentException().isThrownBy(attempt::get).withMessageContaining(message)
                .satisfies(e -> assertThat(String.valueOf(e.getMessage())).doesNotContain("\n"));
    }

    @Test
    void tokensThatAreNoneOrOutsideTheVocabularyAreRefused() {
        LongNet model = bench.model(Bench.awkward());
        Tensor none = bench.arena.allocate(DType.I64, 1, 0);
        Tensor outside = bench.arena.allocate(DType.I64, 1, 2).set(new long[] {0, 11});
        try (Pass pass = bench.inference()) {
            assertThatIllegalArgumentException().isThrownBy(() -> model.logits(pass, none))
                    .withMessageContaining("at least one token");
            assertThatIllegalArgumentException().isThrownBy(() -> model.logits(pass, outside))
                    .withMessageContaining("[0, 11): ids[1]=11");
            LongNet learned = bench.model(Bench.awkward().withPositions(new Rotation.None(), 1));
            assertThatIllegalArgumentException().isThrownBy(() -> learned.logits(pass, bench.tokens(1, 1, 2)))
                    .withMessageContaining("last=1, learnedPositions=1");
        }
    }

    @Test
    void aDenseCheckpointRunsWithDilatedAttentionUnchangedAndTheOtherWayRound() {
        LongNet dilated = bench.model(Bench.awkward());
        LongNet dense = dilated.withConfig(dilated.config().withPattern(new AttentionPattern.Dense()));
        assertThat(dense.parameters()).isEqualTo(dilated.parameters());
        // Up to the first segment's end, with the other branches' phases aside, dense and one whole segment agree.
        LongNet whole = dense.withConfig(dense.config().withSchedule(List.of(new Branch(40, 1))));
        Tensor tokens = bench.tokens(1, 1, 40);
        double[] expected = bench.values(pass -> dense.logits(pass, tokens));
        double[] actual = bench.values(pass -> whole.logits(pass, tokens));
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], org.assertj.core.api.Assertions.within(1e-12));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> dilated.withConfig(dilated.config().withEmbedding(false, true)))
                .withMessageContaining("same parameters");
    }
}
