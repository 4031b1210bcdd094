package dev.longspan.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class StoriesTest {

    private static final long SEED = 7;
    private static final int SAMPLES = 6_000;
    private static final long TWO_MILLION = 2_043_904;

    private static List<Sample> samples(MemoryTask task, Placement placement, long tokens) {
        Stories stories = Worlds.stories(task, placement, SEED);
        return LongStream.range(0, SAMPLES).mapToObj(index -> stories.draw(index, tokens)).toList();
    }

    @ParameterizedTest
    @EnumSource(MemoryTask.class)
    void theFactsHoldTheAnswerAndNoOther(MemoryTask task) {
        for (Sample sample : samples(task, Placement.ANYWHERE, 60)) {
            Story story = sample.story();
            assertThat(story.facts()).hasSize(task.facts());
            assertThat(Solver.answers(story.facts(), story.question())).as(story.toString()).containsExactly(story.answer().word());
        }
    }

    @ParameterizedTest
    @EnumSource(MemoryTask.class)
    void everyPlaceIsTheAnswerEquallyOften(MemoryTask task) {
        Map<Integer, Long> counts = samples(task, Placement.ANYWHERE, 60).stream()
                .collect(Collectors.groupingBy(Sample::label, TreeMap::new, Collectors.counting()));
        assertThat(counts).hasSize(6);
        assertThat(counts.values()).as("of 1,000 each, deviation 29, seed %d", SEED).allMatch(count -> Math.abs(count - 1_000) < 120);
    }

    @Test
    void oneFactAloneHoldsTheAnswerToHalfOfTheQuestions() {
        for (int kept = 0; kept < 2; kept++) {
            int fact = kept;
            long answered = samples(MemoryTask.REASONING, Placement.ANYWHERE, 60).stream().map(Sample::story)
                    .filter(s -> !Solver.answers(s.facts().subList(fact, fact + 1), s.question()).isEmpty()).count();
            assertThat(answered).as("fact %d of %d, seed %d", kept, SAMPLES, SEED).isBetween(2_800L, 3_200L);
        }
    }

    @Test
    void everyDirectionAndFormOfFactAndQuestionComes() {
        List<Story> stories = samples(MemoryTask.REASONING, Placement.ANYWHERE, 60).stream().map(Sample::story).toList();
        Map<String, Long> forms = stories.stream().collect(Collectors.groupingBy(s -> s.question()
                .replaceAll("bathroom|bedroom|garden|hallway|kitchen|office", "X"), Collectors.counting()));
        assertThat(forms).hasSize(8); // four directions, "What is north of the X?" and "What is the X north of?"
        assertThat(forms.values()).as("of 750 each, seed %d", SEED).allMatch(count -> count > 600 && count < 900);
        Map<String, Long> shared = stories.stream().collect(Collectors.groupingBy(StoriesTest::shape, Collectors.counting()));
        assertThat(shared).hasSize(4); // the shared place is subject or object of either fact
        assertThat(shared.values()).as("of 1,500 each, seed %d", SEED).allMatch(count -> count > 1_300 && count < 1_700);
    }

    @Test
    void aFirstLessonTellsOfTheSharedPlaceAndAsksOneWay() {
        Stories all = Worlds.stories(MemoryTask.REASONING, Placement.ANYWHERE, SEED);
        List<Story> stories = LongStream.range(0, SAMPLES).mapToObj(i -> all.draw(i, 60, new Lesson(0, 0, false)).story()).toList();
        assertThat(stories).allMatch(s -> Words.of(s.facts().getFirst()).get(6).equals(Words.of(s.facts().getLast()).get(6)));
        assertThat(stories).allMatch(s -> s.question().matches("What is (north|east|south|west) of the .*"));
        assertThat(stories).allSatisfy(s -> assertThat(Solver.answers(s.facts(), s.question())).containsExactly(s.answer().word()));
    }

    @ParameterizedTest
    @EnumSource(MemoryTask.class)
    void inLessonsTheFactsStandFirst(MemoryTask task) {
        for (Placement placement : List.of(Placement.ANYWHERE, Placement.segmentStart(30))) {
            Stories stories = Worlds.stories(task, placement, SEED);
            for (int i = 0; i < 50; i++) {
                Sample sample = stories.draw(i, 90, Lesson.TOLD_FIRST);
                long behind = 0;
                for (int fact = 0; fact < task.facts(); fact++) {
                    assertThat(sample.places().get(fact)).as("%s, %s, document %d", task, placement, i).isEqualTo(behind);
                    behind += Worlds.VOCABULARY.encode(sample.story().facts().get(fact)).length;
                }
            }
        }
    }

    private static String shape(Story story) {
        List<String> first = Words.of(story.facts().getFirst()); // the X is east of the Y .
        List<String> second = Words.of(story.facts().getLast());
        boolean isObject = second.contains(first.get(6));
        return isObject + " " + second.get(1).equals(isObject ? first.get(6) : first.get(1));
    }

    @ParameterizedTest
    @EnumSource(MemoryTask.class)
    void theDocumentIsNoiseButForItsFactsAndTheQuestionAtItsEnd(MemoryTask task) {
        for (int length = task.mostTokens(); length < 150; length++) {
            Sample sample = Worlds.stories(task, Placement.ANYWHERE, SEED).draw(length, length);
            long[] expected = new long[length];
            Worlds.NOISE.read(sample.document().offset(), expected);
            for (int i = 0; i < task.facts(); i++) {
                copy(sample.story().facts().get(i), expected, sample.places().get(i));
            }
            String question = sample.story().question();
            copy(question, expected, length - Worlds.VOCABULARY.encode(question).length);
            assertThat(sample.document().length()).isEqualTo(length);
            assertThat(Worlds.read(sample.document(), 0, length)).isEqualTo(expected);
            assertThat(task != MemoryTask.MEMORIZE || sample.places().equals(List.of(0L))).isTrue();
        }
    }

    private static void copy(String sentence, long[] into, long at) {
        long[] tokens = Worlds.VOCABULARY.encode(sentence);
        assertThat(tokens).as(sentence).doesNotContain(3);
        System.arraycopy(tokens, 0, into, (int) at, tokens.length);
    }

    @ParameterizedTest
    @EnumSource(MemoryTask.class)
    void aDocumentOfTwoMillionTokensIsTheSameInAnyPieces(MemoryTask task) {
        Sample sample = Worlds.stories(task, Placement.ANYWHERE, SEED).draw(3, TWO_MILLION);
        long[] whole = Worlds.read(sample.document(), 0, (int) TWO_MILLION);
        SplittableRandom random = new SplittableRandom(SEED);
        for (int at = 0; at < TWO_MILLION;) {
            int count = (int) Math.min(TWO_MILLION - at, random.nextInt(1, 2_000));
            long[] piece = Worlds.read(sample.document(), at, count);
            assertThat(Arrays.equals(piece, 0, count, whole, at, at + count)).as("from %d, %d tokens, seed %d", at, count, SEED)
                    .isTrue();
            at += count;
        }
        for (int i = 0; i < 20; i++) { // pieces within a sentence
            int at = (int) (sample.places().getFirst() + random.nextInt(4));
            assertThat(Worlds.read(sample.document(), at, 2)).isEqualTo(Arrays.copyOfRange(whole, at, at + 2));
        }
    }

    @Test
    void aDocumentBeyondTwoToThe31TokensIsReadAnywhere() {
        long tokens = 5_000_000_000L;
        Sample sample = Worlds.stories(MemoryTask.DETECT, Placement.ANYWHERE, SEED).draw(0, tokens);
        long[] end = Worlds.read(sample.document(), tokens - 4, 4);
        assertThat(Worlds.VOCABULARY.decode(end)).isEqualToIgnoringCase(sample.story().question());
    }

    @Test
    void aSampleIsAFunctionOfTaskSeedIndexAndLength() {
        Stories stories = Worlds.stories(MemoryTask.REASONING, Placement.ANYWHERE, SEED);
        assertThat(stories.draw(5, 1_000).lines()).isEqualTo(stories.draw(5, 1_000).lines())
                .isNotEqualTo(stories.draw(6, 1_000).lines()).isNotEqualTo(stories.draw(5, 1_001).lines())
                .isNotEqualTo(Worlds.stories(MemoryTask.REASONING, Placement.ANYWHERE, SEED + 1).draw(5, 1_000).lines());
        long offset = Worlds.stories(MemoryTask.MEMORIZE, Placement.ANYWHERE, SEED).draw(5, 1_000).document().offset();
        assertThat(Worlds.stories(MemoryTask.MEMORIZE, Placement.ANYWHERE, SEED).draw(5, 1_001).document().offset()).isNotEqualTo(offset);
        assertThat(offset).isNotEqualTo(
                Worlds.stories(MemoryTask.DETECT, Placement.ANYWHERE, SEED).draw(5, 1_000).document().offset());
    }

    @ParameterizedTest
    @EnumSource(MemoryTask.class)
    void aDocumentTooShortForItsSentencesIsAnErrorThatSaysHowManyItNeeds(MemoryTask task) {
        assertThatThrownBy(() -> Worlds.stories(task, Placement.ANYWHERE, SEED).draw(0, 9))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("facts and its question: tokens=9, needed=");
    }

    @Test
    void peopleSeeFactsPlacesQuestionAndAnswer() {
        Story story = new Story(List.of("Mary went to the kitchen."), "Where is Mary?", Place.KITCHEN);
        Haystack document = new Haystack(Worlds.NOISE, 0, 2_000, List.of(
                new Haystack.Sentence(1_200, Worlds.VOCABULARY.encode("Mary went to the kitchen."))));
        assertThat(new Sample(document, story).lines())
                .containsExactly("Mary went to the kitchen.  [token 1,200 of 2,000, 60.0 %]", "Where is Mary?  [kitchen]");
    }
}
