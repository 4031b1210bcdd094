package dev.longspan.jmh;

import dev.longspan.json.Json;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** {@code make bench}: every family beside its peers, in turns, into {@code results/<cpu>.json} and {@code .md}. */
final class Bench {

    private static final Map<String, Consumer<Table>> FAMILIES = new LinkedHashMap<>();

    static {
        FAMILIES.put("cema", CemaBenchmark::compare);
        FAMILIES.put("timestep-norm", TimestepNormBenchmark::compare);
    }

    /** Of others, before anything is measured: ratios of a busy machine prove little. */
    private static final double LOAD = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();

    private Bench() {
    }

    /** Arguments: the folder of results, then families; all where there are none. Exit status 1 if an answer is wrong. */
    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        List<String> families = args.length == 1 ? List.copyOf(FAMILIES.keySet()) : List.of(args).subList(1, args.length);
        if (!FAMILIES.keySet().containsAll(families)) {
            System.err.println("error: families must be among " + FAMILIES.keySet() + ": families=" + families);
            System.exit(2);
        }
        Table table = new Table();
        families.forEach(family -> FAMILIES.get(family).accept(table));
        write(folder, table, families);
        System.exit(table.passed() ? 0 : 1);
    }

    private static void write(Path folder, Table table, List<String> families) throws IOException {
        Map<String, Object> machine = new LinkedHashMap<>();
        machine.put("cpu", cpu());
        machine.put("processors", Runtime.getRuntime().availableProcessors());
        machine.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        machine.put("java", System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
        machine.put("load", String.format(Locale.ROOT, "%.1f at the start", LOAD));
        machine.put("c", System.getProperty("longspan.cc", "absent"));
        machine.put("command", "make bench" + (families.size() == FAMILIES.size() ? ""
                : " ARGS=\"" + String.join(" ", families) + "\""));
        Map<String, Object> all = new LinkedHashMap<>(machine);
        all.putAll(table.figures());
        String name = cpu().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(name + ".json"), Json.pretty(all) + "\n");
        StringBuilder text = new StringBuilder();
        machine.forEach((key, value) -> text.append("* ").append(key).append(": ").append(value).append("\n"));
        text.append("\nMedians of runs in turns (A B A B …); every answer checked against float64.\n\n");
        Files.writeString(folder.resolve(name + ".md"), text.append(table.markdown()).toString());
        IO.println(folder.resolve(name + ".md"));
    }

    private static String cpu() throws IOException {
        Path info = Path.of("/proc/cpuinfo");
        if (Files.exists(info)) {
            try (Stream<String> lines = Files.lines(info)) {
                return lines.filter(l -> l.startsWith("model name")).map(l -> l.substring(l.indexOf(':') + 1).strip())
                        .findFirst().orElse(System.getProperty("os.arch"));
            }
        }
        return System.getProperty("os.arch");
    }
}
