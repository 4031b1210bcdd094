package dev.longspan.autograd;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** What training keeps of layers that stand one behind another. */
public enum Checkpoints {
    /** All that their ways back read. */
    NONE,
    /** What each hands to the next: it is computed again on the way back, the same bits. Chen et al., arXiv 1604.06174. */
    EXACT,
    /**
     * As {@link #EXACT}, rounded to BF16: half the bytes. A layer computes from the rounded values, in the dtype of always, there
     * and again; gradients are not rounded. Mixed precision: Micikevicius et al., arXiv 1710.03740.
     */
    BF16;

    /** One of the layers. */
    @FunctionalInterface
    public interface Layer<L> {
        /** What leaves the layer that x enters. */
        Tensor apply(Pass pass, L layer, Tensor x);
    }

    /** x and what leaves each layer. Training with BF16, all but the first and the last are rounded. */
    public <L> List<Tensor> states(Pass pass, List<L> layers, Tensor x, Layer<L> network) {
        List<Tensor> states = new ArrayList<>(List.of(x));
        for (int i = 0; i < layers.size(); i++) {
            L layer = layers.get(i);
            Tensor last = states.getLast();
            boolean isRounded = this == BF16 && i < layers.size() - 1;
            states.add(this == NONE ? network.apply(pass, layer, last)
                    : Recompute.run(pass, List.of(last), isRounded ? DType.BF16 : null, (inner, inputs) ->
                            List.of(network.apply(inner, layer, inner.cast(inputs.getFirst(), x.dtype())))).getFirst());
        }
        return states;
    }

    /** Bytes that training takes beside the activations and gradients of a layer, where not all layers' are kept. */
    public long bytes(int layers, long elements, DType dtype) {
        // One layer at a time has what enters it widened beside it: halves pay from four layers on.
        return elements * (this != BF16 || layers < 2 ? (long) layers * dtype.bytes()
                : (layers - 1L) * DType.BF16.bytes() + 2L * dtype.bytes());
    }
}
