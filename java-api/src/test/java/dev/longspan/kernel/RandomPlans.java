package dev.longspan.kernel;

import dev.longspan.kernel.AttentionPattern.BlockLocal;
import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.Chunked;
import dev.longspan.kernel.AttentionPattern.Dense;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.kernel.AttentionPattern.FixedSparse;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import dev.longspan.kernel.AttentionPattern.PadKeys;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A plan of any pattern over a sequence, and its definition. */
public record RandomPlans(AttentionPlan plan, PatternDefinition definition) {

    /** Queries at positions {@code [firstQuery, keys)} of a sequence of {@code keys} positions. */
    public static RandomPlans draw(Random random, int heads, int keys, int firstQuery) {
        boolean causal = random.nextBoolean();
        AttentionPattern pattern = pattern(random, causal, keys);
        long blockwise = causal && random.nextInt(4) == 0 ? 2 * (1 + random.nextInt(keys)) : 0;
        long[] starts = random.nextInt(4) == 0 ? starts(random, keys) : new long[]{0};
        AttentionPlan plan = AttentionPlan.of(pattern, causal, 0.3 + random.nextDouble()).withFirstQuery(firstQuery)
                .withBlockwise(blockwise).withDocuments(starts.length == 1 ? null : Documents.of(starts));
        return new RandomPlans(plan, new PatternDefinition(pattern, causal, blockwise, starts, heads, keys));
    }

    private static AttentionPattern pattern(Random random, boolean causal, int keys) {
        return switch (random.nextInt(causal ? 7 : 6)) {
            case 0 -> new Dense();
            case 1 -> new Chunked(1 + random.nextInt(keys));
            case 2 -> new BlockLocal(1 + random.nextInt(keys), random.nextInt(3), random.nextInt(3));
            case 6 -> {
                int block = 1 + random.nextInt(keys);
                yield new FixedSparse(block, 1 + random.nextInt(block));
            }
            default -> {
                List<Branch> schedule = new ArrayList<>();
                for (int i = 1 + random.nextInt(3); i > 0; i--) {
                    int segment = 1 + random.nextInt(keys + 5);
                    schedule.add(new Branch(segment, 1 + random.nextInt(Math.min(segment, 6))));
                }
                yield new Dilated(schedule, random.nextBoolean() ? HeadOffset.GROUPED : HeadOffset.MODULO,
                        random.nextBoolean() ? PadKeys.COUNT : PadKeys.MASK);
            }
        };
    }

    private static long[] starts(Random random, int keys) {
        return java.util.stream.LongStream.concat(java.util.stream.LongStream.of(0),
                random.longs(random.nextInt(4), 1, keys + 2)).distinct().sorted().toArray();
    }
}
