package dev.longspan.longnet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Activation;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.Rotary;
import dev.longspan.longnet.LongNetConfig.Dropouts;
import dev.longspan.longnet.LongNetConfig.Norms;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Loss;
import dev.longspan.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Every parameter tensor of each model against central differences in float64. */
class LongNetGradientTest {

    private final Bench bench = new Bench();

    @AfterEach
    void close() {
        bench.close();
    }

    private void check(LongNetConfig config) {
        check(bench.model(config));
    }

    private void check(LongNet model) {
        Tensor tokens = bench.tokens(1, 2, 17);
        Tensor targets = bench.tokens(2, 2, 17);
        GradientCheck.run(bench, model.parameters(), List.of(), pass ->
                Loss.meanCrossEntropy(pass, model.logits(pass, tokens), targets));
    }

    @Test
    void aSubLnDecoderWithXposSendsEveryGradientBack() {
        check(Bench.awkward());
    }

    @Test
    void aDeepNormDecoderWithReluSendsEveryGradientBack() {
        check(Bench.awkward().withNorms(Norms.DEEPNORM).withFeedForward(14, Activation.RELU));
    }

    @Test
    void aTiedAndScaledDecoderWithLearnedPositionsSendsEveryGradientBack() {
        check(Bench.awkward().withEmbedding(true, true).withPositions(new Rotation.None(), 17)
                .withFeedForward(14, Activation.SILU).withNorms(new Norms(true, false, false, false, true, 1e-3)));
    }

    @Test
    void aLlamaSendsEveryGradientBackTiedAlso() {
        check(Bench.llama(Rotary.Pairs.HALVES));
        check(Bench.llama(Rotary.Pairs.NEIGHBOURS).withEmbedding(false, true));
    }

    @Test
    void aLongNetWithRmsNormsRopeAndGatesSendsEveryGradientBack() {
        check(Bench.gatedLongNet().withDropouts(new Dropouts(0.2, 0.3, 0.1)));
    }

    @Test
    void dropoutOfAllThreeKindsKeepsTheGradientsExact() {
        check(Bench.awkward().withDropouts(new Dropouts(0.2, 0.3, 0.1)));
    }

    @Test
    void recomputedLayersSendEveryGradientBack() {
        check(bench.model(Bench.awkward().withDropouts(new Dropouts(0.2, 0.3, 0.1))).withCheckpoints(Checkpoints.EXACT));
    }

    @Test
    void theDenseBaselineSendsEveryGradientBack() {
        check(Bench.awkward().withPattern(new AttentionPattern.Dense()));
    }

    @Test
    void theSparseBaselineSendsEveryGradientBackAlsoBlockwise() {
        LongNetConfig sparse = Bench.awkward().withPattern(new AttentionPattern.FixedSparse(5, 2));
        check(sparse);
        check(sparse.withBlockwise(8));
    }

    @Test
    void theEncoderSendsGradientsToItsParametersAndInputs() {
        LongNetEncoder encoder = bench.encoder(Bench.awkward().withVocabulary(0).withoutOutputLayer());
        Tensor embeddings = bench.normal(3, 2, 17, 12);
        Tensor weights = bench.normal(4, 2, 17, 12);
        GradientCheck.run(bench, encoder.parameters(), List.of(embeddings), pass ->
                Elementwise.sum(pass, 1, Elementwise.multiply(pass, weights, encoder.apply(pass, embeddings))));
    }

    @Test
    void theEncoderOfTokensSendsEveryGradientBack() {
        LongNetEncoder encoder = bench.encoder(Bench.awkward());
        Tensor tokens = bench.tokens(1, 2, 17);
        Tensor targets = bench.tokens(2, 2, 17);
        GradientCheck.run(bench, encoder.parameters(), List.of(), pass -> Loss.meanCrossEntropy(pass,
                encoder.apply(pass, encoder.embed(pass, tokens)), targets));
    }

    @Test
    void recomputationGivesTheSameBits() {
        LongNet model = bench.model(Bench.awkward().withDropouts(new Dropouts(0.2, 0.3, 0.1)));
        assertThat(gradients(model.withCheckpoints(Checkpoints.EXACT))).isEqualTo(gradients(model));
    }

    @Test
    void halfCheckpointsRoundWhatLayersHandToEachOtherAndNothingElse() {
        LongNet model = bench.model(Bench.awkward().withDropouts(new Dropouts(0.2, 0.3, 0.1)));
        Map<String, List<Double>> found = gradients(model.withCheckpoints(Checkpoints.BF16));
        assertThat(found).isNotEqualTo(gradients(model)).isEqualTo(gradients(model, (pass, tokens) -> {
            Tensor x = Body.enter(pass, model.config(), model.positions(), model.embeddingNorm(), model.embed(pass, tokens), 0);
            for (int i = 0; i < model.layers().size(); i++) {
                x = model.layers().get(i).apply(pass, i == 0 ? x : bench.rounded(pass, x), (Tensor) null);
            }
            return model.logitsOf(pass, Objects.requireNonNull(model.norm()).apply(pass, x));
        }));
    }

    private Map<String, List<Double>> gradients(LongNet model) {
        return gradients(model, model::logits);
    }

    private Map<String, List<Double>> gradients(LongNet model, BiFunction<Pass, Tensor, Tensor> logits) {
        Gradients gradients = new Gradients(bench.arena, model.parameters().values());
        try (Pass pass = bench.training(gradients)) {
            pass.backward(Loss.meanCrossEntropy(pass, logits.apply(pass, bench.tokens(1, 2, 17)), bench.tokens(2, 2, 17)));
        }
        Map<String, List<Double>> values = new HashMap<>();
        model.parameters().forEach((name, parameter) -> values.put(name,
                java.util.Arrays.stream(gradients.of(parameter).toDoubles()).boxed().toList()));
        return values;
    }
}
