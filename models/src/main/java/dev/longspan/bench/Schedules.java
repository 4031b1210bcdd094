package dev.longspan.bench;

import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPattern.Branch;
import java.util.ArrayList;
import java.util.List;

/** What the sweep compares, as schedules of causal attention. */
final class Schedules {

    private static final long FIRST_SEGMENT = 2048;

    private Schedules() {
    }

    /** LongNet, equations 11 and 12: {@code w = 2048 · 2^i, r = 2^i} up to the first segment that holds all tokens. */
    static List<Branch> geometric(long tokens) {
        List<Branch> schedule = new ArrayList<>();
        long dilation = 1;
        do {
            schedule.add(new Branch(Math.min(FIRST_SEGMENT * dilation, tokens), dilation));
            dilation *= 2;
        } while (schedule.getLast().segment() < tokens);
        return schedule;
    }

    /** Dense attention: one segment without dilation. */
    static List<Branch> dense(long tokens) {
        return List.of(new Branch(tokens, 1));
    }

    static AttentionPattern dilated(List<Branch> schedule) {
        return new AttentionPattern.Dilated(schedule, AttentionPattern.HeadOffset.GROUPED, AttentionPattern.PadKeys.MASK);
    }
}
