package dev.longspan.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.rmt.Head;
import dev.longspan.rmt.RmtConfig;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.rmt.RmtState;
import dev.longspan.rmt.TokenSource;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;
import dev.longspan.transformer.Bert;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ReadingTest {

    private static final int SEGMENT = 20;
    private static final int TOKENS = 3 * SEGMENT + 7;
    private static final TokenSource DOCUMENT = Worlds.stories(MemoryTask.DETECT, Placement.ANYWHERE, 1).draw(0, TOKENS).document();

    private static RmtEncoder model(TensorArena arena, int classes) {
        RmtConfig config = RmtConfig.encoder(3, 3 + 3 + SEGMENT);
        return RmtEncoder.create(config, Worlds.VOCABULARY.special(),
                Bert.create(Bert.of(Worlds.VOCABULARY.size(), 12, 2, 1, 14, config.input()).withInitialStd(0.5), 2, arena, DType.F32, 5),
                Head.create(12, classes, 0, arena, DType.F32, 6), arena, 7);
    }

    private static Reading reading(RmtEncoder model) {
        return new Reading(Backend.named("scalar"), Parallel.of(1), model);
    }

    @Test
    void theAnswerIsTheModelsSoftmaxBehindAllSegments() {
        try (TensorArena arena = new TensorArena(); Workspace workspace = new Workspace()) {
            RmtEncoder model = model(arena, 6);
            List<Long> progress = new ArrayList<>();
            Answer answer = reading(model).answer(DOCUMENT, Reading.CARRIED, progress::add);
            float[] logits = model.read(() -> Pass.inference(Backend.named("scalar"), Parallel.of(1), workspace), arena, List.of(DOCUMENT),
                    segment -> { }).logits().toFloats();
            check(answer, logits);
            assertThat(progress).containsExactly(7L, 27L, 47L, 67L);
            assertThat(answer.segments()).isEqualTo(4);
            assertThat(answer.tokens()).isEqualTo(TOKENS);
        }
    }

    @Test
    void withItsMemoryZeroedOnlyTheLastSegmentCounts() {
        try (TensorArena arena = new TensorArena(); Workspace workspace = new Workspace()) {
            RmtEncoder model = model(arena, 6);
            Answer answer = reading(model).answer(DOCUMENT, Reading.ZEROED, read -> { });
            RmtState state = model.start(arena, 1);
            state.memory().fill(0);
            try (Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), workspace)) {
                check(answer, model.next(pass, state, pass.allocate(DType.I64, 1, SEGMENT)
                        .set(Worlds.read(DOCUMENT, TOKENS - SEGMENT, SEGMENT))).logits().toFloats());
            }
            assertThat(answer.probabilities()).isNotEqualTo(reading(model).answer(DOCUMENT, Reading.CARRIED, read -> { }).probabilities());
        }
    }

    private static void check(Answer answer, float... logits) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        for (Place place : Place.values()) {
            assertThat(answer.probability(place)).isCloseTo(Math.exp(logits[place.label()]) / sum, within(1e-9));
        }
        assertThat(answer.probability(answer.ranking().get(0))).isGreaterThan(answer.probability(answer.ranking().get(1)));
        assertThat(answer.ranking()).containsExactlyInAnyOrder(Place.values());
    }

    @Test
    void anEmptyDocumentOrAModelOfOtherClassesIsAnError() {
        try (TensorArena arena = new TensorArena()) {
            assertThatThrownBy(() -> reading(model(arena, 6)).answer(TokenSource.of(), Reading.CARRIED, read -> { }))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("must not be empty: tokens=0");
            assertThatThrownBy(() -> reading(model(arena, 5)).answer(DOCUMENT, Reading.CARRIED, read -> { }))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("6 places: classes=5");
        }
    }
}
