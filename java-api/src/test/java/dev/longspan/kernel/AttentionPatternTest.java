package dev.longspan.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.CompactDilated;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.kernel.AttentionPattern.FixedSparse;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Tasks against {@link PatternDefinition}. */
class AttentionPatternTest {

    @Test
    void tasksShowEachQueryTheKeysOfTheDefinitionOnceABranch() {
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            int keys = 1 + random.nextInt(80);
            int firstQuery = random.nextInt(3) == 0 ? random.nextInt(keys) : 0;
            int heads = 1 + random.nextInt(7);
            RandomPlans drawn = RandomPlans.draw(random, heads, keys, firstQuery);
            AttentionPlan plan = drawn.plan();
            int queries = keys - firstQuery;
            for (int branch = 0; branch < plan.pattern().branches(); branch++) {
                for (int head = 0; head < heads; head++) {
                    String where = "seed=" + seed + " " + plan + " keys=" + keys + " heads=" + heads + " branch=" + branch
                            + " head=" + head;
                    int[][] expected = new int[queries][keys];
                    long[] expectedPads = new long[queries];
                    for (int i = 0; i < queries; i++) {
                        for (int s = 0; s < keys; s++) {
                            expected[i][s] = drawn.definition().shows(branch, head, firstQuery + i, s) ? 1 : 0;
                        }
                        expectedPads[i] = drawn.definition().pads(branch, head, firstQuery + i);
                    }
                    int[][] counts = new int[queries][keys];
                    long[] pads = new long[queries];
                    visit(plan, branch, head, heads, queries, keys, counts, pads, where);
                    assertThat(counts).as(where).isDeepEqualTo(expected);
                    assertThat(pads).as(where).isEqualTo(expectedPads);
                }
            }
        }
    }

    private static void visit(AttentionPlan plan, int branch, int head, int heads, int queries, int keys, int[][] counts,
            long[] pads, String where) {
        boolean[] querySeen = new boolean[queries];
        boolean[] keySeen = new boolean[keys];
        for (AttentionTask task : plan.pattern().tasks(branch, head, heads, plan.firstQuery(), queries, keys, plan.causal())) {
            assertThat(task.keyPositions()).as(where).isEqualTo(task.keys());
            for (long j = 0; j < task.keys().count(); j++) {
                assertThat(keySeen[(int) task.keys().at(j)]).as(where).isFalse();
                keySeen[(int) task.keys().at(j)] = true;
            }
            long first = 0;
            long end = 0;
            for (long t = 0; t < task.queries().count(); t++) {
                int row = (int) task.queries().at(t);
                assertThat(querySeen[row]).as(where).isFalse();
                querySeen[row] = true;
                assertThat(plan.firstKey(branch, task, 0, row)).as(where).isGreaterThanOrEqualTo(first);
                assertThat(plan.endKey(branch, task, 0, row)).as(where).isGreaterThanOrEqualTo(end);
                first = plan.firstKey(branch, task, 0, row);
                end = plan.endKey(branch, task, 0, row);
                for (long j = first; j < end; j++) {
                    counts[row][(int) task.keys().at(j)]++;
                }
                pads[row] += task.padKeys();
            }
        }
    }

    @Test
    void compactKeysAreThoseOfTheDilatedSegment() {
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            Branch branch = new Branch(1 + random.nextInt(30), 1);
            branch = new Branch(branch.segment(), 1 + random.nextLong(branch.segment()));
            HeadOffset offset = random.nextBoolean() ? HeadOffset.GROUPED : HeadOffset.MODULO;
            long start = branch.segment() * random.nextInt(4);
            long first = start + random.nextLong(branch.segment());
            long queries = 1 + random.nextLong(start + branch.segment() - first);
            int heads = 1 + random.nextInt(6);
            AttentionPattern whole = new Dilated(List.of(branch), offset, PadKeys.COUNT);
            AttentionPattern compact = new CompactDilated(branch, offset, start);
            for (int head = 0; head < heads; head++) {
                assertThat(pairs(compact, head, heads, first, queries, branch.segment()))
                        .as("seed=%d %s first=%d queries=%d head=%d/%d", seed, compact, first, queries, head, heads)
                        .isEqualTo(pairs(whole, head, heads, first, queries, first + queries));
            }
        }
    }

    /** Query row, key position pairs of a causal plan. */
    private static List<List<Long>> pairs(AttentionPattern pattern, int head, int heads, long first, long queries, long keys) {
        AttentionPlan plan = AttentionPlan.of(pattern, true, 1).withFirstQuery(first);
        List<List<Long>> pairs = new ArrayList<>();
        for (AttentionTask task : pattern.tasks(0, head, heads, first, queries, keys, true)) {
            for (long t = 0; t < task.queries().count(); t++) {
                long row = task.queries().at(t);
                for (long j = plan.firstKey(0, task, 0, row); j < plan.endKey(0, task, 0, row); j++) {
                    if (pattern instanceof CompactDilated) {
                        assertThat(task.keys().at(j)).isEqualTo(j);
                    }
                    pairs.add(List.of(row, task.keyPositions().at(j)));
                }
            }
        }
        return pairs;
    }

    @Test
    void rowsCountWhatLiesBeforeAPlace() {
        for (Rows rows : List.of(Rows.range(3, 5), Rows.strided(2, 4, 6), new Rows(5, 3, 7, 10), new Rows(0, 2, 2, 9),
                Rows.range(4, 0))) {
            for (long end = -2; end < 60; end++) {
                long before = 0;
                for (long t = 0; t < rows.count(); t++) {
                    before += rows.at(t) < end ? 1 : 0;
                }
                assertThat(rows.countBefore(end)).as("%s end=%d", rows, end).isEqualTo(before);
            }
            assertThat(rows.countBefore(Long.MAX_VALUE)).isEqualTo(rows.count());
        }
    }

    @Test
    void groupedHeadsFollowTorchscaleAndModuloTheHeadNumber() {
        assertThat(phases(HeadOffset.GROUPED, 6, 4)).containsExactly(0, 0, 1, 1, 2, 2);
        assertThat(phases(HeadOffset.MODULO, 6, 4)).containsExactly(0, 1, 2, 3, 0, 1);
        assertThat(phases(HeadOffset.GROUPED, 2, 4)).containsExactly(0, 1);
    }

    private static long[] phases(HeadOffset offset, int heads, long dilation) {
        return java.util.stream.IntStream.range(0, heads).mapToLong(h -> offset.of(h, heads, dilation)).toArray();
    }

    @Test
    void impossiblePatternsAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Branch(0, 1)).withMessageContaining("segment=0");
        assertThatIllegalArgumentException().isThrownBy(() -> new Branch(4, 5)).withMessageContaining("dilation=5");
        assertThatIllegalArgumentException().isThrownBy(() -> new FixedSparse(4, 5)).withMessageContaining("summary=5");
        assertThatIllegalArgumentException().isThrownBy(() -> new Dilated(List.of(), HeadOffset.MODULO, PadKeys.MASK));
        assertThatIllegalArgumentException().isThrownBy(() ->
                new FixedSparse(4, 2).tasks(0, 0, 1, 0, 8, 8, false)).withMessageContaining("causal");
    }
}
