package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Documents;
import dev.longspan.tensor.Tensor;

/** A language model that reads several documents in one sequence without letting one see another. */
public interface PackedLanguageModel {

    /** As {@link LanguageModel#logits} for each of the packed documents alone. tokens: [B, N], result: [B, N, vocabulary]. */
    Tensor logits(Pass pass, Tensor tokens, Documents documents);

    /** As {@link LanguageModel#losses} for each of the packed documents alone. */
    Tensor losses(Pass pass, Tensor tokens, Tensor targets, Documents documents);
}
