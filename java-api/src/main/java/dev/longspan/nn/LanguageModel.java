package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.op.Loss;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.Map;

/**
 * A causal model of token sequences that trains on whole sequences and generates from an explicit state.
 *
 * @param <S> its state between calls
 */
public interface LanguageModel<S extends StreamState> extends Layer {

    /** Number of token ids. */
    long vocabulary();

    /** Next-token logits. tokens: [B, N] of I32 or I64, result: [B, N, vocabulary]. */
    Tensor logits(Pass pass, Tensor tokens);

    /**
     * Cross-entropy of each target, given the tokens up to its place, as {@link Loss#crossEntropy} of {@link #logits} has it, and
     * of shape [B · N]; tokens, targets: [B, N]. Backbones never have many logits there at once: {@link ChunkedLoss}.
     */
    default Tensor losses(Pass pass, Tensor tokens, Tensor targets) {
        return Loss.crossEntropy(pass, logits(pass, tokens), targets);
    }

    /** The state before the first token of {@code batch} sequences. */
    S start(TensorArena arena, long batch);

    /**
     * As {@link #start(TensorArena, long)}, with keys and values kept as {@code caches}: rounded to BF16 they take half of the
     * memory of F32. Throws IllegalArgumentException where a model cannot.
     */
    default S start(TensorArena arena, long batch, DType caches) {
        throw new IllegalArgumentException("this model keeps keys and values in its own dtype: caches=" + caches);
    }

    /** The state that {@link StreamState#tensors()} was taken from, copied into the arena. */
    S restore(TensorArena arena, Map<String, Tensor> saved);

    /**
     * Logits of the next tokens [B, n], the same as {@link #logits} gives for them within the whole sequence, for any n ≥ 1.
     * The given state is consumed: only the returned one may be used afterwards.
     */
    Step<S> next(Pass pass, S state, Tensor tokens);

    /** An output and the state that follows it. */
    record Step<S>(Tensor logits, S state) {
    }
}
