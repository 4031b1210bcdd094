package dev.longspan.longnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Pass;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;
import dev.longspan.kernel.Rotary;
import dev.longspan.nn.SegmentCache;
import dev.longspan.nn.LanguageModel.Step;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Logits out of a cache are the logits of the whole sequence, to 1e-12 in float64. */
class LongNetDecodeTest {

    /** A multiple of 3, 7 and 10, ten positions before xPos begins a new epoch. */
    private static final long FAR = 12_943_350;

    private final Bench bench = new Bench();

    @AfterEach
    void close() {
        bench.close();
    }

    private void checkChunkings(LongNetConfig config, long rows) {
        LongNet model = bench.model(config);
        Tensor tokens = bench.tokens(1, 2, rows);
        double[] whole = bench.values(pass -> model.logits(pass, tokens));
        assertClose("one by one", bench.stream(model, tokens, Collections.nCopies((int) rows, 1)), whole);
        assertClose("at once", bench.stream(model, tokens, List.of((int) rows)), whole);
        for (long seed = 0; seed < 4; seed++) {
            List<Integer> pieces = pieces(new Random(seed), (int) rows);
            assertClose("seed=" + seed + " pieces=" + pieces, bench.stream(model, tokens, pieces), whole);
        }
    }

    private static List<Integer> pieces(Random random, int rows) {
        List<Integer> pieces = new ArrayList<>();
        for (int left = rows; left > 0;) {
            int piece = 1 + random.nextInt(Math.min(left, 13));
            pieces.add(piece);
            left -= piece;
        }
        return pieces;
    }

