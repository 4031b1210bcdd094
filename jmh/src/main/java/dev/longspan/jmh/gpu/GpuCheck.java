package dev.longspan.jmh.gpu;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@code gpu-check [--quick] [OUT]}: doctor, goldens, sweeps, repeats, compute-sanitizer and benchmarks on the CUDA backend within
 * nine minutes, or three, each in a process of its own; into {@code OUT/gpu-results.json}, {@code .md} and {@code gpu-check.log}.
 */
public final class GpuCheck {

    private static final double SECONDS = 525;
    private static final double QUICK_SECONDS = 170;
    /** Of the benchmarks' time what is kept for the problem that is being measured when it ends. */
    private static final double LAST_SECONDS = 20;
    private static final int SANITIZED = 99;
    static final String SWEEPS = ".*(Attention|Families|Gemm|Scan|TimestepNorm|Stream)Test";

    /** The folder of the bundle. */
    private static final String HOME = "longspan.home";

    /** What sweeps compare with. */
    private static final String REFERENCE = "longspan.test.reference";
    /** The path of compute-sanitizer; empty where there is none. */
    private static final String SANITIZER = "longspan.sanitizer";

    private final Options options;
    private final Report report;
    private final long end;

    private GpuCheck(Options options) throws IOException {
        this.options = options;
        end = System.nanoTime() + (long) (1e9 * (options.isQuick ? QUICK_SECONDS : SECONDS));
        Files.createDirectories(options.out);
        Files.createDirectories(options.out.resolve(Report.HOPPER));
        for (String stale : List.of("bench.json", "bench.md", "gpu-check.log", "hopper/bench.json", "hopper/bench.md")) {
            Files.deleteIfExists(options.out.resolve(stale));
        }
        report = new Report(options.out, facts(options));
    }

    /**
     * What the command line asks for. {@code --backend} and {@code --tiny} are for trying it without a GPU.
     *
     * @param schedule of the benchmarks: full, quick or tiny
     */
    record Options(Path out, boolean isQuick, String backend, String schedule) {

        /** Throws IllegalArgumentException naming what it does not know. */
        static Options of(String... arguments) {
            @Nullable Path out = null;
            boolean isQuick = false;
            boolean isTiny = false;
            String backend = "cuda";
            for (int i = 0; i < arguments.length; i++) {
                switch (arguments[i]) {
                    case "--quick" -> isQuick = true;
                    case "--tiny" -> isTiny = true;
                    case "--backend" -> {
                        if (i + 1 == arguments.length) {
                            throw new IllegalArgumentException("--backend needs a value");
                        }
                        backend = arguments[++i];
                    }
                    default -> {
                        if (out != null || arguments[i].startsWith("-")) {
                            throw new IllegalArgumentException("usage: gpu-check [--quick] [OUT]: argument=" + arguments[i]);
                        }
                        out = Path.of(arguments[i]);
                    }
                }
            }
            return new Options(out == null ? Path.of("gpu-results") : out, isQuick, backend,
                    isTiny ? "tiny" : isQuick ? "quick" : "full");
        }
    }

    /** Exit status 0, 1 where any check failed, 2 where the arguments are wrong. */
    public static void main(String[] args) throws IOException, InterruptedException {
        Options options;
        try {
            options = Options.of(args);
        } catch (IllegalArgumentException e) {
            System.err.println("error: " + e.getMessage());
            System.exit(2);
            return;
        }
        System.exit(new GpuCheck(options).run() ? 0 : 1);
    }

    private boolean run() throws IOException, InterruptedException {
        Path log = options.out.resolve("gpu-check.log");
        for (Part part : checks()) {
            note(part.run(left(), log));
        }
        String backend;
        try (Stream<String> lines = Files.lines(log)) {
            backend = lines.filter(line -> line.startsWith("Backend   " + options.backend)).findFirst().orElse("")
                    .replaceFirst("Backend +\\S+ +", "");
        }
        if (!backend.isEmpty()) {
            report.fact("backend", backend);
        }
        for (Part part : hopper()) {
            note(backend.contains("compute capability 9.0") ? part.run(left(), log) : part.skipped("needs compute capability 9.0"));
        }
        for (String tool : options.isQuick ? List.of("memcheck") : List.of("memcheck", "racecheck", "initcheck", "synccheck")) {
            Part part = sanitizer(tool);
            note(part.command().getFirst().isEmpty() ? part.skipped("there is no compute-sanitizer") : part.run(left(), log));
        }
        double seconds = left() - LAST_SECONDS;
        note(seconds < Part.LEAST_SECONDS ? bench(Part.LEAST_SECONDS).skipped("no time left")
                : bench(seconds).run(left(), log));
        IO.println("\n" + report.markdown() + "\n" + options.out.resolve("gpu-results.json"));
        return report.passed();
    }

