package dev.longspan.megalodon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Pass;
import dev.longspan.backend.Backend;
import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.kernel.Documents;
import dev.longspan.longnet.Bench;
import dev.longspan.megalodon.MegalodonConfig.Parts;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A stream's logits are those of the whole sequence, to 1e-12 in float64, however it is cut. */
class MegalodonStreamTest {

    private static final int ROWS = 43;

    private final Bench bench = new Bench();

    @AfterEach
    void close() {
        bench.close();
    }

    private Megalodon model(MegalodonConfig config) {
        return Bench.shaken(Megalodon.create(config, bench.arena, DType.F64, 5));
    }

    private static void assertClose(String what, double[] actual, double[] expected, double within) {
        assertThat(actual).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).as("%s, element %d", what, i).isCloseTo(expected[i], within(within));
        }
    }

    private void checkPartitions(MegalodonConfig config) {
        Megalodon model = model(config);
        Tensor tokens = bench.tokens(1, 2, ROWS);
        double[] whole = bench.values(pass -> model.logits(pass, tokens));
        assertClose("one by one", bench.stream(model, tokens, Collections.nCopies(ROWS, 1)), whole, 1e-12);
        assertClose("at once", bench.stream(model, tokens, List.of(ROWS)), whole, 1e-12);
        assertClose("by chunks", bench.stream(model, tokens, List.of(5, 5, 5, 5, 5, 5, 5, 5, 3)), whole, 1e-12);
        for (long seed = 0; seed < 4; seed++) {
            List<Integer> pieces = pieces(new Random(seed));
            assertClose("seed=" + seed + " pieces=" + pieces, bench.stream(model, tokens, pieces), whole, 1e-12);
        }
    }

    private static List<Integer> pieces(Random random) {
        List<Integer> pieces = new ArrayList<>();
        for (int left = ROWS; left > 0;) {
            int piece = 1 + random.nextInt(Math.min(left, 13));
            pieces.add(piece);
            left -= piece;
        }
        return pieces;
    }

    @Test
    void anyPartitionGivesTheLogitsOfTheWhole() {
        checkPartitions(Megalodons.awkward());
    }

    @Test
    void anyPartitionOfATiedScaledRescaledPlainModelGivesTheLogitsOfTheWhole() {
        checkPartitions(Megalodons.awkward().withGatedFeedForward(false).withEmbedding(true, true).withRescale(true));
    }

    @Test
    void anyPartitionUnderMegasPartsGivesTheLogitsOfTheWhole() {
        checkPartitions(Megalodons.awkward().withParts(Parts.MEGA));
    }

    @Test
    void anyPartitionInFloat32AgreesToRounding() {
        for (Backend backend : Backend.onHost()) {
            if (backend.available() == null) {
                continue;
            }
            try (Bench single = new Bench(backend, Parallel.of(2))) {
                Megalodon model = Bench.shaken(Megalodon.create(Megalodons.awkward(), single.arena, DType.F32, 5));
                Tensor tokens = single.tokens(1, 2, ROWS);
                double[] whole = single.values(pass -> model.logits(pass, tokens));
                assertClose("one by one on " + backend.name(),
                        single.stream(model, tokens, Collections.nCopies(ROWS, 1)), whole, 2e-5);
                assertClose("mixed on " + backend.name(), single.stream(model, tokens, List.of(7, 1, 13, 22)), whole, 2e-5);
            }
        }
    }

    @Test
    void packedDocumentsEqualEachDocumentAlone() {
        Megalodon model = model(Megalodons.awkward());
        long[][] starts = {{0, 2, 9, 24}, {0, 17, 18, 29}};
        Tensor tokens = bench.tokens(1, 2, ROWS);
        double[] packed = bench.values(pass -> model.logits(pass, tokens, Documents.of(starts)));
        for (int b = 0; b < 2; b++) {
            for (int d = 0; d < 4; d++) {
                long from = starts[b][d];
                long to = d == 3 ? ROWS : starts[b][d + 1];
                Tensor alone = bench.arena.allocate(DType.I64, 1, to - from)
                        .copyFrom(tokens.slice(0, b, b + 1).slice(1, from, to));
                int at = Math.toIntExact(((long) b * ROWS + from) * Bench.VOCABULARY);
                double[] logits = bench.values(pass -> model.logits(pass, alone));
                assertClose("document " + d + " of " + b, Arrays.copyOfRange(packed, at, at + logits.length), logits, 1e-12);
            }
        }
    }

    @Test
    void rowsHiddenAtTheEndChangeNothingBeforeThem() {
        Megalodon model = model(Megalodons.awkward());
        Tensor tokens = bench.tokens(1, 1, ROWS);
        Tensor visible = bench.arena.allocate(DType.U8, 1, 1, ROWS).fill(1);
        visible.slice(2, 30, ROWS).fill(0);
        double[] padded = bench.values(pass -> model.hidden(pass, model.embed(pass, tokens), visible, 0));
        Tensor shorter = bench.arena.allocate(DType.I64, 1, 30).copyFrom(tokens.slice(1, 0, 30));
        double[] alone = bench.values(pass -> model.hidden(pass, model.embed(pass, shorter), null, 0));
        assertClose("30 rows", Arrays.copyOf(padded, alone.length), alone, 1e-12);
    }

    @Test
    void aSavedStateContinuesWhereItStood(@TempDir Path folder) {
        Megalodon model = model(Megalodons.awkward());
        Tensor tokens = bench.tokens(1, 2, ROWS);
        double[] whole = bench.values(pass -> model.logits(pass, tokens));
        MegalodonState state = read(model, tokens, 0, 13);
        Path file = folder.resolve("state.safetensors");
        Checkpoint.save(file, state.tensors(), Map.of());
        try (Checkpoint saved = Checkpoint.open(file)) {
            MegalodonState restored = model.restore(bench.arena, saved.tensors());
            assertThat(restored.position()).isEqualTo(13);
            double[] rest = bench.stream(model, restored, piece(tokens, 13, ROWS), List.of(4, 1, ROWS - 18));
            assertRest("restored", rest, whole, 13);
        }
    }

    private MegalodonState read(Megalodon model, Tensor tokens, int from, int to) {
        try (Pass pass = bench.inference()) {
            return model.next(pass, model.start(bench.arena, tokens.size(0)), piece(tokens, from, to)).state();
        }
    }

    private Tensor piece(Tensor tokens, int from, int to) {
        return bench.arena.allocate(DType.I64, tokens.size(0), to - from).copyFrom(tokens.slice(1, from, to));
    }

    private static void assertRest(String what, double[] rest, double[] whole, int from) {
        int each = ROWS * Bench.VOCABULARY;
        int left = (ROWS - from) * Bench.VOCABULARY;
        for (int b = 0; b * left < rest.length; b++) {
            assertClose(what, Arrays.copyOfRange(rest, b * left, (b + 1) * left),
                    Arrays.copyOfRange(whole, b * each + from * Bench.VOCABULARY, (b + 1) * each), 1e-12);
        }
    }

    @Test
    void selectedRowsContinueEachForItself() {
        Megalodon model = model(Megalodons.awkward());
        Tensor tokens = bench.tokens(1, 2, ROWS);
        double[] whole = bench.values(pass -> model.logits(pass, tokens));
        MegalodonState state = read(model, tokens, 0, 13);
        MegalodonState beams = state.select(bench.arena, 1, 0, 1);
        Tensor reordered = bench.arena.allocate(DType.I64, 3, ROWS);
        for (int i = 0; i < 3; i++) {
            reordered.select(0, i).copyFrom(tokens.select(0, i == 1 ? 0 : 1));
        }
        double[] rest = bench.stream(model, beams, piece(reordered, 13, ROWS), List.of(ROWS - 13));
        int left = (ROWS - 13) * Bench.VOCABULARY;
        int each = ROWS * Bench.VOCABULARY;
        for (int i = 0; i < 3; i++) {
            int b = i == 1 ? 0 : 1;
            assertClose("beam " + i, Arrays.copyOfRange(rest, i * left, (i + 1) * left),
                    Arrays.copyOfRange(whole, b * each + 13 * Bench.VOCABULARY, (b + 1) * each), 1e-12);
        }
        assertRest("the original", bench.stream(model, state, piece(tokens, 13, ROWS), List.of(ROWS - 13)), whole, 13);
    }

    @Test
    void aStateOfAnotherModelIsRefused() {
        Megalodon model = model(Megalodons.awkward());
        Megalodon other = Bench.shaken(Megalodon.create(Megalodons.awkward(), bench.arena, DType.F64, 6));
        MegalodonState state = read(model, bench.tokens(1, 1, 7), 0, 7);
        assertThatIllegalArgumentException().isThrownBy(() -> other.restore(bench.arena, state.tensors()))
                .withMessageContaining("another model");
        Map<String, Tensor> truncated = new LinkedHashMap<>(state.tensors());
        truncated.remove("layers.1.average");
        assertThatIllegalArgumentException().isThrownBy(() -> model.restore(bench.arena, truncated))
                .withMessage("the saved state must have layers.1.average");
        assertThatIllegalArgumentException().isThrownBy(() -> model.restore(bench.arena, Map.of()))
                .withMessageContaining("the saved state must have position");
    }

    @Test
    void aConsumedStateAndTokensOfAnotherBatchAreRefused() {
        Megalodon model = model(Megalodons.awkward());
        MegalodonState state = model.start(bench.arena, 2);
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
    void truncationBeginsAtTheEighthChunkInAnyPartition() {
        Megalodon exact = model(Megalodons.awkward());
        TruncatedMegalodon truncated = new TruncatedMegalodon(exact);
        Tensor tokens = bench.tokens(1, 2, ROWS);
        double[] whole = bench.stream(truncated, tokens, List.of(ROWS));
        assertClose("one by one", bench.stream(truncated, tokens, Collections.nCopies(ROWS, 1)), whole, 1e-12);
        assertClose("mixed", bench.stream(truncated, tokens, List.of(7, 1, 13, 22)), whole, 1e-12);
        double[] plain = bench.values(pass -> exact.logits(pass, tokens));
        int eighth = 40 * Bench.VOCABULARY;
        assertClose("before", Arrays.copyOf(whole, eighth), Arrays.copyOf(plain, eighth), 1e-12);
        assertThat(Math.abs(whole[eighth] - plain[eighth])).as("behind").isGreaterThan(1e-6);
    }
}
