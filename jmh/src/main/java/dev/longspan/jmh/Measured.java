package dev.longspan.jmh;

import dev.longspan.bench.Deviation;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
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

/** A family under JMH: one problem on one side, its answer checked first. Subclasses list problems and open them. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public abstract class Measured {

    /** A backend of this library, or a peer: {@code -p side=PyTorch}. */
    @Param("vector")
    public String side = "";
    @Param("1")
    public int threads;

    private Peers peers;
    private Problem problem;
    private Side run;

    /** The problem that JMH's parameter names. */
    abstract Problem open();

    @Setup
    public void setUp() {
        peers = Peers.find();
        problem = open();
        Map<String, Side> own = problem.own(threads);
        run = own.containsKey(side) ? own.get(side)
                : peers.side(side, problem.task(), threads).orElseThrow(() -> new UnsupportedOperationException(side
                        + " has nothing for " + problem.name() + ": absent=" + peers.absent()));
        Deviation deviation = Turns.deviation(problem, run);
        if (!deviation.isWithin()) {
            throw new IllegalStateException("wrong answer of " + side + " to " + problem.name() + ": " + deviation);
        }
    }

    /** What the parameter {@code problem} of a family can be. */
    static List<String> problems(Class<? extends Measured> family) {
        try {
            return List.of(family.getField("problem").getAnnotation(Param.class).value());
        } catch (NoSuchFieldException e) {
            throw new IllegalArgumentException("a family must have a parameter problem: family=" + family, e);
        }
    }

    @Benchmark
    public double run() {
        return run.seconds(1);
    }

    @TearDown
    public void close() {
        run.close();
        problem.close();
        peers.close();
    }
}
