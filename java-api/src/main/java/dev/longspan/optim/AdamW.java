package dev.longspan.optim;

import dev.longspan.autograd.Gradients;
import dev.longspan.backend.Backend;
import dev.longspan.kernel.AdamWStep;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
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

    private final Settings settings;
    private final Map<String, Tensor> parameters;
    private final Map<String, Tensor> moments = new LinkedHashMap<>();

    /** Moments start at zero and lie in the arena. */
    public AdamW(Settings settings, Map<String, Tensor> parameters, TensorArena arena) {
        this.settings = settings;
        this.parameters = new LinkedHashMap<>();
        Set<Tensor> seen = new HashSet<>(); // tensors are equal only to themselves; a tied weight is updated once
        parameters.forEach((name, parameter) -> {
            if (seen.add(parameter)) {
                this.parameters.put(name, parameter);
                moments.put(name + ".m", arena.allocate(parameter.dtype(), parameter.shape()));
                moments.put(name + ".v", arena.allocate(parameter.dtype(), parameter.shape()));
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
        parameters.forEach((name, parameter) -> backend.kernels().optimizer().adamW(parallel,
                new AdamWStep(learningRate, settings.beta1, settings.beta2, settings.eps,
                        settings.decays.test(name) ? settings.weightDecay : 0, gradientScale, step),
                parameter, gradients.of(parameter), moment(name + ".m"), moment(name + ".v")));
    }

    private Tensor moment(String name) {
        return Objects.requireNonNull(moments.get(name));
    }
}
