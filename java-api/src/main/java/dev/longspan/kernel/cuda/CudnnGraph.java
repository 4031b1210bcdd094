package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cudnn.Cudnn;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** The descriptors of one graph of operations and of its plan, freed together, the last one first. */
final class CudnnGraph implements AutoCloseable {

    /** Where a tensor lies: in device memory, within the fused kernel only, or as one value in host memory. */
    enum Place {
        MEMORY, VIRTUAL, VALUE
    }

    private static final int ALIGNMENT_BYTES = 16;

    private final Deque<CudnnDescriptor> owned = new ArrayDeque<>();

    /** A descriptor that this graph frees. */
    CudnnDescriptor create(String name, int type) {
        CudnnDescriptor descriptor = CudnnDescriptor.create(name, type);
        owned.push(descriptor);
        return descriptor;
    }

    /** A finished tensor; the id is what data is bound to. */
    CudnnDescriptor tensor(String name, long id, int dataType, Place place, long[] sizes, long[] strides) {
        return create(name, Cudnn.CUDNN_BACKEND_TENSOR_DESCRIPTOR())
                .set(Cudnn.CUDNN_ATTR_TENSOR_UNIQUE_ID(), id)
                .set(Cudnn.CUDNN_ATTR_TENSOR_DATA_TYPE(), Cudnn.CUDNN_TYPE_DATA_TYPE(), dataType)
                .set(Cudnn.CUDNN_ATTR_TENSOR_DIMENSIONS(), sizes)
                .set(Cudnn.CUDNN_ATTR_TENSOR_STRIDES(), strides)
                .set(Cudnn.CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT(), ALIGNMENT_BYTES)
                .set(Cudnn.CUDNN_ATTR_TENSOR_IS_VIRTUAL(), place == Place.VIRTUAL)
                .set(Cudnn.CUDNN_ATTR_TENSOR_IS_BY_VALUE(), place == Place.VALUE)
                .finish();
    }

    /** A finished scalar whose value is bound at each execution. */
    CudnnDescriptor scalar(String name, long id, int dataType) {
        return tensor(name, id, dataType, Place.VALUE, new long[] {1, 1, 1, 1}, new long[] {1, 1, 1, 1});
    }

    /** A finished graph of one finished operation, to stand inside of another operation. */
    CudnnDescriptor inner(String name, CudnnDescriptor operation) {
        return graph(name, operation).finish();
    }

    /**
     * The first plan that cuDNN compiles for one finished operation, of those that its heuristics propose, best first.
     * Throws UnsupportedOperationException where it has no kernel, {@link CudnnException} where it cannot load the one it
     * has.
     */
    CudnnDescriptor plan(CudnnTarget target, CudnnDescriptor operation) {
        CudnnDescriptor graph = graph("operation graph", operation);
        target.nameInGraph(graph);
        graph.finish();
        CudnnException refusal = null;
        for (int mode : new int[] {Cudnn.CUDNN_HEUR_MODE_A(), Cudnn.CUDNN_HEUR_MODE_FALLBACK()}) {
            for (CudnnDescriptor proposal : proposals(target, graph, mode)) {
                CudnnDescriptor plan = create("plan", Cudnn.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR());
                target.nameInPlan(plan);
                try {
                    return plan.set(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG(), proposal).finish();
                } catch (CudnnException e) {
                    refusal = e;
                }
            }
        }
        if (refusal != null && !refusal.isUnsupported()) {
            throw refusal;
        }
        throw new UnsupportedOperationException("cuDNN has no kernel for it", refusal);
    }

    private CudnnDescriptor graph(String name, CudnnDescriptor operation) {
        return create(name, Cudnn.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR())
                .set(Cudnn.CUDNN_ATTR_OPERATIONGRAPH_OPS(), operation);
    }

    private List<CudnnDescriptor> proposals(CudnnTarget target, CudnnDescriptor graph, int mode) {
        CudnnDescriptor heuristics = create("heuristics", Cudnn.CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR())
                .set(Cudnn.CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH(), graph)
                .set(Cudnn.CUDNN_ATTR_ENGINEHEUR_MODE(), Cudnn.CUDNN_TYPE_HEUR_MODE(), mode);
        target.nameInHeuristics(heuristics);
        heuristics.finish();
        List<CudnnDescriptor> proposals = new ArrayList<>();
        for (long i = heuristics.count(Cudnn.CUDNN_ATTR_ENGINEHEUR_RESULTS()); i > 0; i--) {
            proposals.add(create("engine configuration", Cudnn.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR()));
        }
        return proposals.subList(0, heuristics.fill(Cudnn.CUDNN_ATTR_ENGINEHEUR_RESULTS(), proposals));
    }

    @Override
    public void close() {
        while (!owned.isEmpty()) {
            owned.pop().close();
        }
    }
}
