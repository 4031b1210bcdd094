package dev.longspan.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.kernel.AttentionPattern;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TaskTableTest {

    private static long keyPeriod(AttentionPattern pattern, int branch, long firstQuery, long queries) {
        try (Arena arena = Arena.ofConfined()) {
            return ((TaskTable.Size) new TaskTable(pattern, branch, 2, firstQuery, queries, firstQuery + queries, true).make(arena)
                    .about()).keyPeriod();
        }
    }

    @Test
    void keysOfOnePeriodTellIt() {
        AttentionPattern dilated = new AttentionPattern.Dilated(List.of(new AttentionPattern.Branch(32, 1),
                new AttentionPattern.Branch(100, 3)), AttentionPattern.HeadOffset.MODULO, AttentionPattern.PadKeys.MASK);
        assertThat(keyPeriod(new AttentionPattern.Dense(), 0, 0, 70)).isEqualTo(1);
        assertThat(keyPeriod(dilated, 0, 0, 70)).isEqualTo(1);
        assertThat(keyPeriod(dilated, 1, 0, 70)).isEqualTo(3);
    }

    @Test
    void summariesInRunsOfSeveralRowsTellNone() {
        assertThat(keyPeriod(new AttentionPattern.FixedSparse(8, 3), 1, 0, 70)).isZero();
    }
}
