package dev.longspan.model;

import dev.longspan.nn.Parameters;
import dev.longspan.nn.StreamingBackbone;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;

/** A checked configuration of models that a wrapper such as RMT can be put around. */
public interface BackboneBlueprint extends Blueprint {

    /** Width d of embeddings and hidden states. */
    long width();

    /** Rows that a sequence may have: those of a table of learned positions. */
    long maxRows();

    /** The plan of {@link dev.longspan.nn.Backbone#hidden} and its way back alone. */
    ModelPlan hiddenPlan(long rows, long batch, DType dtype);

    @Override
    StreamingBackbone<?> build(Parameters parameters);

    @Override
    StreamingBackbone<?> create(TensorArena arena, long seed);
}
