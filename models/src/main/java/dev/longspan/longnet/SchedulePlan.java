package dev.longspan.longnet;

import dev.longspan.kernel.AttentionPattern.Branch;
import dev.longspan.kernel.AttentionPattern.HeadOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a schedule of dilated attention does for a causal sequence of {@code length} tokens and {@code heads} heads: which
 * pairs of positions it connects in how many layers, what it costs, and what it leaves out.
 */
public record SchedulePlan(long length, int heads, List<Branch> schedule, HeadOffset offset) {

    /** Segment of the first branch of {@link #geometric(long, int)}. */
    public static final long FIRST_SEGMENT = 2048;

    /** Steps of {@link #reach} at most; more would take seconds and change the third digit. */
    private static final long REACH_BUDGET = 1L << 27;

    public SchedulePlan {
        schedule = List.copyOf(schedule);
        if (length <= 0 || heads <= 0 || schedule.isEmpty()) {
            throw new IllegalArgumentException("length and heads must be positive and the schedule not empty: length="
                    + length + ", heads=" + heads + ", schedule=" + schedule);
        }
    }

    /** {@code w = 2048·2ⁱ, r = 2ⁱ} until w reaches the length: LongNet, equations 11 and 12. */
    public static SchedulePlan geometric(long length, int heads) {
        return geometric(length, heads, Math.min(FIRST_SEGMENT, Math.max(1, length)), 2);
    }

    /** {@code w = first·ratioⁱ, r = ratioⁱ} until w reaches the length. */
    public static SchedulePlan geometric(long length, int heads, long first, long ratio) {
        if (first <= 0 || ratio < 2) {
            throw new IllegalArgumentException("first must be positive and ratio at least 2: first=" + first + ", ratio="
                    + ratio);
        }
        List<Branch> schedule = new ArrayList<>();
        long dilation = 1;
        for (long segment = first;; segment = Math.multiplyExact(segment, ratio), dilation *= ratio) {
            schedule.add(new Branch(segment, dilation));
            if (segment >= length) {
                return new SchedulePlan(length, heads, schedule, HeadOffset.GROUPED);
            }
        }
    }

    /** Key rows per token and head that a decoder's cache holds at most: {@code Σ ⌈w/r⌉}. */
    public long cacheRows() {
        return schedule.stream().mapToLong(b -> Math.ceilDiv(b.segment(), b.dilation())).sum();
    }

    /** Keys per token and head on average, {@code Σ w/(2 r²)} with w at most the length; dense attention has length/2. */
    public double keysPerToken() {
        return schedule.stream().mapToDouble(b ->
                Math.min(b.segment(), length) / (2.0 * b.dilation() * b.dilation())).sum();
    }

    /** How many phases of a branch's dilation some head keeps. */
    long phases(Branch b) {
        return IntStream.range(0, heads).mapToLong(h -> offset.of(h, heads, b.dilation())).distinct().count();
    }

    /** One line for each thing the schedule leaves out or does that surprises. */
    public List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        for (Branch b : schedule) {
            if (phases(b) < b.dilation()) {
                warnings.add("branch w=" + b.segment() + " r=" + b.dilation() + ": " + heads + " heads keep " + phases(b)
                        + " of its " + b.dilation() + " phases; the other positions take no part in it");
            }
            if (b.segment() % b.dilation() != 0 && b.segment() < length) {
                warnings.add("branch w=" + b.segment() + " r=" + b.dilation()
                        + ": r does not divide w, which is harmless here (torchscale shifts later segments)");
            }
        }
        if (schedule.stream().noneMatch(b -> b.segment() >= length)) {
            warnings.add("no branch spans the length " + length);
        }
        long wall = wall();
        if (wall < length) {
            warnings.add("nothing crosses position " + wall + " or its multiples at any depth");
        }
        return warnings;
    }

    /** The least distance at which segments of all branches end together; beyond every length if they never do. */
    public long wall() {
        long wall = 1;
        for (Branch b : schedule) {
            long factor = b.segment() / gcd(wall, b.segment());
            if (wall > Long.MAX_VALUE / factor) {
                return Long.MAX_VALUE;
            }
            wall *= factor;
        }
        return wall;
    }

    /**
     * For each depth from 1 to {@code layers}, the share of causal pairs of positions that are connected: over all queries
     * of a short sequence, otherwise over evenly spaced ones, the last included.
     */
    public double[] reach(int layers) {
        int queries = (int) Math.max(1, Math.min(length, Math.min(512, REACH_BUDGET / (length * schedule.size()))));
        double[] reached = new double[layers];
        double pairs = 0;
        for (int i = 1; i <= queries; i++) {
            long query = length * i / queries - 1;
            new Reach(this).from(query, layers, reached);
            pairs += query + 1;
        }
        for (int d = 0; d < layers; d++) {
            reached[d] /= pairs;
        }
        return reached;
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
