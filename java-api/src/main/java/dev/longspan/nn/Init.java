package dev.longspan.nn;

import dev.longspan.kernel.Philox;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Elements;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.lang.foreign.MemorySegment;

/**
 * The distribution that a parameter starts from. Element i of a parameter depends on (seed, name, i) alone, so neither the
 * order of construction nor other parameters matter.
 */
@FunctionalInterface
public interface Init {

    /** The value drawn at a place of the counter (key, stream, counter) of {@link Philox}. */
    double draw(long key, long stream, long counter);

    /** Which distribution a parameter starts from. */
    @FunctionalInterface
    interface Rule {
        Init of(String name, long[] shape);
    }

    static Init constant(double value) {
        return (key, stream, counter) -> value;
    }

    /** Uniform in [−bound, bound). */
    static Init uniform(double bound) {
        return (key, stream, counter) -> bound * (2.0 * Philox.uniform(key, stream, counter) - 1);
    }

    /** {@code U(±1/√fanIn)}: Kaiming's uniform with a = √5, for weights and biases alike. He et al., arXiv 1502.01852. */
    static Init kaimingUniform(long fanIn) {
        return uniform(1 / Math.sqrt(fanIn));
    }

    /** {@code U(±gain·√(6/(fanIn + fanOut)))}. Glorot and Bengio, AISTATS 2010. */
    static Init xavierUniform(double gain, long fanIn, long fanOut) {
        return uniform(gain * Math.sqrt(6.0 / (fanIn + fanOut)));
    }

    /** {@code N(0, std²)}. */
    static Init normal(double std) {
        return (key, stream, counter) -> std * Philox.normal(key, stream, counter);
    }

    /** {@code N(0, std²)} drawn again where it falls outside ±{@code deviations}·std. */
    static Init truncatedNormal(double std, double deviations) {
        if (!(deviations > 0)) {
            throw new IllegalArgumentException("deviations must be positive: deviations=" + deviations);
        }
        return (key, stream, counter) -> {
            for (long attempt = 0;; attempt++) {
                double value = Philox.normal(key + attempt, stream, counter);
                if (Math.abs(value) <= deviations) {
                    return std * value;
                }
            }
        };
    }

    /** The same distribution, multiplied. */
    default Init times(double factor) {
        return (key, stream, counter) -> factor * draw(key, stream, counter);
    }

    /** Draws every element of a contiguous parameter. */
    default void fill(Tensor parameter, long seed, String name) {
        if (!parameter.isContiguous()) {
            throw new IllegalArgumentException("parameter must be contiguous: " + name + "=" + parameter);
        }
        if (!parameter.isOnHost()) {
            try (TensorArena drawn = new TensorArena()) {
                Tensor values = drawn.allocate(parameter.dtype(), parameter.shape());
                fill(values, seed, name);
                parameter.copyFrom(values);
            }
            return;
        }
        MemorySegment segment = parameter.segment();
        long stream = hash(name);
        for (long i = 0; i < parameter.elements(); i++) {
            Elements.set(segment, parameter.dtype(), parameter.offset() + i, draw(seed, stream, i));
        }
    }

    /** Parameters in fresh memory of an arena, each drawn as the rule says. */
    static Parameters parameters(TensorArena arena, DType dtype, long seed, Rule rule) {
        return (name, shape) -> {
            Tensor parameter = arena.allocate(dtype, shape);
            rule.of(name, shape).fill(parameter, seed, name);
            return parameter;
        };
    }

    /** FNV-1a with 64 bits. */
    private static long hash(String name) {
        long hash = 0xCBF29CE484222325L;
        for (int i = 0; i < name.length(); i++) {
            hash = (hash ^ name.charAt(i)) * 0x100000001B3L;
        }
        return hash;
    }
}
