package dev.longspan.jmh;

import dev.longspan.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one machine: runs of families, the newest of each, in {@code <cpu>.json}, {@code .md} and
 * {@code .svg}.
 */
record Results(Map<String, String> machine, List<Run> runs) {

    private static final String RUNS = "runs";

    Results {
        runs = List.copyOf(runs);
    }

    /** Those that the folder holds of this machine, none at first. */
    static Results read(Path folder, Map<String, String> machine) throws IOException {
        return read(folder, name(machine), machine);
    }

    /** Those in {@code name.json}. */
    static Results read(Path folder, String name, Map<String, String> machine) throws IOException {
        Path file = folder.resolve(name + ".json");
        List<Run> runs = new ArrayList<>();
        if (Files.exists(file)) {
            Object known = Json.object(Files.readString(file)).get(RUNS);
            for (Object run : known instanceof List<?> list ? list : List.of()) {
                runs.add(Run.of((Map<?, ?>) run));
            }
        }
        return new Results(machine, runs);
    }

    /** With a run in place of the one of the same family and threads. */
    Results with(Run run) {
        List<Run> all = new ArrayList<>(runs);
        all.removeIf(run::replaces);
        all.add(run);
        all.sort(Comparator.<Run>comparingInt(r -> Family.names().indexOf(r.family())).thenComparingInt(Run::threads));
        return new Results(machine, all);
    }

    /** Leaves all files, those before replaced. */
    Path write(Path folder) throws IOException {
        String name = name(machine);
        Path markdown = write(folder, name);
        RatioChart.of(this).write(folder, name);
        return markdown;
    }

    /** Leaves {@code name.json} and {@code name.md}. */
    Path write(Path folder, String name) throws IOException {
        Files.createDirectories(folder);
        Map<String, @Nullable Object> all = new LinkedHashMap<>(machine);
        all.put(RUNS, runs.stream().map(Run::figures).toList());
        Files.writeString(folder.resolve(name + ".json"), Json.pretty(all) + "\n");
        Path markdown = folder.resolve(name + ".md");
        Files.writeString(markdown, Markdown.of(this));
        return markdown;
    }

    private static String name(Map<String, String> machine) {
        return machine.getOrDefault("cpu", "unknown").toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-")
                .replaceAll("^-|-$", "");
    }
}
