package dev.longspan.cli;

import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.NativeBudget;
import dev.longspan.text.Sources;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Says what this machine computes with, why not with the rest, and whether each backend's answers are right. */
@Command(
        name = "doctor",
        header = "Show JDK, processor, memory, backends with a self-test of each, and the text found.",
        description = "%nExit status 1 if a backend's self-test fails.",
        footer = {"", "Examples:", "  longspan doctor", "  longspan doctor --format json"})
final class DoctorCommand implements Callable<Integer> {

    private static final String DISABLED = "disabled";

    @ParentCommand
    private Main main;

    /** A backend's name, what it is or why it cannot run, and how it is: chosen, ready, unavailable or disabled. */
    private record Finding(String name, String detail, String status) {
        Map<String, Object> json() {
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("name", name);
            object.put("status", status);
            object.put("detail", detail);
            return object;
        }
    }

    @Override
    public Integer call() {
        Output output = main.output();
        Map<String, Object> found = examine(main, output);
        output.result(found);
        return isHealthy(found) ? ExitStatus.OK : ExitStatus.CHECK_FAILED;
    }

    /** Prints what it finds and returns it by name. */
    static Map<String, Object> examine(Main main, Output output) {
        main.limitMemory();
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("version", Main.version());
        found.put("jdk", System.getProperty("java.version") + " (" + System.getProperty("java.vendor.version",
                System.getProperty("java.vendor")) + ")");
        found.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch"));
        found.put("processors", Runtime.getRuntime().availableProcessors());
        found.put("cpu", processor());
        found.put("heap_max_bytes", Runtime.getRuntime().maxMemory());
        found.put("native_budget_bytes", NativeBudget.process().limitBytes());
        output.line("longspan  %s   JDK %s   %s", found.get("version"), found.get("jdk"), found.get("os"));
        output.line("CPU       %d processors   %s", found.get("processors"), found.get("cpu"));
        output.line("Memory    Java heap max %s (-Xmx)   native budget %s (--max-memory)",
                ByteSize.text(Runtime.getRuntime().maxMemory()), ByteSize.text(NativeBudget.process().limitBytes()));
        found.put("backends", backends(main, output).stream().map(Finding::json).toList());
        found.put("text", data());
        output.line("Text      %s", found.get("text"));
        return found;
    }

    /** Whether no backend failed its self-test. */
    static boolean isHealthy(Map<String, Object> found) {
        return found.get("backends") instanceof List<?> backends
                && backends.stream().noneMatch(b -> b instanceof Map<?, ?> one && DISABLED.equals(one.get("status")));
    }

    private static List<Finding> backends(Main main, Output output) {
        List<Finding> findings = new ArrayList<>();
        Parallel parallel = main.parallel();
        Backend chosen = main.backend();
        for (Backend backend : Stream.concat(Stream.of(chosen), Backend.all().stream()).distinct().toList()) {
            Finding finding = examine(backend, chosen, parallel);
            findings.add(finding);
            output.line("Backend   %-8s %-12s %s", finding.name, finding.status, finding.detail);
        }
        return findings;
    }

    private static Finding examine(Backend backend, Backend chosen, Parallel parallel) {
        if (backend.available() == null) {
            return new Finding(backend.name(), String.valueOf(backend.reason()), "unavailable");
        }
        long start = System.nanoTime();
        Optional<String> failure = SelfTest.failure(backend, parallel);
        String test = failure.orElse("self-test ok (" + (System.nanoTime() - start) / 1_000_000 + " ms)");
        String status = failure.isPresent() ? DISABLED : backend.name().equals(chosen.name()) ? "chosen" : "ready";
        return new Finding(backend.name(), backend.detail() + "; " + test, status);
    }

    private static String data() {
        Optional<Path> zip = Sources.jdkZip();
        if (zip.isPresent()) {
            return "the JDK's own sources, " + zip.get() + " (GPL-2.0 with Classpath exception, read in place)";
        }
        return Sources.project().map(p -> "this project's sources, " + p)
                .orElse("none: this JDK has no lib/src.zip; pass --data DIR to train");
    }

    private static String processor() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            List<String> facts = lines.filter(l -> l.startsWith("model name") || l.startsWith("flags")).limit(2).toList();
            StringBuilder text = new StringBuilder();
            for (String fact : facts) {
                String value = fact.substring(fact.indexOf(':') + 1).strip();
                text.append(fact.startsWith("flags") ? features(value) : value + "   ");
            }
            return text.toString();
        } catch (IOException elsewhere) {
            return System.getProperty("os.arch");
        }
    }

    private static String features(String flags) {
        List<String> words = List.of(flags.split(" "));
        return Stream.of("avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "sve").filter(words::contains)
                .reduce((a, b) -> a + " " + b).orElse("");
    }
}
