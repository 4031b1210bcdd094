package dev.longspan.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

final class PlacementTest {

    private static final long SEED = 11;

    private static Map<String, Long> places(Placement placement, int draws, long tokens, long question, long... lengths) {
        long free = tokens - question - Arrays.stream(lengths).sum();
        return LongStream.range(0, draws)
                .mapToObj(i -> Arrays.toString(placement.starts(new Draws(SEED, i, 0, tokens), lengths, tokens, free)))
                .collect(Collectors.groupingBy(starts -> starts, TreeMap::new, Collectors.counting()));
    }

    @Test
    void anywhereIsEveryPlaceEquallyOften() {
        Map<String, Long> one = places(Placement.ANYWHERE, 8_000, 13, 3, 3); // 0 to 7
        assertThat(one.keySet()).containsExactly("[0]", "[1]", "[2]", "[3]", "[4]", "[5]", "[6]", "[7]");
        assertThat(one.values()).as("of 1,000, seed %d", SEED).allMatch(count -> Math.abs(count - 1_000) < 130);
        // Two facts of 2 and 3 tokens among 2 free ones: C(4, 2) ways.
        Map<String, Long> two = places(Placement.ANYWHERE, 6_000, 8, 1, 2, 3);
        assertThat(two.keySet()).containsExactly("[0, 2]", "[0, 3]", "[0, 4]", "[1, 3]", "[1, 4]", "[2, 4]");
        assertThat(two.values()).as("of 1,000, seed %d", SEED).allMatch(count -> Math.abs(count - 1_000) < 130);
        assertThat(places(Placement.ANYWHERE, 20, 6, 1, 2, 3).keySet()).containsExactly("[0, 2]");
    }

    @Test
    void segmentStartsAreThoseOfSegmentsCutFromTheEnd() {
        // 25 tokens in segments of 10 from the end: 0, 5, 15; a question of 3 ends the last.
        Map<String, Long> one = places(Placement.segmentStart(10), 3_000, 25, 3, 4);
        assertThat(one.keySet()).containsExactly("[0]", "[15]", "[5]");
        assertThat(one.values()).as("of 1,000, seed %d", SEED).allMatch(count -> Math.abs(count - 1_000) < 130);
        // The last segment has no room for the fact and the question.
        assertThat(places(Placement.segmentStart(10), 1_000, 25, 7, 4).keySet()).containsExactly("[0]", "[5]");
    }

    @Test
    void twoFactsMayStandInOneSegmentOneBehindTheOther() {
        Map<String, Long> two = places(Placement.segmentStart(10), 9_000, 30, 3, 3, 4);
        assertThat(two.keySet()).containsExactlyInAnyOrder("[0, 3]", "[0, 10]", "[0, 20]", "[10, 13]", "[10, 20]", "[20, 23]");
        assertThat(two.get("[10, 20]")).as("either of two draws, of 2,000, seed %d", SEED).isBetween(1_850L, 2_150L);
        assertThat(two.get("[10, 13]")).as("one draw, of 1,000, seed %d", SEED).isBetween(870L, 1_130L);
    }

    @Test
    void factsOfAShortFirstSegmentReachIntoTheNextAndNeverOverlap() {
        for (long tokens = 12; tokens < 80; tokens++) {
            for (Placement placement : new Placement[] {Placement.ANYWHERE, Placement.segmentStart(10), Placement.segmentStart(1)}) {
                for (long i = 0; i < 50; i++) {
                    long[] starts = placement.starts(new Draws(SEED, i, 0, tokens), new long[] {4, 5}, tokens, tokens - 12);
                    assertThat(starts[0] >= 0 && starts[1] >= starts[0] + 4 && starts[1] + 5 <= tokens - 3)
                            .as("%s of %d tokens, %s, index %d", Arrays.toString(starts), tokens, placement, i).isTrue();
                }
            }
        }
    }

    @Test
    void segmentsMustHaveTokens() {
        assertThatThrownBy(() -> Placement.segmentStart(0)).hasMessageContaining("segment must be positive");
        assertThatThrownBy(() -> Placement.segmentStart(-1)).hasMessageContaining("segment=-1");
    }
}
