package dev.longspan.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.kernel.AttentionPattern;
import dev.longspan.kernel.AttentionPlan;
import dev.longspan.kernel.Documents;
import dev.longspan.kernel.Dropout;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which calls go to cuDNN, what becomes of its output, and how long its plans live: with plans of this test's own. */
@OnTheEmulatedDevice
final class CudnnForwardTest {

    private static final Parallel ONE = Parallel.of(1);
    private static final AttentionPlan DENSE = AttentionPlan.dense(0.125);

    private final CudaSpace space = CudaSpace.of(EmulatedDevice.space().device());
    private final TensorArena arena = new TensorArena(space);
    private final List<CudnnProblem> compiled = new ArrayList<>();
    private final List<CudnnProblem> closed = new ArrayList<>();

    @AfterEach
    void free() {
        arena.close();
    }

    /** Gives 2 everywhere, with a log-sum-exp of 0. */
    private record Twos(CudaSpace space, CudnnProblem problem, List<CudnnProblem> closed) implements CudnnPlan {
        @Override
        public long workspaceBytes() {
            return 256;
        }

        @Override
        public void execute(long stream, CudnnData data) {
            long rows = problem.q().batch() * problem.q().heads() * problem.q().rows();
            space.fill(data.out(), Short.BYTES, 0x4000, rows * problem.v().cols());
            space.fill(data.lse(), Float.BYTES, 0, rows);
        }

        @Override
        public void close() {
            closed.add(problem);
        }
    }

    private CudnnPlan twos(CudnnProblem problem) {
        compiled.add(problem);
        return new Twos(space, problem, closed);
    }

    private Tensor half(long... shape) {
        return arena.allocate(DType.BF16, shape).fill(0.5);
    }

    @Test
    void whatCudnnGivesIsMergedWithEarlierKeys() {
        CudaAttention attention = new CudaAttention(space, new CudnnForward(space, this::twos));
        Tensor q = half(2, 3, 2, 64);
        Tensor out = arena.allocate(DType.BF16, 2, 3, 2, 128);
        Tensor lse = arena.allocate(DType.F32, 2, 2, 3).fill(Double.NEGATIVE_INFINITY);
        attention.forward(ONE, DENSE, q, half(2, 5, 2, 64), half(2, 5, 2, 128), out, lse);
        assertThat(out.toDoubles()).containsOnly(2);
        assertThat(lse.toDoubles()).containsOnly(0);
        out.fill(1);
        lse.fill(Math.log(3));
        attention.forward(ONE, DENSE, q, half(2, 5, 2, 64), half(2, 5, 2, 128), out, lse);
        assertThat(out.toDoubles()).as("(3 · 1 + 1 · 2) / 4").containsOnly(1.25);
        assertThat(lse.toFloats()).containsOnly((float) Math.log(4));
        assertThat(compiled).hasSize(1);
    }

    @Test
    void callsThatCudnnDoesNotCoverOrRefusesRunByOurKernels() {
        Function<CudnnProblem, CudnnPlan> refusing = problem -> {
            compiled.add(problem);
            throw new UnsupportedOperationException("no kernel");
        };
        CudaAttention attention = new CudaAttention(space, new CudnnForward(space, refusing));
        for (int call = 0; call < 2; call++) {
            for (DType dtype : List.of(DType.BF16, DType.F32)) {
                Tensor q = arena.allocate(dtype, 1, 2, 1, 64);
                Tensor v = arena.allocate(dtype, 1, 4, 1, 64).fill(3);
                Tensor out = arena.allocate(dtype, 1, 2, 1, 64);
                Tensor lse = arena.allocate(DType.F32, 1, 1, 2).fill(Double.NEGATIVE_INFINITY);
                attention.forward(ONE, DENSE, q, v, v, out, lse);
                assertThat(out.toDoubles()).containsOnly(3);
                assertThat(lse.toFloats()).containsOnly((float) Math.log(4));
            }
        }
        assertThat(compiled).as("a refusal is remembered").hasSize(1);
    }

