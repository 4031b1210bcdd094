package dev.longspan.tensor;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the library's native bytes against a limit and refuses before the operating system kills the JVM
 * ({@code -XX:MaxDirectMemorySize} does not bind explicit arenas). Thread-safe.
 */
public final class NativeBudget {

    /** Sets the limit of {@link #process()} in bytes. */
    public static final String PROPERTY = "longspan.maxNativeBytes";

    private static final class Shared {
        static final NativeBudget INSTANCE = new NativeBudget(Long.getLong(PROPERTY, defaultLimitBytes()));
    }

    private final AtomicLong usedBytes = new AtomicLong();
    private final AtomicLong peakBytes = new AtomicLong();
    private volatile long limitBytes;

    public NativeBudget(long limitBytes) {
        limit(limitBytes);
    }

    /** The budget of this JVM: by default 80 % of what the cgroup or machine has beside the maximum heap. */
    public static NativeBudget process() {
        return Shared.INSTANCE;
    }

    /** Changes the limit; what is already allocated stays. */
    public void limit(long limitBytes) {
        if (limitBytes <= 0) {
            throw new IllegalArgumentException("limitBytes must be positive: limitBytes=" + limitBytes);
        }
        this.limitBytes = limitBytes;
    }

    public long limitBytes() {
        return limitBytes;
    }

    public long usedBytes() {
        return usedBytes.get();
    }

    /** The most bytes ever in use since {@link #resetPeak()}. */
    public long peakBytes() {
        return peakBytes.get();
    }

    public void resetPeak() {
        peakBytes.set(usedBytes.get());
    }

    void reserve(long bytes) {
        long used = usedBytes.addAndGet(bytes);
        if (used > limitBytes || used < 0) {
            usedBytes.addAndGet(-bytes);
            throw new OutOfNativeMemoryException("native memory budget exceeded: requested=" + bytes + " bytes, used="
                    + (used - bytes) + ", limit=" + limitBytes + " (raise --max-memory or -D" + PROPERTY + ")");
        }
        peakBytes.accumulateAndGet(used, Math::max);
    }

    void release(long bytes) {
        usedBytes.addAndGet(-bytes);
    }

    private static long defaultLimitBytes() {
        long beside = Math.min(physicalBytes(), cgroupBytes()) - Runtime.getRuntime().maxMemory();
        return Math.max(beside / 5 * 4, 256L << 20);
    }

    private static long physicalBytes() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean os
                ? os.getTotalMemorySize() : Long.MAX_VALUE;
    }

    private static long cgroupBytes() {
        try {
            String max = Files.readString(Path.of("/sys/fs/cgroup/memory.max")).strip();
            return max.equals("max") ? Long.MAX_VALUE : Long.parseLong(max);
        } catch (IOException | NumberFormatException absent) {
            return Long.MAX_VALUE; // no cgroup v2 here: physical memory is the bound
        }
    }
}
