package dev.longspan.optim;

import dev.longspan.autograd.Gradients;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.AdamWStep;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * AdamW over named parameters, with decoupled weight decay. Loshchilov and Hutter, arXiv 1711.05101. Its moments are
 * tensors by name, saved and restored like weights. Serves one thread at a time.
 */
public final class AdamW {

    /**
     * Settings of AdamW.
     *
     * @param beta1 decay of the mean, in [0, 1)
     * @param beta2 decay of the mean square, in [0, 1)
     * @param decays names of the parameters that weight decay applies to
     */
    public record Settings(double beta1, double beta2, double eps, double weightDecay, Predicate<String> decays) {
        public Settings {
            if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) {
                throw new IllegalArgumentException("betas must be in [0, 1): beta1=" + beta1 + ", beta2=" + beta2);
            }
            if (!(eps > 0) || !(weightDecay >= 0)) {
                throw new IllegalArgumentException("eps must be positive and weightDecay not negative: eps=" + eps
                        + ", weightDecay=" + weightDecay);
            }
        }

        /** β = (0.9, 0.98), ε = 1e-8, decay 0.01 on every parameter: LongNet, table 3. */
        public static Settings standard() {
            return new Settings(0.9, 0.98, 1e-8, 0.01, name -> true);
        }
    }

    /** A parameter with its moments. */
    private record Trained(Tensor parameter, Tensor m, Tensor v, boolean decays) {
    }

    private final Settings settings;
    private final List<Trained> parameters = new ArrayList<>();
    private final Map<String, Tensor> moments = new LinkedHashMap<>();

    /** Moments start at zero and lie in the arena. */
    public AdamW(Settings settings, Map<String, Tensor> parameters, TensorArena arena) {
        this.settings = settings;
        Set<Tensor> seen = new HashSet<>(); // tensors are equal only to themselves; a tied weight is updated once
        parameters.forEach((name, parameter) -> {
            if (seen.add(parameter)) {
                Trained trained = new Trained(parameter, arena.allocate(parameter.dtype(), parameter.shape()),
                        arena.allocate(parameter.dtype(), parameter.shape()),
                        settings.decays.test(name));
                this.parameters.add(trained);
                moments.put(name + ".m", trained.m);
                moments.put(name + ".v", trained.v);
            }
        });
    }

    /** First ({@code name.m}) and second ({@code name.v}) moments, to save or to fill. */
    public Map<String, Tensor> moments() {
        return Collections.unmodifiableMap(moments);
    }

    /** One update; {@code step} counts from 1 and {@code gradientScale} multiplies every gradient (clipping, averaging). */
    public void step(Backend backend, Parallel parallel, Gradients gradients, double learningRate, double gradientScale,
            long step) {
        AdamWStep decayed = new AdamWStep(learningRate, settings.beta1, settings.beta2, settings.eps, settings.weightDecay,
                gradientScale, step);
        AdamWStep kept = new AdamWStep(learningRate, settings.beta1, settings.beta2, settings.eps, 0, gradientScale, step);
        for (Trained trained : parameters) {
            backend.kernels().optimizer().adamW(parallel, trained.decays ? decayed : kept, trained.parameter,
                    gradients.of(trained.parameter), trained.m, trained.v);
        }
    }
}
