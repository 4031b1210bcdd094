package dev.longspan.longnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.nn.Init;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LongNetInitTest {

    private final Bench bench = new Bench();
    private final LongNetConfig config = LongNetConfig.of(300, 64, 2, 4, List.of(new Branch(8, 1)));

    @AfterEach
    void close() {
        bench.close();
    }

    private double[] values(LongNetConfig of, String name) {
        return Objects.requireNonNull(LongNet.create(of, bench.arena, DType.F32, 5).parameters().get(name)).toDoubles();
    }

    private static double largest(double[] values) {
        return Arrays.stream(values).map(Math::abs).max().orElseThrow();
    }

    @Test
    void linearLayersStartUniformWithTheSubLnFactorOnFourOfThem() {
        double gamma = Math.sqrt(Math.log(8));
        assertThat(largest(values(config, "layers.3.attention.query.weight"))).isCloseTo(1 / 8.0, within(1e-3));
        assertThat(largest(values(config, "layers.3.attention.key.bias"))).isBetween(0.1, 1 / 8.0);
        assertThat(largest(values(config, "layers.0.attention.value.weight"))).isCloseTo(gamma / 8, within(1e-3));
        assertThat(largest(values(config, "layers.0.attention.out.bias"))).isBetween(gamma * 0.1, gamma / 8);
        assertThat(largest(values(config, "layers.1.feedForward.up.weight"))).isCloseTo(gamma / 8, within(1e-3));
        assertThat(largest(values(config, "layers.1.feedForward.down.weight"))).isCloseTo(gamma / 16, within(1e-3));
    }

    @Test
    void deepNormDividesTheSameFour() {
        LongNetConfig deep = config.withNorms(LongNetConfig.Norms.DEEPNORM);
        assertThat(largest(values(deep, "layers.0.attention.value.weight"))).isCloseTo(Math.pow(32, -0.25) / 8, within(1e-3));
        assertThat(largest(values(deep, "layers.0.attention.query.weight"))).isCloseTo(1 / 8.0, within(1e-3));
    }

    @Test
    void embeddingAndOutputStartNormalAndNormsNeutral() {
        for (String name : List.of("embedding.weight", "output.weight")) {
            double[] values = values(config, name);
            double variance = Arrays.stream(values).map(v -> v * v).sum() / values.length;
            assertThat(variance).as(name).isCloseTo(1 / 64.0, within(4e-4));
        }
        assertThat(values(config, "layers.2.attention.norm.weight")).containsOnly(1);
        assertThat(values(config, "norm.bias")).containsOnly(0);
    }

    @Test
    void withAStandardDeviationMatricesAreNormalAndVectorsNeutral() {
        LongNetConfig normal = config.withInitialStd(0.02)
                .withFeedForward(new LongNetConfig.FeedForward(256, Activation.SILU, true));
        for (String name : List.of("embedding.weight", "output.weight", "layers.0.attention.out.weight",
                "layers.3.feedForward.gate.weight", "layers.3.feedForward.down.weight")) {
            double[] values = values(normal, name);
            double std = Math.sqrt(Arrays.stream(values).map(v -> v * v).sum() / values.length);
            assertThat(std).as(name).isCloseTo(0.02, within(1e-3));
        }
        assertThat(values(normal, "layers.2.attention.key.bias")).containsOnly(0);
        assertThat(values(normal, "layers.2.attentionNorm.weight")).containsOnly(1);
    }

    @Test
    void aParameterDependsOnSeedAndNameAlone() {
        assertThat(values(config, "layers.0.attention.query.weight"))
                .isEqualTo(values(config.withVocabulary(7), "layers.0.attention.query.weight"))
                .isNotEqualTo(values(config, "layers.1.attention.query.weight"))
                .isNotEqualTo(values(config, "layers.0.attention.key.weight"));
    }

    @Test
    void aTruncatedNormalStaysWithinItsDeviations() {
        Tensor tensor = bench.arena.allocate(DType.F64, 20_000);
        Init.truncatedNormal(0.5, 2).fill(tensor, 1, "x");
        assertThat(largest(tensor.toDoubles())).isBetween(0.99, 1.0);
        // Var of N(0,1) cut at 2 is 0.7737.
        assertThat(Arrays.stream(tensor.toDoubles()).map(v -> v * v).sum() / 20_000).isCloseTo(0.25 * 0.7737, within(5e-3));
    }
}
