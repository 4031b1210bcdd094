package dev.longspan.kernel.scalar;

import dev.longspan.kernel.Kernels;

/** Plain loops in double: the truth that every other backend is tested against, and the last fallback. */
public final class ScalarKernels {

    private ScalarKernels() {
    }

    /** All kernel families for F32 and F64. */
    public static Kernels create() {
        return new Kernels(new ScalarGemm(), new ScalarAttention(), new ScalarNorm(), new ScalarElementwise(),
                new ScalarRotary(), new ScalarEmbedding(), new ScalarLoss(), new ScalarOptimizer(), new ScalarScan(),
                new ScalarCoefficients(), new ScalarRecurrence(), new ScalarTimestepNorm());
    }
}
