package dev.longspan.classify;

import dev.longspan.autograd.Pass;
import dev.longspan.nn.Layer;
import dev.longspan.rmt.TokenSource;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.function.Supplier;

/** A model that says which class a document is of. */
public interface Classifier extends Layer {

    /** Logits of the documents, [B, classes], with all that training needs. */
    Tensor logits(Pass pass, List<? extends TokenSource> documents);

    /** The same at inference, in the arena, with as little memory as the model can do with. */
    default Tensor read(Supplier<Pass> passes, TensorArena arena, List<? extends TokenSource> documents) {
        try (Pass pass = passes.get()) {
            Tensor logits = logits(pass, documents);
            return arena.allocate(logits.dtype(), logits.shape()).copyFrom(logits);
        }
    }
}
