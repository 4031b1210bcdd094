package dev.longspan.jmh;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What figures depend on beside the code. */
final class Machine {

    private Machine() {
    }

    /** What stays as it is, by name. */
    static Map<String, String> describe() throws IOException {
        Map<String, String> machine = new LinkedHashMap<>();
        machine.put("cpu", cpu());
        machine.put("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
        machine.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        machine.put("java", System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
        return machine;
    }

    /** What is so just now: commit, date and load of others, before anything is measured. Ratios of a busy machine prove little. */
    static Map<String, String> circumstances(String command, Path results) {
        Map<String, String> now = new LinkedHashMap<>();
        now.put("command", command);
        commit(Path.of(""), results).ifPresent(commit -> now.put("commit", commit));
        now.put("date", Instant.now().truncatedTo(ChronoUnit.MINUTES).toString());
        now.put("load", String.format(Locale.ROOT, "%.1f at the start",
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage()));
        return now;
    }

    /** The commit that a folder's files are of, {@code -dirty} where others than results differ; empty where git knows none. */
    static Optional<String> commit(Path folder, Path results) {
        // Not ":!" and the path: git refuses one beyond its own folder.
        String notThese = ":(exclude,glob)**/" + results.getFileName() + "/**";
        return git(folder, "rev-parse", "--short=12", "HEAD").map(head ->
                git(folder, "diff", "--quiet", "HEAD", "--", ".", notThese).isPresent() ? head : head + "-dirty");
    }

    /** What git says; empty where it fails, or is not there. */
    private static Optional<String> git(Path folder, String... arguments) {
        try {
            Process git = new ProcessBuilder(Stream.concat(Stream.of("git"), Stream.of(arguments)).toList())
                    .directory(folder.toAbsolutePath().toFile()).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String said = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return git.onExit().join().exitValue() == 0 ? Optional.of(said) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** {@code AMD EPYC, family 25 model 17}: what a hypervisor shows of a name fits several generations. */
    private static String cpu() throws IOException {
        Path info = Path.of("/proc/cpuinfo");
        if (Files.exists(info)) {
            try (Stream<String> lines = Files.lines(info)) {
                return cpu(lines);
            }
        }
        return System.getProperty("os.arch");
    }

    /** From the lines of {@code /proc/cpuinfo}. */
    static String cpu(Stream<String> lines) {
        Map<String, String> first = new HashMap<>();
        lines.map(line -> line.split(":", 2)).filter(parts -> parts.length == 2)
                .forEach(parts -> first.putIfAbsent(parts[0].strip(), parts[1].strip()));
        String name = first.getOrDefault("model name", System.getProperty("os.arch"));
        return first.containsKey("cpu family") && first.containsKey("model")
                ? name + ", family " + first.get("cpu family") + " model " + first.get("model") : name;
    }
}
