package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
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
        double[] next = {3};
        try (Problem problem = Family.of("gemm").open().apply("nt 8");
                Side own = problem.on(Backend.named("scalar"), Parallel.of(1))) {
            Side late = new Side() {
                @Override
                public double seconds(int runs) {
                    double seconds = next[0];
                    next[0] = 0.1;
                    return seconds * runs;
                }

                @Override
                public void answer() {
                    own.answer();
                }

                @Override
                public void close() {
                }
            };
            assertThat(Turns.measure(problem, Map.of("late", late), Turns.Pace.ofJvm(1), (name, why) -> { }).first().seconds()).isEqualTo(0.1);
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
}