    private void note(Part.Outcome outcome) throws IOException {
        report.add(outcome);
        IO.println(String.format(Locale.ROOT, "%-22s %-8s %4.0f s  %s", outcome.part().name(), outcome.status(), outcome.seconds(),
                outcome.detail()));
    }

    private double left() {
        return (end - System.nanoTime()) * 1e-9;
    }

    private List<Part> checks() {
        double share = options.isQuick ? 0.4 : 1;
        List<Part> parts = new ArrayList<>();
        parts.add(Part.of("doctor", 25, longspan("doctor")));
        Path goldens = Path.of(System.getProperty(HOME, "."), "goldens");
        for (String model : List.of("longnet", "megalodon", "rmt")) {
            parts.add(Part.of("verify " + model, 50 * share, longspan("verify", goldens.resolve(model).toString())));
        }
        parts.add(new Part("sweeps", sweeps(options.backend, SWEEPS), 80 * share, GpuCheck::saysNoTests, false));
        double repeats = 60 * share;
        parts.add(Part.of("repeats", repeats + 15, java("dev.longspan.jmh.Repeats", options.backend, "1000", Double.toString(repeats))));
        return parts;
    }

    /** A device is compared with the C++ backend, that one with the scalar kernels. */
    static List<String> sweeps(String backend, String classes) {
        List<String> command = java("org.junit.platform.console.ConsoleLauncher", "execute",
                "--select-package=dev.longspan.kernel." + backend, "--include-classname=" + classes, "--details=summary",
                "--disable-banner", "--disable-ansi-colors");
        if (!backend.equals("host")) {
            command.add(1, "-D" + REFERENCE + "=host");
        }
        return command;
    }

    /** The same attention by the kernel that only devices of compute capability 9.0 have: it is off until this has passed on one. */
    private List<Part> hopper() {
        double share = options.isQuick ? 0.4 : 1;
        double seconds = 45 * share;
        return List.of(
                asked(new Part("hopper sweeps", sweeps(options.backend, ".*AttentionTest"), 40 * share, GpuCheck::saysNoTests,
                        false)),
                asked(Part.of("hopper repeats", 30, java("dev.longspan.jmh.Repeats", options.backend, "1000", "10"))),
                asked(Part.of("hopper bench", seconds + 10, java("dev.longspan.jmh.DeviceBench",
                        options.out.resolve(Report.HOPPER).toString(), options.backend, Double.toString(seconds), "hopper"))));
    }

    private static Part asked(Part part) {
        List<String> command = new ArrayList<>(part.command());
        command.add(1, "-Dlongspan.cuda.hopper=true");
        return new Part(part.name(), command, part.seconds(), part.cannotRun(), part.isOptional());
    }

    private Part sanitizer(String tool) {
        List<String> command = new ArrayList<>(List.of(System.getProperty(SANITIZER, ""), "--tool", tool, "--error-exitcode",
                Integer.toString(SANITIZED)));
        command.addAll(java("dev.longspan.jmh.Repeats", options.backend, "1", "60"));
        return new Part(tool, command, 30, line -> line.contains("Device not supported") || line.contains("failed to initialize"),
                true);
    }

    private Part bench(double seconds) {
        return new Part("bench", java("dev.longspan.jmh.DeviceBench", options.out.toString(), options.backend,
                Double.toString(seconds), options.schedule), seconds + LAST_SECONDS, line -> line.startsWith("0 problems measured"),
                false);
    }

    private List<String> longspan(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--backend", options.backend));
        return java("dev.longspan.cli.Main", all.toArray(String[]::new));
    }

    private static boolean saysNoTests(String line) {
        return line.matches("\\[ +0 tests started +]");
    }

    /** Another JVM like this one. */
    private static List<String> java(String main, String... arguments) {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
        command.addAll(List.of(arguments));
        return command;
    }

    private static Map<String, String> facts(Options options) {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("gpu", line("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"));
        facts.put("commit", System.getProperty("longspan.commit", "unknown"));
        facts.put("command", "gpu-check" + (options.isQuick ? " --quick" : "") + (options.backend.equals("cuda") ? ""
                : " --backend " + options.backend) + (options.schedule.equals("tiny") ? " --tiny" : ""));
        facts.put("date", Instant.now().truncatedTo(ChronoUnit.MINUTES).toString());
        facts.put("java", System.getProperty("java.vm.version"));
        facts.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        return facts;
    }

    /** The first line that a command prints, or why there is none. */
    private static String line(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return text.lines().findFirst().orElse(command[0] + " printed nothing");
        } catch (IOException e) {
            return "no " + command[0] + " here";
        }
    }
}
