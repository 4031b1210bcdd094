package dev.longspan.jmh;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What a process needs beyond what it has: the system's own count, so that every side is counted alike. */
final class PeakMemory {

    /** Written to clear_refs: the high-water mark begins anew. */
    private static final String RESET = "5";

    private PeakMemory() {
    }

    /** Gives the memory that malloc keeps free back to the system; does nothing where it cannot. */
    static void trim() {
        CLibrary.systemFunction("malloc_trim", ValueLayout.JAVA_LONG)
                .ifPresent(trim -> Call.of(() -> {
                    trim.invokeExact(0L);
                }));
    }

    /** Bytes by which a side's process grew at most while something ran, once it was trimmed; 0 where the system does not tell. */
    static long during(Side side, Runnable run) {
        Path process = Path.of("/proc/" + side.pid());
        long before;
        try {
            side.trim();
            Files.writeString(process.resolve("clear_refs"), RESET);
            before = status(process, "VmRSS:");
        } catch (IOException e) {
            run.run();
            return 0;
        }
        run.run();
        try {
            return Math.max(0, status(process, "VmHWM:") - before);
        } catch (IOException e) {
            return 0;
        }
    }

    private static long status(Path process, String name) throws IOException {
        return kibibytes(Files.readAllLines(process.resolve("status")), name) << 10;
    }

    /** The number in a line such as {@code VmRSS:     1234 kB}; 0 where there is none. */
    static long kibibytes(List<String> lines, String name) {
        return lines.stream().filter(line -> line.startsWith(name))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", ""))).findFirst().orElse(0);
    }
}
