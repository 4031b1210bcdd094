package dev.longspan.rmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Pass;
import dev.longspan.longnet.Bench;
import dev.longspan.longnet.LongNet;
import dev.longspan.op.Loss;
import dev.longspan.rmt.RmtConfig.Bptt;
import dev.longspan.rmt.RmtConfig.Limits;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.transformer.Bert;
import dev.longspan.transformer.Gpt2;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Segments, batches, and what cannot be read. */
class RmtBatchTest {

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

    @Test
    void documentsAreCutFromTheStartFromTheEndOrEvenly() {
        assertThat(Alignment.LEFT.bounds(41, 18)).containsExactly(0, 18, 36, 41);
        assertThat(Alignment.RIGHT.bounds(41, 18)).containsExactly(0, 5, 23, 41);
        assertThat(Alignment.CENTER.bounds(41, 18)).containsExactly(0, 14, 28, 41);
        for (Alignment alignment : Alignment.values()) {
            assertThat(alignment.bounds(36, 18)).containsExactly(0, 18, 36);
            assertThat(alignment.bounds(1, 18)).containsExactly(0, 1);
        }
    }

    @Test
    void aDocumentGivesTheSameLogitsInAnyBatch() {
        for (Alignment alignment : Alignment.values()) {
            RmtEncoder model = bert(Rmts.ENCODER.withAlignment(alignment));
            int[] lengths = {7, 25, 2, 10};
            List<TokenSource> documents = Rmts.documents(1, lengths);
            double[] together = bench.values(pass -> model.logits(pass, documents));
            for (int i = 0; i < lengths.length; i++) {
                List<TokenSource> one = List.of(documents.get(i));
                double[] alone = bench.values(pass -> model.logits(pass, one));
                for (int c = 0; c < Rmts.CLASSES; c++) {
                    assertThat(together[i * Rmts.CLASSES + c]).as("document %d aligned %s", i, alignment)
                            .isCloseTo(alone[c], within(1e-13));
                }
            }
        }
    }

    @Test
    void documentsWithFewerSegmentsBeginLater() {
        RmtEncoder model = bert(Rmts.ENCODER);
        List<List<Integer>> rows = new ArrayList<>();
        List<Integer> lengths = new ArrayList<>();
        try (Pass pass = bench.inference()) {
            model.loss(pass, Rmts.documents(1, 7, 15, 2, 10), Rmts.labels(bench, 0, 1, 2, 3), segment -> {
                rows.add(segment.rows());
                segment.tokens().forEach(tokens -> lengths.add(tokens.length));
            });
        }
        assertThat(rows).containsExactly(List.of(1), List.of(0, 1, 3), List.of(0, 1, 2, 3));
        assertThat(lengths).containsExactly(5, 2, 5, 5, 5, 5, 2, 5);
    }

    @Test
    void theEndOfASequenceMayBePadding() {
        RmtDecoder model = gpt2(Rmts.DECODER);
        Tensor tokens = bench.tokens(1, 2, 13);
        Tensor visible = bench.arena.allocate(DType.BOOL, 2, 13).fill(1);
        visible.select(0, 1).slice(0, 8, 13).fill(0);
        double[] padded = bench.values(pass -> model.logits(pass, tokens, visible));
        Tensor alone = bench.arena.allocate(DType.I64, 1, 8).copyFrom(tokens.slice(0, 1, 2).slice(1, 0, 8));
        double[] expected = bench.values(pass -> model.logits(pass, alone));
        for (int i = 0; i < expected.length; i++) {
            assertThat(padded[13 * Bench.VOCABULARY + i]).as("logit %d", i).isCloseTo(expected[i], within(1e-13));
        }
    }

    @Test
    void whatIsTooLongIsCutOffOnlyWhenAskedFor() {
        RmtEncoder model = bert(Rmts.ENCODER.withLimits(new Limits(1, 2, false)));
        List<TokenSource> documents = Rmts.documents(1, 13);
        assertThatIllegalArgumentException().isThrownBy(() -> bench.values(pass -> model.logits(pass, documents)))
                .withMessage("a document must fit 2 segments of 5 tokens, or its end, the question with it, must be allowed to be "
                        + "cut off: tokens=13");
        RmtEncoder truncating = model.withConfig(Rmts.ENCODER.withLimits(new Limits(1, 2, true)));
        long[] first = new long[10];
        documents.getFirst().read(0, first);
        assertThat(bench.values(pass -> truncating.logits(pass, documents)))
                .isEqualTo(bench.values(pass -> model.logits(pass, List.of(TokenSource.of(first)))));
        RmtDecoder decoder = gpt2(Rmts.DECODER.withLimits(new Limits(1, 2, false)));
        assertThatIllegalArgumentException().isThrownBy(() ->
                bench.values(pass -> decoder.logits(pass, bench.tokens(1, 1, 11)))).withMessageContaining("tokens=11");
        assertThatIllegalArgumentException().isThrownBy(() ->
                        bench.values(pass -> decoder.next(pass, decoder.start(bench.arena, 1), bench.tokens(1, 1, 11)).logits()))
                .withMessage("the stream must fit 2 segments of 5 tokens: position=0, tokens=I64[1, 11]");
    }

