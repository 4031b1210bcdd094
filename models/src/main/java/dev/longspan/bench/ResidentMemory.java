package dev.longspan.bench;

import dev.longspan.tensor.NativeBudget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Memory of this process behind a collection of its heap.
 *
 * @param resident bytes that the system holds for the process, where it says so
 * @param tensors bytes of tensors
 */
public record ResidentMemory(OptionalLong resident, long tensors) {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String FIELD = "VmRSS:";
    private static final long PAUSE_NANOS = 20_000_000;
    private static final int STILL = 4;

    public static ResidentMemory now() {
        System.gc(); // garbage would count as growth,
        System.gc(); // and the heap shrinks by steps
        return new ResidentMemory(settled(), NativeBudget.process().usedBytes());
    }

    /** Once it falls no more: the collector gives its pages back on a thread of its own. */
    private static OptionalLong settled() {
        OptionalLong lowest = residentBytes();
        for (int still = 0; still < STILL && lowest.isPresent(); still++) {
            LockSupport.parkNanos(PAUSE_NANOS);
            OptionalLong next = residentBytes();
            if (next.isPresent() && next.getAsLong() < lowest.getAsLong()) {
                lowest = next;
                still = -1;
            }
        }
        return lowest;
    }

    /** Bytes that the system holds for the process at the moment, garbage included. */
    public static OptionalLong residentBytes() {
        try {
            List<String> lines = Files.readAllLines(STATUS);
            return lines.stream().filter(line -> line.startsWith(FIELD))
                    .map(line -> line.substring(FIELD.length()).replace("kB", "").strip())
                    .mapToLong(kilobytes -> Long.parseLong(kilobytes) << 10).findFirst();
        } catch (IOException absent) {
            return OptionalLong.empty(); // no procfs: the tensors' bytes are all there is
        }
    }

    /** What is compared: resident bytes, or those of tensors. */
    public long bytes() {
        return resident.orElse(tensors);
    }

    public Map<String, Object> figures() {
        Map<String, Object> figures = new LinkedHashMap<>();
        resident.ifPresent(bytes -> figures.put("resident", bytes));
        figures.put("tensors", tensors);
        return figures;
    }
}
