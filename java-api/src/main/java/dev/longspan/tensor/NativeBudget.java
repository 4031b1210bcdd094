package dev.longspan.tensor;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the library's native bytes against a limit and refuses before the operating system kills the JVM
 * ({@code -XX:MaxDirectMemorySize} does not bind explicit arenas); a device has one of its own. Thread-safe.
 */
public final class NativeBudget {

    /** Sets the limit of {@link #process()} in bytes. */
    public static final String PROPERTY = "longspan.maxNativeBytes";

    private static final class Shared {
        static final NativeBudget INSTANCE = new NativeBudget("native", Long.getLong(PROPERTY, defaultLimitBytes()), "--max-memory or -D" + PROPERTY);
    }

    private final String memory;
    private final String remedy;
    private final AtomicLong usedBytes = new AtomicLong();
    private final AtomicLong peakBytes = new AtomicLong();
    private volatile long limitBytes;

    /**
     * A budget of its own.
     *
     * @param memory what messages call the memory
     * @param remedy what raises the limit
     */
    public NativeBudget(String memory, long limitBytes, String remedy) {
        this.memory = memory;
        this.remedy = remedy;
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

    /** Counts bytes that are about to be allocated; throws OutOfNativeMemoryException where they are too many. */
    public void reserve(long bytes) {
        long used = usedBytes.addAndGet(bytes);
        if (used > limitBytes || used < 0) {
            usedBytes.addAndGet(-bytes);
            throw new OutOfNativeMemoryException(memory + " memory budget exceeded: requested=" + bytes + " bytes, used="
                    + (used - bytes) + ", limit=" + limitBytes + " (raise " + remedy + ")");
        }
        peakBytes.accumulateAndGet(used, Math::max);
    }

    /** Gives back what was reserved. */
    public void release(long bytes) {
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
