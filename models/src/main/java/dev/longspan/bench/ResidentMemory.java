package dev.longspan.bench;

import dev.longspan.tensor.NativeBudget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Memory of this process behind a collection of its heap.
 *
 * @param resident bytes that the system holds for the process, where it says so
 * @param tensors bytes of tensors
 */
public record ResidentMemory(OptionalLong resident, long tensors) {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String FIELD = "VmRSS:";

    public static ResidentMemory now() {
        System.gc(); // garbage would count as growth,
        System.gc(); // and the heap shrinks by steps
        return new ResidentMemory(residentBytes(), NativeBudget.process().usedBytes());
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
