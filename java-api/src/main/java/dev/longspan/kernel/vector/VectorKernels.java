package dev.longspan.kernel.vector;

import dev.longspan.kernel.Kernels;
import dev.longspan.kernel.scalar.ScalarKernels;

/**
 * The kernel families of this package, float32 only; CEMA's coefficients, few and in double, are the scalar kernels'. The
 * backend registry loads this class by name.
 */
public final class VectorKernels {

    private VectorKernels() {
    }

    /** All families; throws UnsupportedOperationException with the reason where the CPU lacks the vectors asked for. */
    public static Kernels create() {
        VectorWidth.bits();
        return new Kernels(new VectorGemm(), new VectorAttention(), new VectorNorm(),
                new VectorElementwise(), new VectorRotary(), new VectorEmbedding(), new VectorLoss(), new VectorOptimizer(),
                new VectorScan(), ScalarKernels.create().coefficients(), new VectorRecurrence(), new VectorTimestepNorm());
    }

    /** Width and lanes, such as {@code 512 bit, 16 lanes}. */
    public static String describe() {
        int bits = VectorWidth.bits();
        return bits + " bit, " + bits / Float.SIZE + " lanes";
    }
}
