package dev.longspan.classify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.longspan.backend.Backend;
import dev.longspan.classify.Entrant.Sizes;
import dev.longspan.longnet.Bench;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.TokenSource;
import dev.longspan.task.MemoryTask;
import dev.longspan.task.Noise;
import dev.longspan.task.Place;
import dev.longspan.task.Placement;
import dev.longspan.task.Stories;
import dev.longspan.task.Vocabulary;
import dev.longspan.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TrialTest {

    private static final String TEXT = IntStream.range(0, 400).mapToObj(i -> "word" + i % 37).reduce((a, b) -> a + " " + b)
            .orElseThrow();
    private static final Vocabulary WORDS = Vocabulary.of(Stream.of(TEXT), 256);

    private final Bench bench = new Bench(Backend.best(), Parallel.of(1));

    @AfterEach
    void close() {
        bench.close();
    }

    private static Sizes sizes() {
        return new Sizes(WORDS.size(), WORDS.special(), Place.values().length, 16, 2, 2, 24, 3, 30);
    }

    private static Trial trial() {
        Noise noise = Noise.of(Stream.of(TEXT), WORDS, "words");
        Stories stories = new Stories(MemoryTask.DETECT, WORDS, noise, Placement.ANYWHERE, 1);
        return new Trial(Backend.best(), Parallel.of(1), stories, new Stories(MemoryTask.DETECT, WORDS, noise,
                Placement.ANYWHERE, 2), 3, 24, 4, 1e-3, 1);
    }

    @Test
    void everyEntrantTrainsAndAnswersAlsoBeyondTheTrainedLength() {
        for (Entrant entrant : Entrant.values()) {
            Classifier model = entrant.create(sizes(), bench.arena, 1);
            Trial.Trained trained = trial().train(model, 0);
            assertThat(trained.steps()).as("%s", entrant).isEqualTo(1);
            assertThat(trained.tokens()).isEqualTo(4 * 24);
            assertThat(trained.lastLoss()).isBetween(1.0, 3.0);
            Trial.Score score = trial().ask(model, 5, 3);
            assertThat(score.asked()).isEqualTo(3);
            assertThat(score.right()).isBetween(0, 3);
            assertThat(score.tokens()).isEqualTo(3 * 5 * 24);
        }
    }

    @Test
    void onlyTheMemorysReadingDoesNotGrowWithTheDocument() {
        for (Entrant entrant : Entrant.values()) {
            Classifier model = entrant.create(sizes(), bench.arena, 1);
            long shorter = trial().ask(model, 4, 1).peakBytes();
            long longer = trial().ask(model, 16, 1).peakBytes();
            if (entrant == Entrant.RMT) {
                assertThat(longer).isEqualTo(shorter);
            } else {
                assertThat(longer).as("%s", entrant).isGreaterThan(2 * shorter);
            }
        }
    }

    @Test
    void theFarEndOfADocumentIsSeenByAllButTheWindow() {
        long[] ids = IntStream.range(0, 400).mapToLong(i -> 4 + i % 30).toArray();
        long[] other = ids.clone();
        other[0] = 50;
        for (Entrant entrant : Entrant.values()) {
            Classifier model = Bench.shaken(entrant.create(sizes(), bench.arena, 1));
            // Two layers of blocks of 30, one on either side: nothing beyond 90 rows.
            assertThat(logits(model, other).equals(logits(model, ids))).as("%s", entrant).isEqualTo(entrant == Entrant.WINDOW);
            other[0] = ids[0];
            other[380] = 50;
            assertThat(logits(model, other).equals(logits(model, ids))).as("%s, near", entrant).isFalse();
            other[380] = ids[380];
            other[0] = 50;
        }
    }

    private List<Double> logits(Classifier model, long... ids) {
        Tensor logits = model.read(bench::inference, bench.arena, List.of(TokenSource.of(ids)));
        return java.util.Arrays.stream(logits.toDoubles()).boxed().toList();
    }

    @Test
    void aWholeDocumentGivesTheSameLogitsInABatchAndDocumentsMustHaveOneLength() {
        Classifier model = Bench.shaken(Entrant.DENSE.create(sizes(), bench.arena, 1));
        TokenSource a = TokenSource.of(4, 5, 6, 7);
        TokenSource b = TokenSource.of(9, 8, 7, 6);
        double[] both = bench.values(pass -> model.logits(pass, List.of(a, b)));
        double[] alone = bench.values(pass -> model.logits(pass, List.of(b)));
        assertThat(java.util.Arrays.copyOfRange(both, alone.length, both.length)).isEqualTo(alone);
        assertThatIllegalArgumentException().isThrownBy(() ->
                        bench.values(pass -> model.logits(pass, List.of(a, TokenSource.of(1)))))
                .withMessage("documents must have one length: tokens=1, first=4");
    }
}
