package dev.longspan.optim;

import dev.longspan.autograd.Gradients;
import dev.longspan.backend.Backend;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import java.util.Collection;

/** Gradient clipping. Pascanu et al., arXiv 1211.5063. */
public final class Clip {

    private Clip() {
    }

    /** {@code √Σ g²} over all parameters. */
    public static double norm(Backend backend, Parallel parallel, Gradients gradients, Collection<Tensor> parameters) {
        double sum = 0;
        for (Tensor parameter : parameters) {
            sum += backend.kernels().optimizer().sumOfSquares(parallel, gradients.of(parameter));
        }
        return Math.sqrt(sum);
    }

    /** Factor {@code min(1, limit / (norm + 1e-6))} that brings the global norm under the limit: a gradient scale for the optimiser. */
    public static double factor(double norm, double limit) {
        return Math.min(1, limit / (norm + 1e-6));
    }

    /** {@code g = min(max(g, −limit), limit)} for every element. */
    public static void byValue(Backend backend, Parallel parallel, Gradients gradients, Collection<Tensor> parameters,
            double limit) {
        for (Tensor parameter : parameters) {
            backend.kernels().optimizer().clamp(parallel, gradients.of(parameter), limit);
        }
    }
}
