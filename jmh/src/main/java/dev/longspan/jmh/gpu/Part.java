package dev.longspan.jmh.gpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A command with its share of the time, in a process of its own: whatever ends it ends nothing else.
 *
 * @param seconds it may take at most, of what is left of all
 * @param cannotRun which line of its output says that it did not run here, which is neither passed nor failed
 * @param isOptional whether it may take too long without having failed
 */
record Part(String name, List<String> command, double seconds, Predicate<String> cannotRun, boolean isOptional) {

    /** Less than this is left: a part is not begun. */
    static final double LEAST_SECONDS = 5;

    Part {
        if (command.isEmpty() || seconds <= 0) {
            throw new IllegalArgumentException("a part must have a command and time: name=" + name + ", seconds=" + seconds);
        }
    }

    static Part of(String name, double seconds, List<String> command) {
        return new Part(name, command, seconds, line -> false, false);
    }

    /** How it went. */
    enum Status {
        PASSED, FAILED, SKIPPED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What came of a part.
     *
     * @param detail the last line that it printed, or why it failed or was skipped
     */
    record Outcome(Part part, Status status, double seconds, String detail) {
    }

    Outcome skipped(String reason) {
        return new Outcome(this, Status.SKIPPED, 0, reason);
    }

    /** Runs it for at most {@code left} seconds; its output is added to a log. */
    Outcome run(double left, Path log) throws IOException, InterruptedException {
        double most = Math.min(seconds, left);
        if (most < Math.min(LEAST_SECONDS, seconds)) {
            return skipped("no time left");
        }
        Path output = Files.createTempFile("gpu-check", ".log");
        long start = System.nanoTime();
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
        boolean isDone = process.waitFor((long) (most * 1000), TimeUnit.MILLISECONDS);
        if (!isDone) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
        double taken = (System.nanoTime() - start) * 1e-9;
        List<String> lines = lines(output);
        Files.writeString(log, "== " + name + ": " + String.join(" ", command) + "\n" + String.join("\n", lines) + "\n",
                StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        Files.delete(output);
        return outcome(isDone ? process.exitValue() : -1, taken, lines);
    }

    private Outcome outcome(int exit, double taken, List<String> lines) {
        // Stack frames are indented.
        String last = lines.reversed().stream().filter(line -> !line.isBlank() && !Character.isWhitespace(line.charAt(0)))
                .findFirst().orElse("").strip();
        if (exit < 0) {
            return new Outcome(this, isOptional ? Status.SKIPPED : Status.FAILED, taken,
                    "stopped after " + Math.round(taken) + " s; last: " + last);
        }
        String reason = lines.stream().filter(cannotRun).findFirst().orElse(null);
        return reason != null ? new Outcome(this, Status.SKIPPED, taken, reason.strip())
                : new Outcome(this, exit == 0 ? Status.PASSED : Status.FAILED, taken, exit == 0 ? last : "exit " + exit + ": " + last);
    }

    /** Whatever its encoding. */
    private static List<String> lines(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList();
    }
}
