package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.bench.Deviation;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Figures of made-up runs on a machine that multiplies 100 GFLOP/s and reads 10 GB/s. */
class GoalTest {

    private static Row.Result side(String name, double seconds, long memory) {
        return new Row.Result(name, "", seconds, seconds, 5, memory, new Deviation(1e-7, 1e-6));
    }

    private static Row row(String problem, double gigaflop, double gigabytes, Row.Result... sides) {
        return new Row(problem, gigaflop, gigabytes, List.of(sides));
    }

    private static Run run(String family, int threads, double gigabytes, Row... rows) {
        return new Run(family, threads, Map.of(), new Limits(100, gigabytes, 10), Map.of(), Map.of(), List.of(rows));
    }

    /** What the goals about that work reached, in order, as {@code side value}. */
    private static List<String> reached(String work, int threads, Run... runs) {
        Results results = new Results(Map.of(), List.of(runs));
        return Goals.ALL.stream().filter(goal -> goal.work().equals(work))
                .flatMap(goal -> goal.figures(results, threads).stream()
                .map(f -> f.side() + " " + f.value() + (goal.isReached(f.value()) ? "" : " short"))).toList();
    }

    @Test
    void aRatioIsTakenForEverySideOfOurs() {
        Row row = row("causal N=2048 H=2 D=64 fwd", 1, 0, side("vector", 2, 0), side("host", 1, 0),
                side("PyTorch", 2, 0));
        assertThat(reached("causal attention, D=64", 1, run("attention", 1, 10, row)))
                .containsExactly("vector 1.0 short", "host 2.0");
        assertThat(Goals.must("attention", row, row.results().getLast())).hasValue(1.25);
        assertThat(Goals.must("attention", row, row.first())).isEmpty();
    }

    @Test
    void productsAreJudgedOnWeightsThatWerePackedBefore() {
        Row row = row("512 x 512 x 512 nt", 1, 0, side("vector", 4, 0), side("vector packed", 2, 0),
                side("host packed", 1, 0), side("PyTorch", 1, 0));
        assertThat(reached("product, weights packed once, 512 and 1024", 1, run("gemm", 1, 10, row)))
                .containsExactly("vector packed 0.5 short", "host packed 1.0");
    }

    @Test
    void aWrongPeerSetsNoFigure() {
        Row.Result wrong = new Row.Result("PyTorch", "", Double.NaN, Double.NaN, 0, 0, new Deviation(1, 1e-6));
        assertThat(reached("causal attention, D=64", 1, run("attention", 1, 10,
                row("causal N=2048 H=2 D=64 fwd", 1, 0, side("vector", 2, 0), wrong)))).isEmpty();
    }

    @Test
    void memoryAndTimeMustStayBelow() {
        assertThat(reached("dilated attention, peak memory", 1, run("dilated-attention", 1, 10,
                row("dilated N=131072 H=8 D=64 fwd", 1, 0, side("vector", 1, 600), side("PyTorch", 1, 1000)))))
                .containsExactly("vector 0.6 short");
        assertThat(reached("CEMA, 2K and 64K", 1, run("cema", 1, 10,
                row("L=2048 D=512 n=16 fwd", 1, 0, side("vector", 1.25, 0), side("C", 1, 0)))))
                        .containsExactly("vector 1.25");
    }

    @Test
    void errorsAreHeldAgainstThePeersByTheirBounds() {
        Row.Result ours = new Row.Result("host", "", 1, 1, 5, 0, new Deviation(8e-7, 2e-6));
        Row.Result exact = new Row.Result("PyTorch", "", 1, 1, 5, 0, new Deviation(0, 1e-6));
        assertThat(reached("error, cema", 1, run("cema", 1, 10, row("a", 1, 0, ours, side("PyTorch", 1, 0)),
                row("b", 1, 0, side("host", 1, 0), side("PyTorch", 1, 0)), row("c", 1, 0, ours, exact))))
                .containsExactly("host 4.0 short", "host 1.0");
    }

    @Test
    void sharesAreOfWhatTheMachineGave() {
        assertThat(reached("MEGALODON 3.7M, 8K, forward", 1, run("models", 1, 10,
                row("megalodon-small forward 8192", 140, 0, side("vector", 2, 0))))).containsExactly("vector 0.7");
        assertThat(reached("decode of 220M parameters", 1, run("models", 1, 10,
                row("llama-200M decode", 1, 8, side("mixed", 2, 0))))).containsExactly("mixed 0.4 short");
    }

    @Test
    void manyThreadsAreHeldAgainstOneAndAgainstWhatMemoryGains() {
        Run two = run(Family.THREADS, 2, 15, row("1024 x 1024 x 1024 nt", 1, 0, side("vector", 1, 0),
                side("vector on 1 thread", 1.875, 0)),
                row("1 x 32000 x 1024 nt", 0, 1, side("vector", 1, 0), side("vector on 1 thread", 1.5, 0)));
        assertThat(reached("2 threads, bound by arithmetic", 2, two)).containsExactly("vector 1.875 short");
        assertThat(reached("2 threads, bound by memory", 2, two)).containsExactly("vector 1.0");
    }

    @Test
    void tokensOfAMillionAreHeldAgainstThoseOfFew() {
        assertThat(reached("LongNet's attention, a token at 1M", 1, run("long", 1, 10,
                row("dilated N=32768 H=8 D=64 fwd", 1, 0, side("vector", 1, 0)),
                row("dilated N=1048576 H=8 D=64 fwd", 1, 0, side("vector", 40, 0)))))
                        .containsExactly("vector 1.25 short");
    }
}
