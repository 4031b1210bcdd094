package dev.longspan.autograd;

import dev.longspan.backend.Backend;
import dev.longspan.kernel.PackedMatrix;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A model's matrices, packed for {@link Pass#inference(Backend, Parallel, Workspace, PackedWeights)}: each at its first
 * product of many rows, which has to pack it anyway, and never again. Costs as many bytes as they take in float32, in the
 * arena. Thread-safe; the matrices must not change.
 */
public final class PackedWeights {

    private final Backend backend;
    private final Parallel parallel;
    private final TensorArena arena;
    private final Set<Tensor> matrices;
    private final Map<Tensor, PackedMatrix> packed = new ConcurrentHashMap<>(); // tensors are equal only to themselves

    /**
     * For the F32 and BF16 matrices among the weights. Throws UnsupportedOperationException where the backend's products
     * read them as they lie (scalar, cuda).
     */
    public PackedWeights(Backend backend, Parallel parallel, TensorArena arena, Collection<Tensor> weights) {
        if (!backend.kernels().gemm().packs()) {
            throw new UnsupportedOperationException("backend " + backend.name()
                    + " packs no weights: it reads them as they lie");
        }
        this.backend = backend;
        this.parallel = parallel;
        this.arena = arena;
        matrices = weights.stream().filter(w -> w.rank() == 2 && (w.dtype() == DType.F32 || w.dtype() == DType.BF16))
                .collect(Collectors.toUnmodifiableSet());
    }

    Backend backend() {
        return backend;
    }

    /** A matrix [out, in] as the right operand [in, out], packed; absent where it is none of these. */
    @Nullable PackedMatrix transposed(Tensor weight) {
        PackedMatrix known = packed.get(weight);
        return known != null || !matrices.contains(weight) ? known : pack(weight);
    }

    private synchronized PackedMatrix pack(Tensor weight) {
        return packed.computeIfAbsent(weight, w -> backend.kernels().gemm().pack(parallel, w.transpose(0, 1), arena));
    }
}
