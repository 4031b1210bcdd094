package dev.longspan.kernel;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.scalar.ScalarKernels;
import org.jspecify.annotations.Nullable;

/** What sweeps compare with: the scalar kernels, or those of the backend that a property names, as gpu-check has it. */
final class Reference {

    private static final @Nullable String NAMED = System.getProperty("longspan.test.reference");

    private Reference() {
    }

    static Kernels kernels() {
        return NAMED == null ? ScalarKernels.create() : Backend.named(NAMED).kernels();
    }

    /** A tolerance between a kernel and the reference: what the scalar kernels are off by is nothing, another backend's is as much. */
    static double tolerance(double ofOne) {
        return NAMED == null ? ofOne : 2 * ofOne;
    }
}
