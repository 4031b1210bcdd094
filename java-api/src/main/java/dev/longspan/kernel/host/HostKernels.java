package dev.longspan.kernel.host;

import dev.longspan.bindings.HostLibrary;
import dev.longspan.kernel.Kernels;

/** The kernel families of this package: float32, products and attention also over bfloat16. */
public final class HostKernels {

    private HostKernels() {
    }

    /**
     * The families that are written in C++, the others from {@code rest}. Throws UnsupportedOperationException with the reason
     * where the native library cannot be loaded.
     */
    public static Kernels create(Kernels rest) {
        HostLibrary library = HostLibrary.get();
        if (library.reason() != null) {
            throw new UnsupportedOperationException(library.reason());
        }
        return new Kernels(new HostGemm(), new HostAttention(), new HostNorm(), new HostElementwise(),
                rest.rotary(), new HostEmbedding(), new HostLoss(), new HostOptimizer(), new HostScan(), rest.coefficients(),
                rest.recurrence(), new HostTimestepNorm());
    }

    /** Its instructions, and what it takes from the backend {@code rest}. */
    public static String describe(String rest) {
        return "C++, " + HostLibrary.get().tier() + "; not written in C++ but taken from " + rest
                + ": rotary positions, CEMA's coefficients, plain recurrences";
    }
}
