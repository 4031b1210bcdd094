package dev.longspan.jmh.gpu;

import dev.longspan.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code gpu-results.json} and {@code .md}: what was run on which machine and what came of it; written anew after every part. */
final class Report {

    /** Folder of the benchmarks with the kernel for compute capability 9.0. */
    static final String HOPPER = "hopper";

    private final Path folder;
    private final Map<String, String> facts;
    private final List<Part.Outcome> outcomes = new ArrayList<>();

    /** {@code facts} are what figures depend on: GPU, driver, commit, command. */
    Report(Path folder, Map<String, String> facts) {
        this.folder = folder;
        this.facts = new LinkedHashMap<>(facts);
    }

    void fact(String name, String value) {
        facts.put(name, value);
    }

    void add(Part.Outcome outcome) throws IOException {
        outcomes.add(outcome);
        write();
    }

    boolean passed() {
        return outcomes.stream().noneMatch(o -> o.status() == Part.Status.FAILED);
    }

    private void write() throws IOException {
        Map<String, @Nullable Object> all = new LinkedHashMap<>(facts);
        all.put("passed", passed());
        all.put("parts", outcomes.stream().map(Report::figures).toList());
        all.put("bench", runs(folder));
        all.put("hopper bench", runs(folder.resolve(HOPPER)));
        Files.writeString(folder.resolve("gpu-results.json"), Json.pretty(all) + "\n");
        Files.writeString(folder.resolve("gpu-results.md"), markdown());
    }

    private static @Nullable Object runs(Path folder) throws IOException {
        Path bench = folder.resolve("bench.json");
        return Files.exists(bench) ? Json.object(Files.readString(bench)).get("runs") : List.of();
    }

    private static Map<String, @Nullable Object> figures(Part.Outcome outcome) {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("name", outcome.part().name());
        figures.put("status", outcome.status().toString());
        figures.put("seconds", outcome.seconds());
        figures.put("detail", outcome.detail());
        figures.put("command", outcome.part().command());
        return figures;
    }

    String markdown() throws IOException {
        StringBuilder text = new StringBuilder("# gpu-check: " + (passed() ? "passed" : "FAILED") + "\n\n");
        facts.forEach((name, value) -> text.append("* ").append(name).append(": ").append(value).append("\n"));
        text.append("\n| part | status | seconds | detail |\n|---|---|---|---|\n");
        for (Part.Outcome outcome : outcomes) {
            text.append(String.format(Locale.ROOT, "| %s | %s | %.0f | %s |\n", outcome.part().name(),
                    outcome.status() == Part.Status.FAILED ? "**failed**" : outcome.status(), outcome.seconds(),
                    outcome.detail().replace("|", "\\|")));
        }
        Path bench = folder.resolve("bench.md");
        text.append(Files.exists(bench) ? Files.readString(bench) : "");
        Path hopper = folder.resolve(HOPPER).resolve("bench.md");
        return text + (Files.exists(hopper) ? "\n# With -Dlongspan.cuda.hopper=true\n" + Files.readString(hopper) : "");
    }
}
