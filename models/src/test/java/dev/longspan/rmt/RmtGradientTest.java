package dev.longspan.rmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.longnet.Bench;
import dev.longspan.longnet.GradientCheck;
import dev.longspan.longnet.LongNet;
import dev.longspan.nn.Backbone;
import dev.longspan.nn.CausalBackbone;
import dev.longspan.nn.Layer;
import dev.longspan.op.Loss;
import dev.longspan.rmt.RmtConfig.Bptt;
import dev.longspan.rmt.RmtConfig.Supervision;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.transformer.Bert;
import dev.longspan.transformer.Gpt2;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Gradients through segments, in float64. */
class RmtGradientTest {

    private final Bench bench = new Bench();

    @AfterEach
    void close() {
        bench.close();
    }

    private RmtEncoder bert(RmtConfig config) {
        return Rmts.encoder(bench, config, Rmts.bert(bench, DType.F64));
    }

    private RmtDecoder gpt2(RmtConfig config) {
        return Rmts.decoder(bench, config, Objects.requireNonNull(Rmts.decoders(bench, DType.F64).get("GPT-2")));
    }

    /** Values of all gradients by name, as lists that compare bit for bit. */
    private Map<String, List<Double>> gradients(Layer model, Function<Pass, Tensor> loss) {
        Gradients gradients = new Gradients(bench.arena, model.parameters().values());
        try (Pass pass = bench.training(gradients)) {
            pass.backward(loss.apply(pass));
        }
        Map<String, List<Double>> values = new LinkedHashMap<>();
        model.parameters().forEach((name, parameter) ->
                values.put(name, Arrays.stream(gradients.of(parameter).toDoubles()).boxed().toList()));
        return values;
    }

