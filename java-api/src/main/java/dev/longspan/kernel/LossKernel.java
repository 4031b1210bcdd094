package dev.longspan.kernel;

import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.Tensor;

/** Softmax cross-entropy. logits: [n, classes], targets: [n] of I32 or I64; a negative target is ignored (loss 0). */
public interface LossKernel {

    /** {@code losses[i] = lse[i] − logits[i, targets[i]]} and {@code lse[i] = ln Σⱼ exp(logits[i, j])}. */
    void crossEntropy(Parallel parallel, Tensor logits, Tensor targets, Tensor losses, Tensor lse);

    /** {@code dLogits[i, j] += dLosses[i] · (exp(logits[i, j] − lse[i]) − [j = targets[i]])}. */
    void crossEntropyBackward(Parallel parallel, Tensor logits, Tensor targets, Tensor lse, Tensor dLosses,
            Tensor dLogits);
}
