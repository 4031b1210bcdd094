package dev.longspan.megalodon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Documents;
import dev.longspan.longnet.Bench;
import dev.longspan.longnet.GradientCheck;
import dev.longspan.megalodon.MegalodonConfig.Dropouts;
import dev.longspan.megalodon.MegalodonConfig.Parts;
import dev.longspan.op.Elementwise;
import dev.longspan.op.Loss;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Every parameter tensor against central differences in float64, over three chunks and a rest. */
class MegalodonGradientTest {

    private static final int ROWS = 17;

    private final Bench bench = new Bench();

    @AfterEach
    void close() {
        bench.close();
    }

    private Megalodon model(MegalodonConfig config) {
        return Bench.shaken(Megalodon.create(config, bench.arena, DType.F64, 5));
    }

    private void check(MegalodonConfig config) {
        check(model(config));
    }

    private void check(Megalodon model) {
        Tensor tokens = bench.tokens(1, 2, ROWS);
        Tensor targets = bench.tokens(2, 2, ROWS);
        GradientCheck.run(bench, model.parameters(), List.of(), pass ->
                Loss.meanCrossEntropy(pass, model.logits(pass, tokens), targets));
    }

    @Test
    void swigluSendsEveryGradientBack() {
        check(Megalodons.awkward());
    }

    @Test
    void aTiedScaledRescaledPlainModelSendsEveryGradientBack() {
        check(Megalodons.awkward().withGatedFeedForward(false).withEmbedding(true, true).withRescale(true));
    }

    @Test
    void megasPartsSendEveryGradientBack() {
        check(Megalodons.awkward().withParts(Parts.MEGA));
    }

    @Test
    void dropoutOfAllThreeKindsKeepsTheGradientsExact() {
        check(Megalodons.awkward().withDropouts(new Dropouts(0.2, 0.3, 0.1)));
    }

    @Test
    void packedDocumentsSendEveryGradientBack() {
        Megalodon model = model(Megalodons.awkward());
        Documents documents = Documents.of(new long[] {0, 2, 9}, new long[] {0, 7, 8});
        Tensor tokens = bench.tokens(1, 2, ROWS);
        Tensor targets = bench.tokens(2, 2, ROWS);
        GradientCheck.run(bench, model.parameters(), List.of(), pass ->
                Loss.meanCrossEntropy(pass, model.logits(pass, tokens, documents), targets));
    }

    @Test
    void aBackboneWithHiddenRowsSendsGradientsToItsInputs() {
        Megalodon model = model(Megalodons.awkward());
        Tensor embedded = bench.normal(3, 2, ROWS, model.width());
        Tensor weights = bench.normal(4, 2, ROWS, model.width());
        long[] shown = new long[2 * ROWS];
        Arrays.setAll(shown, i -> i % 5 == 2 ? 0 : 1);
        Tensor visible = bench.arena.allocate(DType.U8, 2, 1, ROWS).set(shown);
        GradientCheck.run(bench, Map.of("gamma", model.layers().getFirst().attention().gamma()), List.of(embedded), pass ->
                Elementwise.sum(pass, 1, Elementwise.multiply(pass, weights, model.hidden(pass, embedded, visible, 0))));
    }

    @Test
    void recomputationGivesTheSameBits() {
        Megalodon model = model(Megalodons.awkward().withDropouts(new Dropouts(0.2, 0.3, 0.1)));
        assertThat(gradients(model.withCheckpoints(Checkpoints.EXACT))).isEqualTo(gradients(model));
    }

    @Test
    void halfCheckpointsRoundWhatLayersHandToEachOtherAndNothingElse() {
        Megalodon model = model(Megalodons.awkward().withDropouts(new Dropouts(0.2, 0.3, 0.1)));
        Map<String, List<Double>> found = gradients(model.withCheckpoints(Checkpoints.BF16));
        assertThat(found).isNotEqualTo(gradients(model)).isEqualTo(gradients(model, (pass, tokens) -> {
            Tensor x = Elementwise.dropout(pass, model.config().dropouts().residual(), model.embed(pass, tokens));
            for (int i = 0; i < model.layers().size(); i++) {
                x = model.layers().get(i).apply(pass, i == 0 ? x : bench.rounded(pass, x), Context.WHOLE);
            }
            return model.logitsOf(pass, model.norm().apply(pass, x, null, null, 0, null).y());
        }));
    }

    private Map<String, List<Double>> gradients(Megalodon model) {
        return gradients(model, model::logits);
    }

    private Map<String, List<Double>> gradients(Megalodon model, BiFunction<Pass, Tensor, Tensor> logits) {
        Gradients gradients = new Gradients(bench.arena, model.parameters().values());
        try (Pass pass = bench.training(gradients)) {
            pass.backward(Loss.meanCrossEntropy(pass, logits.apply(pass, bench.tokens(1, 2, ROWS)), bench.tokens(2, 2, ROWS)));
        }
        Map<String, List<Double>> values = new HashMap<>();
        model.parameters().forEach((name, parameter) ->
                values.put(name, Arrays.stream(gradients.of(parameter).toDoubles()).boxed().toList()));
        return values;
    }
}
