package dev.longspan.classify;

import dev.longspan.autograd.Pass;
import dev.longspan.rmt.RmtEncoder;
import dev.longspan.rmt.TokenSource;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.function.Supplier;

/** A recurrent memory, segment by segment. */
public record Recurrent(RmtEncoder model) implements Classifier {

    @Override
    public Tensor logits(Pass pass, List<? extends TokenSource> documents) {
        return model.logits(pass, List.copyOf(documents));
    }

    /** {@inheritDoc} A pass for each segment. */
    @Override
    public Tensor read(Supplier<Pass> passes, TensorArena arena, List<? extends TokenSource> documents) {
        return model.read(passes, arena, List.copyOf(documents), segment -> { }).logits();
    }
}
