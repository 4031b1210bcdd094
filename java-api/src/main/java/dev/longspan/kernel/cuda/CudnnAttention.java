package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cudnn.Cudnn;
import dev.longspan.kernel.cuda.CudnnGraph.Place;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Dense attention forward by one fused kernel of cuDNN's, compiled for one {@link CudnnProblem} and executed many
 * times: an alternative to this library's own kernels, and never a need.
 *
 * <p>The graph API's single operation for attention has no causal flag. It has a place between scores and softmax for
 * a graph of its own, and there stands one DIAGONAL_BAND_MASK: it keeps a score where {@code query + shift >= key} and
 * otherwise selects -inf. Log-sum-exps are natural logarithms.
 *
 * <p>What cuDNN 9.24 plans, full and causal alike, found with {@link CudnnDevice}: planning and compiling, not running.
 * <ul>
 * <li>sm_90: a flash kernel on wgmma up to dimension 256, with a workspace of 256 bytes; beyond, and for a single query,
 *     sm_80's;
 * <li>sm_80, 86, 89 and 120: a flash kernel on wmma, no workspace; sm_100: kernels of its own; sm_75: none;
 * <li>dimensions are multiples of 8, those of keys and of values apart, 256 and 2,048 included; tokens fewer than 2^31;
 * <li>the mask is compiled in, strides are not: a dilated branch has the very kernel of contiguous tokens;
 * <li>compiling takes 0.5 to 2 seconds (sm_100: 2 to 6): a plan is to be kept;
 * <li>it plans strides of 65 elements, an {@code out} that overlaps itself and a million items in a batch without a
 *     word: {@link CudnnLayout} and {@link CudnnProblem} refuse those.
 * </ul>
 */
final class CudnnAttention implements CudnnPlan {

    // Tensors of the graph, by which data are bound.
    private static final long Q = 1;
    private static final long K = 2;
    private static final long V = 3;
    private static final long OUT = 4;
    private static final long LSE = 5;
    private static final long SCALE = 6;
    private static final long HIDDEN = 7;
    private static final long SHIFT = 8;
    private static final long SCORES = 9;
    private static final long MASKED = 10;

    private final CudnnTarget target;
    private final CudnnProblem problem;
    private final CudnnGraph graph;
    private final CudnnDescriptor plan;
    private final long workspaceBytes;
    private final Arena values;
    private final MemorySegment scale;
    private final MemorySegment hidden;
    private final MemorySegment shift;

    private CudnnAttention(CudnnTarget target, CudnnProblem problem, CudnnGraph graph, CudnnDescriptor plan) {
        this.target = target;
        this.problem = problem;
        this.graph = graph;
        this.plan = plan;
        workspaceBytes = plan.number(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE());
        values = Arena.ofShared();
        scale = values.allocateFrom(ValueLayout.JAVA_FLOAT, problem.scale());
        hidden = values.allocateFrom(ValueLayout.JAVA_FLOAT, Float.NEGATIVE_INFINITY);
        shift = values.allocateFrom(ValueLayout.JAVA_INT, problem.firstQuery().orElse(0));
    }

    /**
     * Compiles a kernel. Throws UnsupportedOperationException where cuDNN has none for the problem on the target, and
     * {@link CudnnException} where it fails otherwise.
     */
    static CudnnAttention plan(CudnnTarget target, CudnnProblem problem) {
        CudnnGraph graph = new CudnnGraph();
        try {
            return new CudnnAttention(target, problem, graph, graph.plan(target, operation(graph, problem)));
        } catch (RuntimeException e) {
            graph.close();
            throw e;
        }
    }

