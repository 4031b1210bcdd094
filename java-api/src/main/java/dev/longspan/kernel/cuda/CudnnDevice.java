package dev.longspan.kernel.cuda;

import dev.longspan.bindings.cudnn.Cudnn;

/**
 * A GPU that need not be there: plans for it are compiled and not executed. cuDNN asks a {@code libcuda.so.1} to load
 * kernels on the way; one that launches none will do. Without any it has no kernel for anything.
 */
final class CudnnDevice extends CudnnTarget {

    private final CudnnDescriptor properties;

    private CudnnDevice(CudnnDescriptor properties) {
        this.properties = properties;
    }

    /**
     * The device of a JSON object as cuDNN writes it of a real one: {@code "deviceVer": 900} is sm_90, flags are 0 or 1.
     * Throws {@link CudnnException} where a member is missing.
     */
    static CudnnDevice describedBy(String json) {
        requireCudnn();
        CudnnDescriptor properties = CudnnDescriptor.create("device", Cudnn.CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR());
        try {
            return new CudnnDevice(properties.set(Cudnn.CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION(), json).finish());
        } catch (CudnnException e) {
            properties.close();
            throw e;
        }
    }

    @Override
    void nameInGraph(CudnnDescriptor graph) {
        // A graph is of no device: heuristics and plans are.
    }

    @Override
    void nameInHeuristics(CudnnDescriptor heuristics) {
        heuristics.set(Cudnn.CUDNN_ATTR_ENGINEHEUR_DEVICEPROP(), properties);
    }

    @Override
    void nameInPlan(CudnnDescriptor plan) {
        plan.set(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP(), properties);
    }

    @Override
    void execute(long stream, CudnnDescriptor plan, CudnnDescriptor data) {
        throw new IllegalStateException("a plan for a described device cannot be executed");
    }

    @Override
    public void close() {
        properties.close();
    }
}
