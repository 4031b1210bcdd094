package dev.longspan.jmh;

import dev.longspan.backend.Backend;
import dev.longspan.bench.Median;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * {@code gpu-check}'s benchmarks: problems of a {@link Schedule} on one backend beside PyTorch on the device, the most telling
 * first, until the time is over; into {@code OUT/bench.json} and {@code .md} after each.
 */
final class DeviceBench {

    /** Of what is copied to learn what memory gives: beyond every cache. */
    private static final long COPIED_BYTES = 1L << 30;
    private static final int COPIES = 5;
    /** Of bfloat16 our error may be so many times the largest of PyTorch's. */
    private static final double WORSE = 2;
    /** Less than this is left: no further problem is begun. */
    private static final double LEAST_SECONDS = 12;

    private final Backend backend;
    private final Map<String, List<Row>> rows = new LinkedHashMap<>();
    /** What was not measured and why, by family; of PyTorch alone under no name. */
    private final Map<String, Map<String, String>> absent = new LinkedHashMap<>();
    private final Map<String, String> versions = new LinkedHashMap<>();
    private boolean passed = true;

    private DeviceBench(Backend backend) {
        this.backend = backend;
    }

    /** {@code OUT BACKEND SECONDS full|quick|tiny}; exit status 1 where an answer of ours is wrong or less exact than it must be. */
    public static void main(String[] args) throws IOException {
        System.exit(run(args) ? 0 : 1);
    }

    static boolean run(String... args) throws IOException {
        long end = System.nanoTime() + (long) (1e9 * Double.parseDouble(args[2]));
        Schedule schedule = Schedule.valueOf(args[3].toUpperCase(Locale.ROOT));
        DeviceBench bench = new DeviceBench(Backend.named(args[1]));
        bench.run(Path.of(args[0]), schedule, end);
        return bench.passed;
    }

    private void run(Path folder, Schedule schedule, long end) throws IOException {
        try (TorchPeer torch = new TorchPeer(backend.space().isHost() ? "cpu" : "cuda")) {
            boolean hasTorch = isThere(torch);
            Limits limits = new Limits(hasTorch ? torch.gigaflops() : 0,
                    copied(schedule == Schedule.TINY ? 1 << 20 : COPIED_BYTES), Double.NaN);
            List<Schedule.Item> left = new ArrayList<>(schedule.items());
            while (!left.isEmpty() && (end - System.nanoTime()) * 1e-9 > LEAST_SECONDS) {
                measure(left.removeFirst(), hasTorch ? torch : null);
                write(folder, limits);
            }
            left.forEach(item -> note(item.family(), item.problem(), "no time left"));
            write(folder, limits);
            IO.println(rows.values().stream().mapToInt(List::size).sum() + " problems measured, " + left.size()
                    + " skipped: no time left" + (passed ? "" : "; answers of ours were wrong or failed"));
        }
    }

    private boolean isThere(TorchPeer torch) {
        try {
            versions.put(torch.name(), torch.version());
            return true;
        } catch (UnsupportedOperationException e) {
            note("", torch.name(), String.valueOf(e.getMessage()));
            return false;
        }
    }

    private void measure(Schedule.Item item, @Nullable TorchPeer torch) {
        try (Problem problem = Family.of(item.family()).open().apply(item.problem())) {
            Map<String, Side> sides = new LinkedHashMap<>();
            sides.put(backend.name(), problem.on(backend, Parallel.of(1)));
            BiConsumer<String, String> refused = (side, why) -> {
                note(item.family(), side + " at " + problem.name(), why);
                passed &= !side.equals(backend.name());
            };
            if (torch != null) {
                Turns.attempt(torch.name(), () -> sides.putAll(torch.sides(problem.task(), 1)), refused);
            }
            Row row = Turns.measure(problem, sides, Turns.Pace.OF_DEVICE, refused);
            IO.println(Markdown.of(row));
            rows.computeIfAbsent(item.family(), family -> new ArrayList<>()).add(row);
            passed &= isGood(item.family(), row);
        } catch (RuntimeException | LinkageError e) {
            // One problem that fails hides no other's figures.
            passed = false;
            note(item.family(), item.problem(), "failed: " + e);
        }
    }

    private void note(String family, String what, String why) {
        absent.computeIfAbsent(family, f -> new LinkedHashMap<>()).put(what, why);
        IO.println(family + " " + what + ": " + why);
    }

    private boolean isGood(String family, Row row) {
        boolean isRight = !row.results().isEmpty() && row.first().side().equals(backend.name()) && row.first().isRight();
        double peers = row.results().stream().skip(1).filter(Row.Result::isRight).mapToDouble(DeviceBench::share).max()
                .orElse(Double.POSITIVE_INFINITY);
        if (isRight && row.problem().endsWith("bf16") && share(row.first()) > WORSE * peers) {
            note(family, row.problem(), "our error is over " + WORSE + " times PyTorch's");
            return false;
        }
        return isRight;
    }

    private static double share(Row.Result result) {
        return result.deviation().error() / result.deviation().bound();
    }

    /** 10^9 bytes a second read and written by copying. */
    private double copied(long bytes) {
        try (TensorArena arena = new TensorArena(backend.space()); Clock clock = Clock.of(backend)) {
            Tensor from = arena.allocate(DType.F32, bytes / Float.BYTES);
            Tensor to = arena.allocate(DType.F32, bytes / Float.BYTES);
            double[] seconds = new double[COPIES];
            for (int i = 0; i < COPIES; i++) {
                seconds[i] = clock.seconds(() -> to.copyFrom(from));
            }
            return 2e-9 * bytes / Median.of(seconds);
        }
    }

    private void write(Path folder, Limits limits) throws IOException {
        List<Run> runs = new ArrayList<>();
        for (String family : Family.names()) {
            Map<String, String> notes = new LinkedHashMap<>(absent.getOrDefault("", Map.of()));
            notes.putAll(absent.getOrDefault(family, Map.of()));
            if (rows.containsKey(family) || absent.containsKey(family)) {
                runs.add(new Run(family, 0, Map.of(), limits, versions, notes, rows.getOrDefault(family, List.of())));
            }
        }
        new Results(Map.of(), runs).write(folder, "bench");
    }
}
