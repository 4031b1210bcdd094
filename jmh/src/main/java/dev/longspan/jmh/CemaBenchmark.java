package dev.longspan.jmh;

import dev.longspan.backend.Backend;
import dev.longspan.bench.CemaProblem;
import dev.longspan.bench.CemaRun;
import dev.longspan.bench.Comparison;
import dev.longspan.parallel.Parallel;
import java.util.LinkedHashMap;
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

/** CEMA of 512 channels and 16 modes on one thread: forward, forward and backward, and a C loop forward. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class CemaBenchmark {

    private static final int CHANNELS = 512;
    private static final int MODES = 16;

    @Param({"2048", "65536"})
    public long rows;
    @Param({"vector", "vector fwd+bwd", "C"})
    public String side = "";

    private CemaProblem problem;
    private Comparison.Run run;

    @Setup
    public void setUp() {
        problem = new CemaProblem(rows, CHANNELS, MODES);
        run = sides(problem).get(side).get();
        run.seconds();
        Checks.passed(run);
    }

    @Benchmark
    public double cema() {
        return run.seconds();
    }

    @TearDown
    public void close() {
        run.close();
        problem.close();
    }

    /** Each length, with its sides in turns. */
    static void compare(Table table) {
        for (long rows : new long[] {2048, 65_536}) {
            try (CemaProblem problem = new CemaProblem(rows, CHANNELS, MODES)) {
                Map<String, Supplier<Comparison.Run>> sides = sides(problem);
                if (CLibrary.absent() != null) {
                    sides.remove("C");
                    table.absent("C", CLibrary.absent());
                }
                table.add(Comparison.of("CEMA L=" + rows + " D=" + CHANNELS + " n=" + MODES + ", 1 thread",
                        CemaProblem.gigaflop(rows, CHANNELS, MODES, false), 0, sides));
            }
        }
    }

    private static Map<String, Supplier<Comparison.Run>> sides(CemaProblem problem) {
        Backend vector = Backend.named("vector");
        Parallel one = Parallel.of(1);
        Map<String, Supplier<Comparison.Run>> sides = new LinkedHashMap<>();
        sides.put("vector", () -> new CemaRun(vector, one, problem, false));
        sides.put("C", () -> new CemaPeer(problem));
        sides.put("vector fwd+bwd", () -> new CemaRun(vector, one, problem, true));
        return sides;
    }
}