    private static CudnnDescriptor operation(CudnnGraph graph, CudnnProblem problem) {
        CudnnDescriptor attention = graph.create("attention", Cudnn.CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR())
                .set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC(), tensor(graph, "q", Q, problem.q()))
                .set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC(), tensor(graph, "k", K, problem.k()))
                .set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC(), tensor(graph, "v", V, problem.v()))
                .set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC(), tensor(graph, "out", OUT, problem.out()))
                .set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC(),
                        graph.scalar("scale", SCALE, Cudnn.CUDNN_DATA_FLOAT()));
        if (problem.withLse()) {
            attention.set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC(), lse(graph, problem.q()));
        }
        if (problem.firstQuery().isPresent()) {
            CudnnDescriptor inner = graph.inner("graph of the mask", mask(graph, problem));
            attention.set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_SUBGRAPH(), inner)
                    .set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_SUBGRAPH_INPUT_UID(), SCORES)
                    .set(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_SUBGRAPH_OUTPUT_UID(), MASKED);
        }
        return attention.finish();
    }

    private static CudnnDescriptor mask(CudnnGraph graph, CudnnProblem problem) {
        int type = Cudnn.CUDNN_BACKEND_OPERATION_DIAGONAL_BAND_MASK_DESCRIPTOR();
        CudnnDescriptor mask = graph.create("causal mask", type)
                .set(Cudnn.CUDNN_ATTR_OPERATION_DIAGONAL_BAND_MASK_XDESC(), scores(graph, "scores", SCORES, problem))
                .set(Cudnn.CUDNN_ATTR_OPERATION_DIAGONAL_BAND_MASK_BDESC(),
                        graph.scalar("hidden", HIDDEN, Cudnn.CUDNN_DATA_FLOAT()))
                .set(Cudnn.CUDNN_ATTR_OPERATION_DIAGONAL_BAND_MASK_YDESC(), scores(graph, "masked", MASKED, problem))
                .set(Cudnn.CUDNN_ATTR_OPERATION_DIAGONAL_BAND_MASK_COMPARISON_MODE(), Cudnn.CUDNN_TYPE_POINTWISE_MODE(),
                        Cudnn.CUDNN_POINTWISE_CMP_GE());
        if (isShifted(problem)) {
            mask.set(Cudnn.CUDNN_ATTR_OPERATION_DIAGONAL_BAND_MASK_SHIFT_RIGHT_BOUND_DESC(),
                    graph.scalar("shift", SHIFT, Cudnn.CUDNN_DATA_INT32()));
        }
        return mask.finish();
    }

    private static boolean isShifted(CudnnProblem problem) {
        return problem.firstQuery().orElse(0) != 0;
    }

    private static CudnnDescriptor tensor(CudnnGraph graph, String name, long id, CudnnLayout layout) {
        return graph.tensor(name, id, Cudnn.CUDNN_DATA_BFLOAT16(), Place.MEMORY, layout.sizes(), layout.strides());
    }

    private static CudnnDescriptor lse(CudnnGraph graph, CudnnLayout q) {
        return graph.tensor("lse", LSE, Cudnn.CUDNN_DATA_FLOAT(), Place.MEMORY,
                new long[] {q.batch(), q.heads(), q.rows(), 1}, new long[] {q.heads() * q.rows(), q.rows(), 1, 1});
    }

    private static CudnnDescriptor scores(CudnnGraph graph, String name, long id, CudnnProblem problem) {
        return graph.tensor(name, id, Cudnn.CUDNN_DATA_FLOAT(), Place.VIRTUAL, problem.scoreSizes(),
                problem.scoreStrides());
    }

    @Override
    public long workspaceBytes() {
        return workspaceBytes;
    }

    /**
     * Throws IllegalStateException where it was planned for a described device, while another thread uses the handle, and
     * after {@link #close}.
     */
    @Override
    public void execute(long stream, CudnnData data) {
        data.check(problem.withLse(), workspaceBytes);
        try (CudnnDescriptor pack = pack(data)) {
            target.execute(stream, plan, pack);
        }
    }

    /** The data, finished. */
    private CudnnDescriptor pack(CudnnData data) {
        List<Long> ids = new ArrayList<>(List.of(Q, K, V, OUT, SCALE));
        List<MemorySegment> pointers = new ArrayList<>(List.of(MemorySegment.ofAddress(data.q()),
                MemorySegment.ofAddress(data.k()), MemorySegment.ofAddress(data.v()), MemorySegment.ofAddress(data.out()),
                scale));
        if (problem.withLse()) {
            ids.add(LSE);
            pointers.add(MemorySegment.ofAddress(data.lse()));
        }
        if (problem.firstQuery().isPresent()) {
            ids.add(HIDDEN);
            pointers.add(hidden);
        }
        if (isShifted(problem)) {
            ids.add(SHIFT);
            pointers.add(shift);
        }
        CudnnDescriptor pack = CudnnDescriptor.create("data", Cudnn.CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR());
        try {
            return pack
                    .set(Cudnn.CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS(), ids.stream().mapToLong(Long::longValue).toArray())
                    .set(Cudnn.CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS(), Cudnn.CUDNN_TYPE_VOID_PTR(), pointers)
                    .set(Cudnn.CUDNN_ATTR_VARIANT_PACK_WORKSPACE(), Cudnn.CUDNN_TYPE_VOID_PTR(),
                            List.of(MemorySegment.ofAddress(data.workspace())))
                    .finish();
        } catch (RuntimeException e) {
            pack.close();
            throw e;
        }
    }

    @Override
    public void close() {
        if (values.scope().isAlive()) {
            values.close();
            graph.close();
        }
    }
}
