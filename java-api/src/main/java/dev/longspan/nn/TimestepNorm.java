package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Documents;
import dev.longspan.kernel.Moments;
import dev.longspan.kernel.TimestepNormPlan;
import dev.longspan.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Normalisation by the moments of all timesteps so far, by group of channels; weights stored minus one. Ma et al.,
 * arXiv 2404.08801, section 3.2.
 *
 * @param weight [D], applied as weight + 1
 * @param bias [D]
 * @param priorMean [groups]: mean before the first timestep; absent for 0
 * @param priorLogVar [groups]: logarithm of the variance before it; absent for 0
 * @param priorCount timesteps that the prior counts for; 0 gives it no weight
 * @param groups divides D
 */
public record TimestepNorm(Tensor weight, Tensor bias, @Nullable Tensor priorMean, @Nullable Tensor priorLogVar,
        long priorCount, long groups, double eps) implements SequenceNorm {

    /** With weight and bias from a source of parameters, and a prior without weight. */
    public static TimestepNorm of(Parameters parameters, String name, long d, long groups, double eps) {
        return new TimestepNorm(parameters.get(name + ".weight", d), parameters.get(name + ".bias", d), null, null, 0, groups,
                eps);
    }

    /** Output and the moments to continue from; x: [B, L, D], start: absent at the beginning. */
    public Output apply(Pass pass, Tensor x, @Nullable Moments start) {
        return apply(pass, x, start, null, 0, null);
    }

    @Override
    public Output apply(Pass pass, Tensor x, @Nullable Moments start, @Nullable Documents documents, long first,
            @Nullable Tensor padding) {
        TimestepNormPlan plan = new TimestepNormPlan(documents, first, padding, 1, eps);
        var normed = dev.longspan.op.TimestepNorm.apply(pass, plan, x, weight, bias, prior(pass), start);
        return new Output(normed.y(), normed.last());
    }

    /** The moments before the first timestep, of batch 1. */
    public Moments prior(Pass pass) {
        return dev.longspan.op.TimestepNorm.prior(pass, groups, priorCount, priorMean, priorLogVar);
    }
}