    private static void assertClose(String what, double[] actual, double[] expected) {
        assertThat(actual).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).as("%s, element %d", what, i).isCloseTo(expected[i], within(1e-12));
        }
    }

    @Test
    void anyChunkingOfDilatedAttentionGivesTheLogitsOfTheWhole() {
        checkChunkings(Bench.awkward(), 43);
    }

    @Test
    void headOffsetsOfThePaperDecodeTheSame() {
        checkChunkings(Bench.awkward().withPattern(new Dilated(List.of(new Branch(5, 2), new Branch(9, 4)),
                HeadOffset.MODULO, PadKeys.MASK)), 31);
    }

    @Test
    void anyChunkingOfBlockwiseDilatedAttentionGivesTheLogitsOfTheWhole() {
        checkChunkings(Bench.awkward().withBlockwise(8), 31);
    }

    @Test
    void anyChunkingOfDenseAttentionGivesTheLogitsOfTheWhole() {
        checkChunkings(Bench.awkward().withPattern(new AttentionPattern.Dense()), 31);
    }

    @Test
    void denseAttentionDecodesOverSeveralPages() {
        LongNet model = bench.model(LongNetConfig.of(Bench.VOCABULARY, 4, 1, 1, List.of(new Branch(1, 1)))
                .withPattern(new AttentionPattern.Dense()));
        int rows = (int) SegmentCache.PAGE_ROWS + 20;
        Tensor tokens = bench.tokens(1, 1, rows);
        double[] whole = bench.values(pass -> model.logits(pass, tokens));
        assertClose("two pages", bench.stream(model, tokens, List.of(rows - 30, 25, 5)), whole);
    }

    @Test
    void theLastPageOfASegmentEndsWithTheSegment() {
        long segment = SegmentCache.PAGE_ROWS + 20;
        LongNet model = bench.model(LongNetConfig.of(Bench.VOCABULARY, 4, 1, 1, List.of(new Branch(segment, 1))));
        Tensor tokens = bench.tokens(1, 1, segment + 7);
        double[] whole = bench.values(pass -> model.logits(pass, tokens));
        assertClose("into the next segment", bench.stream(model, tokens, List.of((int) segment - 30, 25, 12)), whole);
        LongNetState state = model.start(bench.arena, 1);
        try (Pass pass = bench.inference()) {
            state = model.next(pass, state, tokens).state();
        }
        assertThat(state.tensors().entrySet().stream().filter(e -> e.getKey().endsWith("keys"))
                .mapToLong(e -> e.getValue().size(1)).sum()).isEqualTo(segment);
    }

    @Test
    void anyChunkingOfTheSparseBaselineGivesTheLogitsOfTheWhole() {
        LongNetConfig sparse = Bench.awkward().withPattern(new AttentionPattern.FixedSparse(5, 2));
        checkChunkings(sparse, 31);
        checkChunkings(sparse.withBlockwise(8), 31);
    }

    @Test
    void learnedPositionsCountOnFromTheState() {
        checkChunkings(Bench.awkward().withPositions(new Rotation.None(), 31), 31);
    }

    @Test
    void ropeCountsOnFromTheState() {
        checkChunkings(Bench.llama(Rotary.Pairs.HALVES), 31);
        checkChunkings(Bench.llama(Rotary.Pairs.NEIGHBOURS), 31);
        checkChunkings(Bench.gatedLongNet(), 31);
    }

    @Test
    void theCacheHoldsAtMostTheRowsOfTheSegmentsInHand() {
        LongNet model = bench.model(Bench.awkward());
        LongNetState state = model.start(bench.arena, 1);
        for (int i = 0; i < 50; i++) {
            try (Pass pass = bench.inference()) {
                state = model.next(pass, state, bench.tokens(i, 1, 1)).state();
            }
        }
        long rows = state.tensors().entrySet().stream()
                .filter(e -> e.getKey().startsWith("layers.0.") && e.getKey().endsWith("keys"))
                .mapToLong(e -> e.getValue().size(1)).sum();
        assertThat(rows).isEqualTo(3 + 4 + 4);
        assertThat(new SchedulePlan(50, 2, ((Dilated) model.config().pattern()).schedule(), HeadOffset.GROUPED).cacheRows())
                .isEqualTo(rows);
    }

    @Test
    void aSavedAndRestoredStateContinuesTheSame() {
        for (LongNetConfig config : List.of(Bench.awkward(),
                Bench.awkward().withPattern(new AttentionPattern.FixedSparse(5, 2)))) {
            LongNet model = bench.model(config);
            Tensor next = bench.tokens(9, 2, 3);
            LongNetState state = after(model, bench.tokens(1, 2, 19));
            Map<String, Tensor> saved = new LinkedHashMap<>();
            state.tensors().forEach((name, tensor) ->
                    saved.put(name, bench.arena.allocate(tensor.dtype(), tensor.shape()).copyFrom(tensor)));
            LongNetState restored = model.restore(bench.arena, saved);
            assertThat(restored.position()).isEqualTo(19);
            LongNetState original = state;
            assertThat(bench.values(pass -> model.next(pass, restored, next).logits()))
                    .isEqualTo(bench.values(pass -> model.next(pass, original, next).logits()));
        }
    }

    @Test
    void cachesInBfloat16TakeHalfTheMemoryAndContinueTheSameWhenRestoredOrSelected() {
        Assumptions.assumeTrue(Backend.best().name().matches("mixed|vector|host"), "caches in BF16 need vector or host");
        try (Bench fast = new Bench(Backend.best(), Parallel.of(1))) {
            for (LongNetConfig config : List.of(Bench.awkward(), Bench.awkward().withPattern(new AttentionPattern.Dense()),
                    Bench.awkward().withPattern(new AttentionPattern.FixedSparse(5, 2)))) {
                LongNet model = Bench.shaken(LongNet.create(config, fast.arena, DType.F32, 5));
                Tensor tokens = fast.tokens(1, 2, 19);
                Tensor next = fast.tokens(9, 2, 1);
                LongNetState start = model.restore(fast.arena, model.start(fast.arena, 2, DType.BF16).tensors());
                LongNetState half = read(fast, model, start, tokens);
                LongNetState whole = read(fast, model, model.start(fast.arena, 2), tokens);
                assertThat(cacheBytes(half)).isPositive().isEqualTo(cacheBytes(whole) / 2);
                LongNetState restored = model.restore(fast.arena, half.select(fast.arena, 0, 1).tensors());
                double[] rounded = fast.values(pass -> model.next(pass, half, next).logits());
                assertThat(fast.values(pass -> model.next(pass, restored, next).logits())).isEqualTo(rounded);
                double[] exact = fast.values(pass -> model.next(pass, whole, next).logits());
                assertThat(rounded).isNotEqualTo(exact);
                for (int i = 0; i < exact.length; i++) {
                    assertThat(rounded[i]).as("%s, element %d", config.pattern(), i).isCloseTo(exact[i], within(0.03));
                }
            }
            LongNet model = LongNet.create(Bench.awkward(), fast.arena, DType.F32, 5);
            assertThatIllegalArgumentException().isThrownBy(() -> model.start(fast.arena, 1, DType.F16))
                    .withMessage("caches must be F32 or BF16: caches=F16");
        }
    }

    private static LongNetState read(Bench bench, LongNet model, LongNetState state, Tensor tokens) {
        try (Pass pass = bench.inference()) {
            return model.next(pass, state, tokens).state();
        }
    }

    private static long cacheBytes(LongNetState state) {
        return state.tensors().entrySet().stream().filter(e -> e.getKey().startsWith("layers."))
                .mapToLong(e -> e.getValue().elements() * e.getValue().dtype().bytes()).sum();
    }

    @Test
    void selectedSequencesContinueIndependentlyOfTheirSource() {
        for (LongNetConfig config : List.of(Bench.awkward(),
                Bench.awkward().withPattern(new AttentionPattern.FixedSparse(5, 2)))) {
            LongNet model = bench.model(config);
            LongNetState state = after(model, bench.tokens(1, 3, 19));
            LongNetState selected = state.select(bench.arena, 2, 0, 2, 1);
            Tensor next = bench.tokens(9, 3, 1);
            Tensor reordered = bench.arena.allocate(DType.I64, 4, 1).set(
                    new long[] {next.toLongs()[2], next.toLongs()[0], next.toLongs()[2], next.toLongs()[1]});
            double[] source = bench.values(pass -> model.next(pass, state, next).logits());
            double[] copies = bench.values(pass -> model.next(pass, selected, reordered).logits());
            int v = Bench.VOCABULARY;
            int[] rows = {2, 0, 2, 1};
            for (int i = 0; i < 4; i++) {
                assertThat(java.util.Arrays.copyOfRange(copies, i * v, (i + 1) * v)).as("sequence %d", i)
                        .isEqualTo(java.util.Arrays.copyOfRange(source, rows[i] * v, (rows[i] + 1) * v));
            }
        }
    }

    @Test
    void aConsumedStateIsRefused() {
        LongNet model = bench.model(Bench.awkward());
        LongNetState state = model.start(bench.arena, 1);
        try (Pass pass = bench.inference()) {
            Step<LongNetState> step = model.next(pass, state, bench.tokens(1, 1, 1));
            assertThat(step.state().position()).isEqualTo(1);
            assertThatIllegalStateException().isThrownBy(() -> model.next(pass, state, bench.tokens(1, 1, 1)))
                    .withMessageContaining("consumed");
            assertThatIllegalArgumentException().isThrownBy(() -> model.next(pass, step.state(), bench.tokens(1, 2, 1)))
                    .withMessageContaining("[1, at least one]");
        }
    }

    @Test
    void atPositionThirteenMillionTheLogitsAreThoseOfTheStart() {
        for (LongNetConfig config : List.of(Bench.awkward(), Bench.gatedLongNet())) {
            checkFar(bench.model(config));
        }
    }

    private void checkFar(LongNet model) {
        Tensor tokens = bench.tokens(1, 1, 40);
        double[] near = bench.values(pass -> model.logits(pass, tokens));
        LongNetState far = far(model);
        assertThat(far.position()).isEqualTo(FAR);
        double[] there = bench.values(pass -> model.next(pass, far, tokens).logits());
        for (int i = 0; i < near.length; i++) {
            assertThat(there[i]).as("%s, element %d", model.config().rotation(), i).isCloseTo(near[i], within(1e-7));
        }
    }

    @Test
    void inFloat32PositionsBeyondTenMillionStayFiniteAndRelative() {
        LongNet model = LongNet.create(Bench.awkward(), bench.arena, DType.F32, 5);
        Tensor tokens = bench.tokens(1, 1, 40);
        LongNetState far = far(model);
        double[] near = bench.values(pass -> model.logits(pass, tokens));
        double[] there = bench.values(pass -> model.next(pass, far, tokens).logits());
        for (int i = 0; i < near.length; i++) {
            assertThat(there[i]).as("element %d", i).isCloseTo(near[i], within(2e-5));
        }
    }

    private LongNetState far(LongNet model) {
        LongNetState state = model.start(bench.arena, 1);
        Objects.requireNonNull(state.tensors().get("position")).set(new long[] {FAR, 1});
        return state;
    }

    private LongNetState after(LongNet model, Tensor tokens) {
        try (Pass pass = bench.inference()) {
            return model.next(pass, model.start(bench.arena, tokens.size(0)), tokens).state();
        }
    }
}
