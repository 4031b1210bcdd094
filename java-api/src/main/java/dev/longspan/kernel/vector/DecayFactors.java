package dev.longspan.kernel.vector;

import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Decay;
import dev.longspan.kernel.vector.TaskList.Entry;
import dev.longspan.parallel.Scratch;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The decay between blocks of one epoch each, and for which distance something was last packed. */
final class DecayFactors {

    private static final long NEVER = Long.MIN_VALUE;

    private final @Nullable Decay decay;
    private final Entry entry;
    private final long firstQuery;
    private final float @Nullable [] factors;
    private final long[] packed;
    private long computed = NEVER;

    /** Remembers for {@code slots} packed things; takes the float slot {@code slot}. */
    DecayFactors(AttentionPlan plan, Entry entry, int dim, int slots, Scratch scratch, int slot) {
        decay = plan.decay();
        this.entry = entry;
        firstQuery = plan.firstQuery();
        factors = decay == null ? null : scratch.floats(slot, dim + Lanes.LANES);
        packed = new long[slots];
        Arrays.fill(packed, NEVER);
    }

    /** Whether what {@code slot} holds is not there yet or is for another distance than that of the two blocks. */
    boolean changes(int slot, int queryBlock, int keyBlock) {
        long epochs = 0;
        if (decay != null) {
            long query = firstQuery + entry.task().queries().at(entry.queries().start(queryBlock));
            long key = entry.task().keyPositions().at(entry.keys().start(keyBlock));
            epochs = query / decay.epoch() - key / decay.epoch();
            compute(epochs);
        }
        if (packed[slot] == epochs) {
            return false;
        }
        packed[slot] = epochs;
        return true;
    }

    /** What a slot holds is of no use any more. */
    void forget(int slot) {
        packed[slot] = NEVER;
    }

    /** The factor of each dimension for the distance last asked about; none where there is no decay. */
    float @Nullable [] factors() {
        return factors;
    }

    private void compute(long epochs) {
        if (epochs == computed || decay == null || factors == null) {
            return;
        }
        computed = epochs;
        for (int d = 0; d < decay.log2PerEpoch().length; d++) {
            double factor = decay.factor(d, epochs);
            // Products with less than this would be subnormal, and slow.
            factors[d] = factor < 0x1p-100 ? 0 : (float) factor;
        }
    }
}
