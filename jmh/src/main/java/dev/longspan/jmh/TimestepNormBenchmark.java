package dev.longspan.jmh;

import dev.longspan.backend.Backend;
import dev.longspan.bench.Comparison;
import dev.longspan.bench.TimestepNormProblem;
import dev.longspan.bench.TimestepNormRun;
import dev.longspan.parallel.Parallel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Timestep norms of 2048 rows of the released sizes on one thread, beside a C loop. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class TimestepNormBenchmark {

    private static final int ROWS = 2048;

    /** Channels and groups. */
    @Param({"512/32", "1024/32", "2048/32", "4096/64"})
    public String size = "";
    @Param({"vector", "C"})
    public String side = "";

    private TimestepNormProblem problem;
    private Comparison.Run run;

    @Setup
    public void setUp() {
        problem = problem(size);
        run = sides(problem).get(side).get();
        run.seconds();
        Checks.passed(run);
    }

    @Benchmark
    public double timestepNorm() {
        return run.seconds();
    }

    @TearDown
    public void close() {
        run.close();
        problem.close();
    }

    /** Each size, with its sides in turns. */
    static void compare(Table table) {
        for (String size : List.of("512/32", "1024/32", "2048/32", "4096/64")) {
            try (TimestepNormProblem problem = problem(size)) {
                Map<String, Supplier<Comparison.Run>> sides = sides(problem);
                if (CLibrary.absent() != null) {
                    sides.remove("C");
                    table.absent("C", CLibrary.absent());
                }
                table.add(Comparison.of("timestep norm L=" + ROWS + " D=" + size + ", 1 thread", 0,
                        TimestepNormProblem.gigabytes(ROWS, Math.toIntExact(problem.x.size(2))), sides));
            }
        }
    }

    private static TimestepNormProblem problem(String size) {
        String[] parts = size.split("/", -1);
        return new TimestepNormProblem(ROWS, Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
    }

    private static Map<String, Supplier<Comparison.Run>> sides(TimestepNormProblem problem) {
        Map<String, Supplier<Comparison.Run>> sides = new LinkedHashMap<>();
        sides.put("vector", () -> new TimestepNormRun(Backend.named("vector"), Parallel.of(1), problem));
        sides.put("C", () -> new TimestepNormPeer(problem));
        return sides;
    }
}
