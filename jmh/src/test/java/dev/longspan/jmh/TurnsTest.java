package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PrimitiveIterator;
import java.util.function.UnaryOperator;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class TurnsTest {

    /** A side that takes no time, however long it says it ran. */
    private record Pretended(String name, double seconds, Runnable answers, List<String> log) implements Side {

        @Override
        public double seconds(int times) {
            log.add(name);
            return seconds * times;
        }

        @Override
        public void answer() {
            answers.run();
        }

        @Override
        public void close() {
            log.add("close " + name);
        }
    }

    private final List<String> log = new ArrayList<>();
    private final List<String> refused = new ArrayList<>();

    /** A right side, and a second whose answer is the given one. */
    private Row measure(UnaryOperator<Runnable> second) {
        return measure(second, Turns.Pace.ofJvm(1));
    }

    private Row measure(UnaryOperator<Runnable> second, Turns.Pace pace) {
        try (Problem problem = Family.of("gemm").open().apply("nt 8");
                Side own = problem.on(Backend.named("scalar"), Parallel.of(1))) {
            Map<String, Side> sides = new LinkedHashMap<>();
            sides.put("first", new Pretended("first", 0.5, own::answer, log));
            sides.put("second", new Pretended("second", 0.25, second.apply(own::answer), log));
            return Turns.measure(problem, sides, pace, (name, why) -> refused.add(name + ": " + why));
        }
    }

    @Test
    void sidesTakeTurns() {
        Row row = measure(right -> right);
        assertThat(row.passed()).isTrue();
        assertThat(row.ratio(row.results().get(1))).isEqualTo(0.5);
        assertThat(row.first().samples()).isGreaterThanOrEqualTo(5);
        assertThat(log).endsWith("first", "second", "first", "second", "close first", "close second");
    }

    @Test
    void figuresAreOfOneStep() {
        try (Problem problem = Family.of("models").open().apply("megalodon-small decode");
                Side own = problem.on(Backend.named("scalar"), Parallel.of(1))) {
            Side side = new Pretended("side", 0.5 * problem.steps(), own::answer, log);
            Row row = Turns.measure(problem, Map.of("side", side), Turns.Pace.ofJvm(1), (name, why) -> { });
            assertThat(row.first().seconds()).isEqualTo(0.5);
            assertThat(row.gigabytes()).isCloseTo(4 * 3.7e6 * 1e-9, within(2e-3));
        }
    }

    @Test
    void sidesOfSeveralThreadsRestBeforeEachTurn() {
        assertThat(Turns.Pace.ofJvm(1).restSeconds()).isZero();
        assertThat(Turns.Pace.ofJvm(2).restSeconds()).isGreaterThan(0.1);
        long begin = System.nanoTime();
        measure(right -> right, new Turns.Pace(0, 0, 0.02));
        long turns = log.stream().filter(line -> !line.startsWith("close")).count();
        assertThat(System.nanoTime() - begin).isGreaterThan((long) (turns * 0.02e9));
    }

    @Test
    void samplesBeforeACompilerWasDoneDoNotCount() {
        assertThat(ofRuns(DoubleStream.concat(DoubleStream.of(3), DoubleStream.generate(() -> 0.1))).seconds()).isEqualTo(0.1);
    }

    @Test
    void longRunsHaveThreeSamplesBehindOneThatDoesNotCountAndTheLongestIsTheOnlyOne() {
        Row.Result four = ofRuns(DoubleStream.of(7.8, 7.5, 6, 7));
        assertThat(four.samples()).isEqualTo(3);
        assertThat(four.seconds()).isEqualTo(7);
        Row.Result one = ofRuns(DoubleStream.of(9));
        assertThat(one.samples()).isEqualTo(1);
        assertThat(one.seconds()).isEqualTo(9);
    }

    /** What is measured of a right side whose runs, one after the other, say that they took so long. */
    private static Row.Result ofRuns(DoubleStream seconds) {
        PrimitiveIterator.OfDouble next = seconds.iterator();
        try (Problem problem = Family.of("gemm").open().apply("nt 8");
                Side own = problem.on(Backend.named("scalar"), Parallel.of(1))) {
            return Turns.measure(problem, Map.of("long", new Side() {
                @Override
                public double seconds(int runs) {
                    return next.nextDouble() * runs;
                }

                @Override
                public void answer() {
                    own.answer();
                }

                @Override
                public void close() {
                }
            }), Turns.Pace.ofJvm(1), (name, why) -> { }).first();
        }
    }

    @Test
    void aSideThatAnswersNothingIsNotTimed() {
        Row row = measure(right -> () -> { });
        assertThat(row.passed()).isFalse();
        assertThat(row.results().get(1).isRight()).isFalse();
        assertThat(row.results().get(1).seconds()).isNaN();
        assertThat(row.ratio(row.results().get(1))).isNaN();
        assertThat(log).doesNotContain("second").contains("close second");
    }

    @Test
    void aSideThatCannotRunIsLeftOutAndNamed() {
        Row row = measure(right -> () -> {
            throw new UnsupportedOperationException("too large");
        });
        assertThat(row.results()).extracting(Row.Result::side).containsExactly("first");
        assertThat(refused).containsExactly("second: too large");
        assertThat(log).contains("close second");
    }

    @Test
    void aSideThatFailsInItsTurnOrWhenClosedTakesNoOtherWithIt() {
        try (Problem problem = Family.of("gemm").open().apply("nt 8");
                Side own = problem.on(Backend.named("scalar"), Parallel.of(1))) {
            Map<String, Side> sides = new LinkedHashMap<>();
            sides.put("failing", new Side() {
                private int runs;

                @Override
                public double seconds(int times) {
                    if (++runs == 3) {
                        throw new IllegalStateException("dead");
                    }
                    return 1;
                }

                @Override
                public void answer() {
                    own.answer();
                }

                @Override
                public void close() {
                    throw new IllegalStateException("dead for good");
                }
            });
            sides.put("right", new Pretended("right", 0.5, own::answer, log));
            Row row = Turns.measure(problem, sides, Turns.Pace.ofJvm(1), (name, why) -> refused.add(name + ": " + why));
            assertThat(row.results()).extracting(Row.Result::side).containsExactly("right");
            assertThat(row.first().seconds()).isEqualTo(0.5);
            assertThat(refused).containsExactly("failing: java.lang.IllegalStateException: dead",
                    "failing: java.lang.IllegalStateException: dead for good");
            assertThat(log).endsWith("close right");
        }
    }
}
