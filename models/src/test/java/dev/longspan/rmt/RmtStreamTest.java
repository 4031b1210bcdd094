package dev.longspan.rmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Pass;
import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.longnet.Bench;
import dev.longspan.nn.Backbone;
import dev.longspan.nn.CausalBackbone;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is read piece by piece is what is read as a whole, to 1e-12 in float64. */
class RmtStreamTest {

    private static final int ROWS = 23;

    private final Bench bench = new Bench();

    @AfterEach
    void close() {
        bench.close();
    }

    private RmtDecoder gpt2(RmtConfig config) {
        return Rmts.decoder(bench, config, Objects.requireNonNull(Rmts.decoders(bench, DType.F64).get("GPT-2")));
    }

    private static void assertClose(String what, double[] actual, double[] expected, double within) {
        assertThat(actual).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).as("%s, element %d", what, i).isCloseTo(expected[i], within(within));
        }
    }

    @Test
    void anyPartitionOverAnyBackboneGivesTheLogitsOfTheWhole() {
        for (Map.Entry<String, CausalBackbone> backbone : Rmts.decoders(bench, DType.F64).entrySet()) {
            RmtDecoder model = Rmts.decoder(bench, Rmts.DECODER, backbone.getValue());
            Tensor tokens = bench.tokens(1, 2, ROWS);
            double[] whole = bench.values(pass -> model.logits(pass, tokens));
            assertClose(backbone.getKey() + " one by one", bench.stream(model, tokens, Collections.nCopies(ROWS, 1)), whole, 1e-12);
            assertClose(backbone.getKey() + " at once", bench.stream(model, tokens, List.of(ROWS)), whole, 1e-12);
            assertClose(backbone.getKey() + " mixed", bench.stream(model, tokens, List.of(3, 2, 11, 6, 1)), whole, 1e-12);
        }
    }

    @Test
    void anyPartitionInFloat32AgreesToRounding() {
        for (Backend backend : Backend.onHost()) {
            if (backend.available() == null) {
                continue;
            }
            try (Bench single = new Bench(backend, Parallel.of(2))) {
                Rmts.decoders(single, DType.F32).forEach((name, backbone) -> {
                    RmtDecoder model = Rmts.decoder(single, Rmts.DECODER, backbone);
                    Tensor tokens = single.tokens(1, 2, ROWS);
                    double[] whole = single.values(pass -> model.logits(pass, tokens));
                    assertClose(name + " on " + backend.name(), single.stream(model, tokens, List.of(3, 2, 11, 6, 1)), whole, 5e-5);
                });
            }
        }
    }

    @Test
    void theTokensOfASegmentReadTheMemoryOfTheOneBefore() {
        RmtDecoder model = gpt2(Rmts.DECODER);
        Tensor tokens = bench.tokens(1, 1, 10);
        double[] before = bench.values(pass -> model.logits(pass, tokens));
        tokens.slice(1, 0, 1).fill((tokens.get(0, 0) + 1) % Bench.VOCABULARY);
        double[] behind = bench.values(pass -> model.logits(pass, tokens));
        assertThat(Math.abs(behind[9 * Bench.VOCABULARY] - before[9 * Bench.VOCABULARY])).isGreaterThan(1e-6);
    }

    @Test
    void aSavedStateContinuesWhereItStood(@TempDir Path folder) {
        RmtDecoder model = gpt2(Rmts.DECODER);
        Tensor tokens = bench.tokens(1, 2, ROWS);
        double[] whole = bench.values(pass -> model.logits(pass, tokens));
        Path file = folder.resolve("state.safetensors");
        Checkpoint.save(file, read(model, tokens, 13).tensors(), Map.of());
        try (Checkpoint saved = Checkpoint.open(file)) {
            RmtState restored = model.restore(bench.arena, saved.tensors());
            assertThat(restored.position()).isEqualTo(13);
            assertRest(bench.stream(model, restored, rest(tokens, 13), List.of(4, 6)), whole);
        }
    }

    @Test
    void selectedRowsContinueEachForItself() {
        RmtDecoder model = gpt2(Rmts.DECODER);
        Tensor tokens = bench.tokens(1, 2, ROWS);
        double[] whole = bench.values(pass -> model.logits(pass, tokens));
        RmtState state = read(model, tokens, 13);
        RmtState beams = state.select(bench.arena, 1, 0, 1);
        Tensor reordered = bench.arena.allocate(DType.I64, 3, 10);
        for (int i = 0; i < 3; i++) {
            reordered.select(0, i).copyFrom(tokens.select(0, i == 1 ? 0 : 1).slice(0, 13, ROWS));
        }
        double[] rest = bench.stream(model, beams, reordered, List.of(10));
        int left = 10 * Bench.VOCABULARY;
        int each = ROWS * Bench.VOCABULARY;
        for (int i = 0; i < 3; i++) {
            int b = i == 1 ? 0 : 1;
            assertClose("beam " + i, Arrays.copyOfRange(rest, i * left, (i + 1) * left),
                    Arrays.copyOfRange(whole, (b + 1) * each - left, (b + 1) * each), 1e-12);
        }
        assertRest(bench.stream(model, state, rest(tokens, 13), List.of(10)), whole);
    }

    private RmtState read(RmtDecoder model, Tensor tokens, long to) {
        Tensor first = bench.arena.allocate(DType.I64, tokens.size(0), to).copyFrom(tokens.slice(1, 0, to));
        try (Pass pass = bench.inference()) {
            return model.next(pass, model.start(bench.arena, tokens.size(0)), first).state();
        }
    }

    private Tensor rest(Tensor tokens, long from) {
        return bench.arena.allocate(DType.I64, tokens.size(0), ROWS - from).copyFrom(tokens.slice(1, from, ROWS));
    }

    private static void assertRest(double[] rest, double[] whole) {
        int left = rest.length / 2;
        for (int b = 0; b < 2; b++) {
            assertClose("sequence " + b, Arrays.copyOfRange(rest, b * left, (b + 1) * left),
                    Arrays.copyOfRange(whole, (b + 1) * whole.length / 2 - left, (b + 1) * whole.length / 2), 1e-12);
        }
    }

    @Test
    void aStateOfAnotherModelIsRefused() {
        RmtDecoder model = gpt2(Rmts.DECODER);
        Map<String, Tensor> saved = read(model, bench.tokens(1, 1, 7), 7).tensors();
        RmtDecoder other = new RmtDecoder(Rmts.DECODER, model.backbone(), bench.normal(9, 3, 12));
        assertThatIllegalArgumentException().isThrownBy(() -> other.restore(bench.arena, saved))
                .withMessageContaining("the state belongs to another model");
        RmtDecoder shorter = model.withConfig(RmtConfig.decoder(3, 4));
        assertThatIllegalArgumentException().as("another segment").isThrownBy(() -> shorter.restore(bench.arena, saved))
                .withMessageContaining("the state belongs to another model");
        Map<String, Tensor> damaged = new LinkedHashMap<>(saved);
        damaged.remove("memory");
        assertThatIllegalArgumentException().isThrownBy(() -> model.restore(bench.arena, damaged))
                .withMessage("the saved state must have memory");
    }

    @Test
    void aConsumedStateAndTokensOfAnotherBatchAreRefused() {
        RmtDecoder model = gpt2(Rmts.DECODER);
        RmtState state = model.start(bench.arena, 2);
        try (Pass pass = bench.inference()) {
            assertThatIllegalArgumentException().isThrownBy(() -> model.next(pass, state, bench.tokens(1, 3, 2)))
                    .withMessageContaining("tokens must be [2, at least one]");
            model.next(pass, state, bench.tokens(1, 2, 3));
            assertThatIllegalStateException().isThrownBy(() -> model.next(pass, state, bench.tokens(1, 2, 3)))
                    .withMessageContaining("consumed");
            assertThatIllegalStateException().isThrownBy(state::tensors);
        }
    }

    @Test
    void documentsReadSegmentBySegmentGiveTheLogitsOfTheWhole() {
        for (Map.Entry<String, Backbone> backbone : Rmts.encoders(bench, DType.F64).entrySet()) {
            RmtEncoder model = Rmts.encoder(bench, Rmts.ENCODER, backbone.getValue());
            List<TokenSource> documents = Rmts.documents(1, 7, 25, 2, 10);
            double[] whole = bench.values(pass -> model.logits(pass, documents));
            var read = model.read(bench::inference, bench.arena, documents, segment -> { });
            assertClose(backbone.getKey(), read.logits().toDoubles(), whole, 1e-12);
            assertThat(read.state().position()).isEqualTo(25);
        }
    }

    @Test
    void anEncodersStateGoesOnFromSegmentToSegment() {
        RmtEncoder model = Rmts.encoder(bench, Rmts.ENCODER, Rmts.bert(bench, DType.F64));
        List<TokenSource> documents = Rmts.documents(1, 10, 10);
        double[] whole = bench.values(pass -> model.logits(pass, documents));
        RmtState state = model.start(bench.arena, 2);
        try (Pass pass = bench.inference()) {
            state = model.next(pass, state, segment(documents, 0)).state();
        }
        RmtState restored = model.restore(bench.arena, state.select(bench.arena, 0, 1).tensors());
        double[] last = bench.values(pass -> model.next(pass, restored, segment(documents, 5)).logits());
        assertClose("second segment", last, whole, 1e-12);
    }

    private Tensor segment(List<TokenSource> documents, long from) {
        Tensor tokens = bench.arena.allocate(DType.I64, documents.size(), 5);
        for (int i = 0; i < documents.size(); i++) {
            long[] ids = new long[5];
            documents.get(i).read(from, ids);
            tokens.select(0, i).set(ids);
        }
        return tokens;
    }
}