    @Test
    void coversDenseHalvesWithHeadsOf64Or128AndNothingHidden() {
        Tensor q = half(2, 6, 3, 64);
        Tensor k = half(2, 9, 3, 64);
        Tensor v = half(2, 9, 3, 128);
        assertThat(CudnnForward.problem(DENSE, q, k, v)).contains(new CudnnProblem(CudnnLayout.ofTokens(2, 6, 3, 64),
                CudnnLayout.ofTokens(2, 9, 3, 64), CudnnLayout.ofTokens(2, 9, 3, 128), CudnnLayout.ofTokens(2, 6, 3, 128), 0.125f,
                OptionalInt.empty(), true));
        assertThat(CudnnForward.problem(AttentionPlan.causal(1).withFirstQuery(3), q, k, v).orElseThrow().firstQuery()).hasValue(3);
        Tensor wide = half(1, 6, 5, 72);
        assertThat(CudnnForward.problem(DENSE, q.slice(0, 0, 1), wide.slice(2, 1, 4).slice(3, 8, 72), v.slice(0, 0, 1).slice(1, 0, 6))
                .orElseThrow().k()).isEqualTo(new CudnnLayout(1, 3, 6, 64, 2160, 72, 360));
        for (AttentionPlan plan : List.of(DENSE.withDropout(new Dropout(0.1, 1, 1)), DENSE.withDocuments(Documents.of(new long[] {0, 4})),
                AttentionPlan.of(new AttentionPattern.Chunked(4), true, 1), AttentionPlan.causal(1).withBlockwise(4),
                DENSE.withMask(arena.allocate(DType.U8, 1, 1, 9)))) {
            assertThat(CudnnForward.problem(plan, q, k, v)).as("%s", plan).isEmpty();
        }
        assertThat(CudnnForward.problem(DENSE, q.slice(1, 0, 1), k, v)).as("one query").isEmpty();
        assertThat(CudnnForward.problem(DENSE, q, k.slice(1, 0, 0), v.slice(1, 0, 0))).as("no keys").isEmpty();
        assertThat(CudnnForward.problem(DENSE, half(2, 6, 3, 32), half(2, 9, 3, 32), v)).as("32 dimensions").isEmpty();
        assertThat(CudnnForward.problem(DENSE, q, half(2, 9, 3, 68).slice(3, 0, 64), v)).as("rows of 136 bytes").isEmpty();
        assertThat(CudnnForward.problem(DENSE, q, half(2, 9, 3, 72).slice(3, 1, 65), v)).as("at 2 bytes").isEmpty();
    }

    @Test
    void theLatestPlansAreKeptAndOthersClosed() {
        CudnnPlans plans = new CudnnPlans(space.stream(), 2, this::twos);
        List<CudnnProblem> problems = List.of(problem(2), problem(3), problem(4));
        CudnnPlan first = plans.get(problems.get(0));
        plans.get(problems.get(1));
        assertThat(plans.get(problems.get(0))).isSameAs(first);
        plans.get(problems.get(2));
        assertThat(compiled).isEqualTo(problems);
        assertThat(closed).containsExactly(problems.get(1));
    }

    @Test
    void aPlanInAGraphStaysAndNoneIsCompiledForOne() {
        CudnnPlans plans = new CudnnPlans(space.stream(), 1, this::twos);
        plans.get(problem(2));
        try (CudaGraph graph = CudaGraph.record(space, () -> {
            assertThat(plans.get(problem(2))).isNotNull();
            assertThat(plans.get(problem(3))).isNull();
        })) {
            graph.launch();
        }
        plans.get(problem(3));
        plans.get(problem(4));
        assertThat(closed).containsExactly(problem(3));
        assertThat(plans.get(problem(2))).isNotNull();
    }

    private static CudnnProblem problem(long tokens) {
        CudnnLayout layout = CudnnLayout.ofTokens(1, tokens, 1, 64);
        return new CudnnProblem(layout, layout, layout, layout, 1, OptionalInt.empty(), true);
    }

    @Test
    void theLogSaysOnceThatTheCudnnAskedForIsNotThere() {
        List<String> logged = new ArrayList<>();
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                logged.add(line.getMessage());
            }

            @Override
            public void flush() {
            }

            @Override
            public void close() {
            }
        };
        Logger logger = Logger.getLogger("dev.longspan.kernel.cuda");
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        try {
            assertThat(CudaKernels.on(space).detail()).contains("cuDNN");
            assertThat(logged).isEmpty();
            System.setProperty(CudaKernels.ATTENTION, "cudnn");
            assertThat(CudaKernels.on(space).detail()).doesNotContain("for dense attention");
            assertThat(logged).singleElement().asString().startsWith("-Dlongspan.cuda.attention=cudnn is ignored, this library's own "
                    + "attention runs: ");
            System.setProperty(CudaKernels.ATTENTION, "mine");
            assertThatThrownBy(() -> CudaKernels.on(space)).isInstanceOf(UnsupportedOperationException.class)
                    .hasMessage("longspan.cuda.attention must be own or cudnn: longspan.cuda.attention=mine");
        } finally {
            System.clearProperty(CudaKernels.ATTENTION);
            logger.setUseParentHandlers(true);
            logger.removeHandler(handler);
        }
    }
}
