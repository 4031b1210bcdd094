package dev.longspan.rmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Gradients;
import dev.longspan.autograd.Pass;
import dev.longspan.longnet.Bench;
import dev.longspan.longnet.GradientCheck;
import dev.longspan.longnet.LongNet;
import dev.longspan.nn.CausalBackbone;
import dev.longspan.op.Concat;
import dev.longspan.rmt.RmtConfig.Carry;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.transformer.Gpt2;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a decoder's backbone takes along from segment to segment when asked to, in float64. */
class RmtCarryTest {

    private static final int TOKENS = 13; // segments of 5, 5 and 3, each with 3 + 3 vectors: 31 rows
    private static final int POSITIONS = 31;

    private final Bench bench = new Bench();

    @AfterEach
    void close() {
        bench.close();
    }

    private Map<String, CausalBackbone> backbones() {
        Map<String, CausalBackbone> backbones = new LinkedHashMap<>(Rmts.decoders(bench, DType.F64));
        backbones.put("GPT-2", gpt2(POSITIONS));
        return backbones;
    }

    private LongNet gpt2(long positions) {
        return LongNet.create(Gpt2.of(Bench.VOCABULARY, 12, 2, 2, 14, positions), bench.arena, DType.F64, 5);
    }

    private RmtDecoder decoder(CausalBackbone backbone, Carry carry) {
        return Rmts.decoder(bench, Rmts.DECODER.withCarry(carry), backbone);
    }

    /** By the definition: every segment from the rows of all before it, or from its position alone. */
    private double[] defined(RmtDecoder model, Tensor tokens) {
        long m = model.config().memory();
        List<Tensor> logits = new ArrayList<>();
        List<Tensor> rows = new ArrayList<>();
        try (Pass pass = bench.inference()) {
            Tensor memory = MemoryRows.fresh(pass, model.memory(), Math.toIntExact(tokens.size(0)));
            long before = 0;
            for (long from = 0; from < tokens.size(1); from += model.config().segment()) {
                long n = Math.min(model.config().segment(), tokens.size(1) - from);
                Tensor part = pass.allocate(DType.I64, tokens.size(0), n).copyFrom(tokens.slice(1, from, from + n));
                List<Tensor> own = List.of(memory, model.backbone().embed(pass, part), memory);
                rows.addAll(own);
                boolean whole = model.config().carry() == Carry.STATE;
                Tensor hidden = model.backbone().hidden(pass, Concat.apply(pass, 1, whole ? rows : own), null, whole ? 0 : before);
                long end = hidden.size(1);
                logits.add(model.backbone().logitsOf(pass, copy(pass, hidden, end - m - n, end - m)));
                memory = copy(pass, hidden, end - m, end);
                before += n + 2 * m;
            }
            return Concat.apply(pass, 1, logits).toDoubles();
        }
    }

    private static Tensor copy(Pass pass, Tensor rows, long from, long to) {
        Tensor part = rows.slice(1, from, to);
        return pass.allocate(part.dtype(), part.shape()).copyFrom(part);
    }