    @Test
    void whatIsTooShortIsRefused() {
        RmtEncoder model = bert(Rmts.ENCODER);
        assertThatIllegalArgumentException().isThrownBy(() -> bench.values(pass -> model.logits(pass, Rmts.documents(1, 4, 0))))
                .withMessage("a document must not be empty: tokens=0");
        assertThatIllegalArgumentException().isThrownBy(() -> bench.values(pass -> model.logits(pass, List.of())))
                .withMessage("a batch must have at least one document: documents=0");
        RmtEncoder strict = model.withConfig(Rmts.ENCODER.withLimits(new Limits(5, 0, false)));
        assertThatIllegalArgumentException().isThrownBy(() -> bench.values(pass -> strict.logits(pass, Rmts.documents(1, 4))))
                .withMessage("a document must have at least 5 tokens: tokens=4");
        assertThatIllegalArgumentException().isThrownBy(() ->
                        bench.values(pass -> gpt2(Rmts.DECODER).logits(pass, bench.arena.allocate(DType.I64, 1, 0))))
                .withMessage("a document must not be empty: tokens=0");
    }

    @Test
    void configurationsThatCannotBeAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> RmtConfig.decoder(6, 5))
                .withMessage("memory must not be larger than the segment: memory=6, segment=5");
        assertThatIllegalArgumentException().isThrownBy(() -> RmtConfig.encoder(10, 13))
                .withMessage("memory and 3 special tokens must leave room in the input: memory=10, input=13");
        assertThatIllegalArgumentException().isThrownBy(() -> RmtConfig.decoder(0, 5)).withMessageContaining("memory=0");
        assertThatIllegalArgumentException().isThrownBy(() -> new Limits(1, 0, true)).withMessageContaining("truncate=true");
        assertThatIllegalArgumentException().isThrownBy(() -> Bptt.reference(2, 0))
                .withMessageContaining("depth=2, rule=REFERENCE, segments=0");
        assertThatIllegalArgumentException().isThrownBy(() -> Bptt.reference(0, 4)).withMessageContaining("depth=0");
        assertThatIllegalArgumentException().isThrownBy(() -> Bptt.of(-1)).withMessageContaining("depth=-1");
    }

    @Test
    void aBackboneWithTooFewPositionsOrTheWrongSightIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> Rmts.encoder(bench, Rmts.ENCODER,
                        Bert.create(Bert.of(Bench.VOCABULARY, 12, 2, 1, 14, 10), 2, bench.arena, DType.F64, 5)))
                .withMessage("a segment with its memory must fit the backbone's positions: segment=5, memory=3, rows=11, "
                        + "positions=10");
        LongNet small = LongNet.create(Gpt2.of(Bench.VOCABULARY, 12, 2, 1, 14, 10), bench.arena, DType.F64, 5);
        assertThatIllegalArgumentException().isThrownBy(() -> Rmts.decoder(bench, Rmts.DECODER, small))
                .withMessageContaining("rows=11, positions=10");
        assertThatIllegalArgumentException().isThrownBy(() -> Rmts.encoder(bench, Rmts.ENCODER, small))
                .withMessage("the encoder layout needs a backbone whose first row sees all others: backbone=LongNet");
        assertThatIllegalArgumentException().isThrownBy(() -> new RmtDecoder(Rmts.DECODER, gpt2(Rmts.DECODER).backbone(),
                bench.normal(1, 4, 12))).withMessage("memory must be [3, 12]: memory=F64[4, 12]");
    }

    @Test
    void inputsThatDoNotFitEachOtherAreRefused() {
        RmtEncoder encoder = bert(Rmts.ENCODER);
        RmtDecoder decoder = gpt2(Rmts.DECODER);
        Tensor tokens = bench.tokens(1, 2, 7);
        try (Pass pass = bench.inference()) {
            assertThatIllegalArgumentException().isThrownBy(() ->
                            encoder.loss(pass, Rmts.documents(1, 4, 5), Rmts.labels(bench, 1)))
                    .withMessage("labels must be one for each document: labels=I64[1], documents=2");
            assertThatIllegalArgumentException().isThrownBy(() ->
                            encoder.next(pass, encoder.start(bench.arena, 2), bench.tokens(1, 2, 6)))
                    .withMessage("tokens must be [2, at most 5]: tokens=I64[2, 6]");
            assertThatIllegalArgumentException().isThrownBy(() -> decoder.loss(pass, tokens, bench.tokens(1, 2, 6), null))
                    .withMessage("targets must be one for each token: targets=I64[2, 6], tokens=I64[2, 7]");
            assertThatIllegalArgumentException().isThrownBy(() ->
                            decoder.logits(pass, tokens, bench.arena.allocate(DType.U8, 2, 6)))
                    .withMessageContaining("visible must be one for each token");
            assertThatIllegalArgumentException().isThrownBy(() -> decoder.loss(pass, tokens,
                    bench.arena.allocate(DType.I64, 2, 7).fill(Loss.IGNORED), null)).withMessageContaining("no segment has a loss");
        }
        RmtDecoder right = decoder.withConfig(Rmts.DECODER.withAlignment(Alignment.RIGHT));
        assertThatIllegalArgumentException().isThrownBy(() -> right.start(bench.arena, 1))
                .withMessage("a stream of unknown length must be aligned LEFT: alignment=RIGHT");
    }

    @Test
    void specialTokensAreDroppedOnlyWhenAskedFor() {
        assertThat(Rmts.SPECIAL.stripped(1, 5, 6, 2, 7, 2, 0, 0)).containsExactly(5, 6, 7);
    }
}
