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
        main.limitMemory();
        Output output = main.output();
        Runtime runtime = Runtime.getRuntime();
        String jdk = System.getProperty("java.version") + " (" + System.getProperty("java.vendor.version",
                System.getProperty("java.vendor")) + ")";
        String os = System.getProperty("os.name") + " " + System.getProperty("os.version") + " " + System.getProperty("os.arch");
        output.line("longspan  %s   JDK %s   %s", Main.version(), jdk, os);
        output.line("CPU       %d processors   %s", runtime.availableProcessors(), processor());
        output.line("Memory    Java heap max %s (-Xmx)   native budget %s (--max-memory)", ByteSize.text(runtime.maxMemory()),
                ByteSize.text(NativeBudget.process().limitBytes()));
        List<Finding> backends = backends(output);
        String data = data();
        output.line("Text      %s", data);
        output.result(json(jdk, os, backends, data));
        return backends.stream().anyMatch(f -> f.status.equals("disabled")) ? ExitStatus.CHECK_FAILED : ExitStatus.OK;
    }

    private List<Finding> backends(Output output) {
        List<Finding> findings = new ArrayList<>();
        Parallel parallel = main.parallel();
        Backend chosen = main.backend();
        for (Backend backend : Backend.all()) {
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
        String status = failure.isPresent() ? "disabled" : backend.name().equals(chosen.name()) ? "chosen" : "ready";
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

    private static Map<String, Object> json(String jdk, String os, List<Finding> backends, String data) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("version", Main.version());
        object.put("jdk", jdk);
        object.put("os", os);
        object.put("processors", Runtime.getRuntime().availableProcessors());
        object.put("cpu", processor());
        object.put("heap_max_bytes", Runtime.getRuntime().maxMemory());
        object.put("native_budget_bytes", NativeBudget.process().limitBytes());
        object.put("backends", backends.stream().map(Finding::json).toList());
        object.put("text", data);
        return object;
    }
}