    private static void assertClose(String what, double[] actual, double[] expected) {
        assertThat(actual).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).as("%s, element %d", what, i).isCloseTo(expected[i], within(1e-12));
        }
    }

    @Test
    void whatIsCarriedIsWhatTheBackboneAloneWouldMakeOfTheRowsInPlace() {
        Tensor tokens = bench.tokens(1, 2, TOKENS);
        for (Carry carry : Carry.values()) {
            backbones().forEach((name, backbone) -> {
                RmtDecoder model = decoder(backbone, carry);
                String what = name + " carrying " + carry;
                double[] expected = carry == Carry.NOTHING ? bench.values(pass -> model.logits(pass, tokens))
                        : defined(model, tokens);
                assertClose(what, bench.values(pass -> model.logits(pass, tokens)), expected);
                assertClose(what + " one by one", bench.stream(model, tokens, Collections.nCopies(TOKENS, 1)), expected);
                assertClose(what + " mixed", bench.stream(model, tokens, List.of(3, 2, 6, 2)), expected);
            });
        }
    }

    @Test
    void whatIsCarriedMattersWhereTheBackboneHasIt() {
        Tensor tokens = bench.tokens(1, 1, TOKENS);
        backbones().forEach((name, backbone) -> {
            RmtDecoder afresh = Rmts.decoder(bench, Rmts.DECODER, backbone);
            double[] first = bench.values(pass -> afresh.logits(pass, tokens));
            for (Carry carry : List.of(Carry.POSITIONS, Carry.STATE)) {
                double[] other = bench.values(pass -> afresh.withConfig(Rmts.DECODER.withCarry(carry)).logits(pass, tokens));
                assertThat(Arrays.copyOf(other, 5 * Bench.VOCABULARY)).as("first segment of %s", name)
                        .containsExactly(Arrays.copyOf(first, 5 * Bench.VOCABULARY), within(1e-12));
                boolean same = carry == Carry.POSITIONS && !name.equals("GPT-2"); // rotations are relative
                assertThat(Arrays.equals(first, other)).as("%s carrying %s", name, carry).isEqualTo(same);
            }
        });
    }

    @Test
    void gradientsPassThroughCarriedPositionsAndStatesAreForInference() {
        RmtDecoder model = decoder(gpt2(POSITIONS), Carry.POSITIONS);
        Tensor tokens = bench.tokens(1, 2, TOKENS);
        Tensor targets = bench.tokens(2, 2, TOKENS);
        GradientCheck.run(bench, model.parameters(), List.of(), pass -> model.loss(pass, tokens, targets, null));
        RmtDecoder streaming = model.withConfig(Rmts.DECODER.withCarry(Carry.STATE));
        try (Pass pass = bench.training(new Gradients(bench.arena, model.parameters().values()))) {
            assertThatIllegalArgumentException().isThrownBy(() -> streaming.logits(pass, tokens))
                    .withMessageContaining("a backbone's state is carried at inference only");
            assertThatIllegalArgumentException().isThrownBy(() -> streaming.loss(pass, tokens, targets, null))
                    .withMessageContaining("carry=STATE");
        }
    }

    @Test
    void aCarriedStateIsSavedRestoredAndReordered() {
        Tensor tokens = bench.tokens(1, 2, TOKENS);
        backbones().forEach((name, backbone) -> {
            RmtDecoder model = decoder(backbone, Carry.STATE);
            double[] whole = bench.values(pass -> model.logits(pass, tokens));
            RmtState state = model.start(bench.arena, 2);
            try (Pass pass = bench.inference()) {
                state = model.next(pass, state, copy(pass, tokens, 0, 7)).state();
            }
            RmtState turned = model.restore(bench.arena, state.select(bench.arena, 1, 0).tensors());
            Map<String, Tensor> damaged = new LinkedHashMap<>(turned.tensors());
            double[] rest = bench.values(pass -> {
                Tensor left = pass.allocate(DType.I64, 2, TOKENS - 7);
                left.select(0, 0).copyFrom(tokens.select(0, 1).slice(0, 7, TOKENS));
                left.select(0, 1).copyFrom(tokens.select(0, 0).slice(0, 7, TOKENS));
                return model.next(pass, turned, left).logits();
            });
            int row = TOKENS * Bench.VOCABULARY;
            int left = (TOKENS - 7) * Bench.VOCABULARY;
            assertClose(name, Arrays.copyOf(rest, left), Arrays.copyOfRange(whole, 2 * row - left, 2 * row));
            assertClose(name, Arrays.copyOfRange(rest, left, 2 * left), Arrays.copyOfRange(whole, row - left, row));
            damaged.keySet().removeIf(key -> key.startsWith("backbone."));
            assertThatIllegalArgumentException().isThrownBy(() -> model.restore(bench.arena, damaged))
                    .withMessage("the saved state must have position");
            assertThatIllegalArgumentException().as("a state of the same model that carries nothing").isThrownBy(() ->
                    model.restore(bench.arena, model.withConfig(Rmts.DECODER).start(bench.arena, 1).tensors()))
                    .withMessageContaining("another model");
        });
    }

    @Test
    void tooFewPositionsForTheWholeAreRefusedBeforeAnythingIsComputed() {
        Tensor tokens = bench.tokens(1, 1, TOKENS);
        for (Carry carry : List.of(Carry.POSITIONS, Carry.STATE)) {
            RmtDecoder model = decoder(gpt2(POSITIONS - 1), carry);
            String problem = "all segments with their memory must fit the backbone's positions: tokens=13, segments=3, memory=3, "
                    + "carry=" + carry + ", positions=30";
            assertThatIllegalArgumentException().isThrownBy(() -> bench.values(pass -> model.logits(pass, tokens)))
                    .withMessage(problem);
            RmtState state = model.start(bench.arena, 1);
            assertThatIllegalArgumentException().isThrownBy(() ->
                    bench.values(pass -> model.next(pass, state, tokens).logits())).withMessage(problem);
        }
    }

    @Test
    void encodersAndBackbonesThatDoNotStreamCarryNothing() {
        assertThatIllegalArgumentException().isThrownBy(() -> Rmts.encoder(bench, Rmts.ENCODER.withCarry(Carry.POSITIONS),
                Rmts.bert(bench, DType.F64))).withMessage("the encoder layout begins each segment afresh: carry=POSITIONS");
        CausalBackbone hidden = new Whole(Objects.requireNonNull(backbones().get("LongNet")));
        assertThatIllegalArgumentException().isThrownBy(() -> decoder(hidden, Carry.STATE))
                .withMessage("only a backbone that streams can carry its state: backbone=Whole");
    }

    /** A backbone that cannot stream. */
    public record Whole(CausalBackbone inner) implements CausalBackbone {
        @Override
        public long vocabulary() {
            return inner.vocabulary();
        }

        @Override
        public long width() {
            return inner.width();
        }

        @Override
        public String settings() {
            return inner.settings();
        }

        @Override
        public Tensor embed(Pass pass, Tensor tokens) {
            return inner.embed(pass, tokens);
        }

        @Override
        public Tensor hidden(Pass pass, Tensor embedded, @Nullable Tensor visible,
                long firstPosition) {
            return inner.hidden(pass, embedded, visible, firstPosition);
        }

        @Override
        public Tensor logitsOf(Pass pass, Tensor hidden) {
            return inner.logitsOf(pass, hidden);
        }
    }
}