    private Map<String, List<Double>> gradients(RmtDecoder model, Tensor tokens, Tensor targets) {
        return gradients(model, pass -> model.loss(pass, tokens, targets, null));
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 5})
    void anEncoderOverAnyBackboneSendsEveryGradientBackThroughTheSegments(int segments) {
        for (Map.Entry<String, Backbone> backbone : Rmts.encoders(bench, DType.F64).entrySet()) {
            RmtEncoder model = Rmts.encoder(bench, Rmts.ENCODER, backbone.getValue());
            List<TokenSource> documents = Rmts.documents(1, 5 * segments - 2, 5 * segments);
            GradientCheck.run(bench, model.parameters(), List.of(), pass ->
                    model.loss(pass, documents, Rmts.labels(bench, 3, 1)));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 5})
    void aDecoderOverAnyBackboneSendsEveryGradientBackThroughTheSegments(int segments) {
        for (Map.Entry<String, CausalBackbone> backbone : Rmts.decoders(bench, DType.F64).entrySet()) {
            RmtDecoder model = Rmts.decoder(bench, Rmts.DECODER, backbone.getValue());
            Tensor tokens = bench.tokens(1, 2, 5L * segments - 2);
            Tensor targets = bench.tokens(2, 2, 5L * segments - 2);
            GradientCheck.run(bench, model.parameters(), List.of(), pass -> model.loss(pass, tokens, targets, null));
        }
    }

    @Test
    void aBatchOfDifferentLengthsWithALossInEverySegmentSendsEveryGradientBack() {
        RmtEncoder model = bert(Rmts.ENCODER.withSupervision(Supervision.MEAN));
        List<TokenSource> documents = Rmts.documents(1, 7, 15, 2, 10);
        GradientCheck.run(bench, model.parameters(), List.of(), pass ->
                model.loss(pass, documents, Rmts.labels(bench, 3, 1, 0, 2)));
    }

    @Test
    void paddedSequencesSendEveryGradientBack() {
        RmtDecoder model = gpt2(Rmts.DECODER);
        Tensor visible = bench.arena.allocate(DType.U8, 2, 13).fill(1);
        visible.select(0, 1).slice(0, 8, 13).fill(0);
        Tensor targets = bench.tokens(2, 2, 13);
        targets.select(0, 1).slice(0, 7, 13).fill(Loss.IGNORED);
        Tensor tokens = bench.tokens(1, 2, 13);
        GradientCheck.run(bench, model.parameters(), List.of(), pass -> model.loss(pass, tokens, targets, visible));
    }

    @Test
    void recomputingSegmentsGivesTheSameBitsWithDropout() {
        LongNet gpt2 = LongNet.create(Gpt2.of(Bench.VOCABULARY, 12, 2, 2, 14, 11)
                .withDropouts(new dev.longspan.longnet.LongNetConfig.Dropouts(0.2, 0.3, 0.1)), bench.arena, DType.F64, 5);
        RmtDecoder decoder = Rmts.decoder(bench, Rmts.DECODER, gpt2);
        Tensor tokens = bench.tokens(1, 2, 23);
        Tensor targets = bench.tokens(2, 2, 23);
        assertThat(gradients(decoder.withConfig(Rmts.DECODER.withRecompute(true)), tokens, targets))
                .isEqualTo(gradients(decoder, tokens, targets));
        RmtDecoder twice = new RmtDecoder(Rmts.DECODER.withRecompute(true), gpt2.withCheckpoints(Checkpoints.EXACT), decoder.memory());
        assertThat(gradients(twice, tokens, targets)).as("layers as well").isEqualTo(gradients(decoder, tokens, targets));

        RmtEncoder encoder = Rmts.encoder(bench, Rmts.ENCODER.withSupervision(Supervision.MEAN), Bert.create(
                Bert.of(Bench.VOCABULARY, 12, 2, 2, 14, 11)
                        .withDropouts(new dev.longspan.longnet.LongNetConfig.Dropouts(0.2, 0.3, 0)), 2, bench.arena, DType.F64, 5));
        List<TokenSource> documents = Rmts.documents(1, 7, 25, 2, 10);
        Tensor labels = Rmts.labels(bench, 3, 1, 0, 2);
        assertThat(gradients(encoder.withConfig(encoder.config().withRecompute(true)), pass ->
                encoder.withConfig(encoder.config().withRecompute(true)).loss(pass, documents, labels)))
                .isEqualTo(gradients(encoder, pass -> encoder.loss(pass, documents, labels)));
    }

    @Test
    void recomputingSegmentsKeepsOnlyTheirMemory() {
        RmtDecoder plain = gpt2(Rmts.DECODER);
        RmtDecoder recomputing = plain.withConfig(Rmts.DECODER.withRecompute(true));
        long memory = 3 * 12 * Double.BYTES;
        assertThat((peak(recomputing, 40) - peak(recomputing, 5)) / 35).as("bytes of one more segment").isLessThan(4 * memory);
        assertThat(peak(plain, 40)).as("plain").isGreaterThan(6 * peak(plain, 5));
    }

    private long peak(RmtDecoder model, int segments) {
        try (Bench own = new Bench()) {
            Tensor tokens = own.tokens(1, 1, 5L * segments);
            Gradients gradients = new Gradients(own.arena, model.parameters().values());
            try (Pass pass = own.training(gradients)) {
                pass.backward(model.loss(pass, tokens, tokens, null));
            }
            return own.workspace.peakBytes();
        }
    }

    @Test
    void throughAsManySegmentsAsThereAreIsThroughAll() {
        RmtDecoder model = gpt2(Rmts.DECODER);
        Tensor tokens = bench.tokens(1, 2, 18);
        assertThat(gradients(model.withConfig(Rmts.DECODER.withBptt(Bptt.of(4))), tokens, tokens))
                .isEqualTo(gradients(model, tokens, tokens));
    }

    /** The last segments alone, begun from the memory that entered them. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void theLastLossReachesExactlyTheLastSegments(int depth) {
        RmtDecoder model = gpt2(Rmts.DECODER.withBptt(Bptt.of(depth)));
        Tensor tokens = bench.tokens(1, 1, 20);
        Tensor targets = bench.arena.allocate(DType.I64, 1, 20).fill(Loss.IGNORED);
        targets.slice(1, 15, 20).copyFrom(tokens.slice(1, 0, 5));
        long from = 5L * (4 - depth);
        RmtState state = model.start(bench.arena, 1);
        try (Pass pass = bench.inference()) {
            state = model.next(pass, state, piece(tokens, 0, from)).state();
        }
        Tensor entering = bench.arena.allocate(DType.F64, 3, 12).copyFrom(state.memory().select(0, 0));
        RmtDecoder rest = new RmtDecoder(Rmts.DECODER, model.backbone(), entering);
        Map<String, List<Double>> expected = gradients(rest, piece(tokens, from, 20), piece(targets, from, 20));
        expected.put("memory", java.util.Collections.nCopies(36, 0.0));
        for (RmtConfig config : List.of(model.config(), model.config().withRecompute(true))) {
            assertClose(gradients(model.withConfig(config), tokens, targets), List.of(expected), 1);
        }
    }

    @Test
    void everyLossHasItsOwnReach() {
        RmtDecoder model = gpt2(Rmts.DECODER.withBptt(Bptt.of(2)));
        Tensor tokens = bench.tokens(1, 2, 20);
        Tensor targets = bench.tokens(2, 2, 20);
        List<Map<String, List<Double>>> single = new ArrayList<>();
        for (int s = 0; s < 4; s++) {
            Tensor own = bench.arena.allocate(DType.I64, 2, 20).fill(Loss.IGNORED);
            own.slice(1, 5L * s, 5L * s + 5).copyFrom(targets.slice(1, 5L * s, 5L * s + 5));
            single.add(gradients(model, tokens, own));
        }
        assertClose(gradients(model, tokens, targets), single, 0.25);
    }

    private static void assertClose(Map<String, List<Double>> actual, List<Map<String, List<Double>>> terms, double factor) {
        actual.forEach((name, values) -> {
            for (int i = 0; i < values.size(); i++) {
                int at = i;
                double sum = terms.stream().mapToDouble(term -> Objects.requireNonNull(term.get(name)).get(at)).sum() * factor;
                assertThat(values.get(i)).as("gradient of %s[%d]", name, i).isCloseTo(sum, within(1e-12));
            }
        });
    }

    private Tensor piece(Tensor tokens, long from, long to) {
        return bench.arena.allocate(DType.I64, tokens.size(0), to - from).copyFrom(tokens.slice(1, from, to));
    }
}
