package dev.longspan.kernel.cuda;

import dev.longspan.kernel.Documents;
import dev.longspan.kernel.ScanPlan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The steps of a scan that forget the state before them, as bytes [B, L]. */
record Resets(Documents documents, long first, boolean reversed, long batch, long rows) {

    /** The bytes on the device; NULL for one endless document. */
    static MemorySegment of(CudaSpace space, ScanPlan plan, long batch, long rows) {
        if (plan.documents() == null || rows == 0) {
            return MemorySegment.NULL;
        }
        Resets key = new Resets(plan.documents(), plan.first(), plan.reversed(), batch, rows);
        return MemorySegment.ofAddress(space.tables().get(key, arena -> {
            MemorySegment fresh = arena.allocate(Math.max(1, batch * rows));
            for (long b = 0; b < batch; b++) {
                long[] resets = plan.resets(b, rows);
                for (int i = 0; i < resets.length - 1; i++) {
                    fresh.set(ValueLayout.JAVA_BYTE, b * rows + resets[i], (byte) 1);
                }
            }
            return new Tables.Made(fresh, rows);
        }).address());
    }
}
