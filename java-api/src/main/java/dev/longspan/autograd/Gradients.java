package dev.longspan.autograd;

import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Collection;
import java.util.IdentityHashMap;
import org.jspecify.annotations.Nullable;

/** Gradients of parameters, summed over passes until {@link #zero()}. */
public final class Gradients {

    private final IdentityHashMap<Tensor, Tensor> byParameter = new IdentityHashMap<>();

    /** Zeroed gradients of the given parameters, of their dtypes, in the arena. */
    public Gradients(TensorArena arena, Collection<Tensor> parameters) {
        for (Tensor p : parameters) {
            byParameter.computeIfAbsent(p, t -> arena.allocate(t.dtype(), t.shape()));
        }
    }

    /** The gradient of a parameter; throws IllegalArgumentException for a tensor that is none. */
    public Tensor of(Tensor parameter) {
        Tensor gradient = find(parameter);
        if (gradient == null) {
            throw new IllegalArgumentException("tensor is not a parameter of these gradients: " + parameter);
        }
        return gradient;
    }

    @Nullable Tensor find(Tensor tensor) {
        return byParameter.get(tensor);
    }

    /** Sets all gradients to zero. */
    public void zero() {
        byParameter.values().forEach(Tensor::zero);
    }
}
