package dev.longspan.autograd;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gradient checkpointing: a piece of the network that keeps only its outputs and is computed a second time on the way back,
 * with the same dropout. Chen et al., arXiv 1604.06174.
 */
public final class Recompute {

    private Recompute() {
    }

    /** A piece of network as a function of (pass, inputs). Activations it uses must be among the inputs; parameters need not. */
    @FunctionalInterface
    public interface Piece {
        List<Tensor> apply(Pass pass, List<Tensor> inputs);
    }

    /** {@code piece(inputs)}, with contiguous outputs. */
    public static List<Tensor> run(Pass pass, List<Tensor> inputs, Piece piece) {
        return run(pass, inputs, null, piece);
    }

    /** The same with outputs rounded to {@code kept} where that is given; their gradients have the dtype of what the piece made. */
    static List<Tensor> run(Pass pass, List<Tensor> inputs, @Nullable DType kept, Piece piece) {
        if (!pass.isTraining()) {
            return piece.apply(pass, inputs);
        }
        return keeping(pass, inputs, kept, piece);
    }

    /** As {@link #run}, and at inference too nothing but the outputs stays in memory: they are copied for that. */
    public static List<Tensor> keepingOutputs(Pass pass, List<Tensor> inputs, Piece piece) {
        return keeping(pass, inputs, null, piece);
    }

    private static List<Tensor> keeping(Pass pass, List<Tensor> inputs, @Nullable DType kept, Piece piece) {
        long stream = pass.stream();
        Pass once = pass.child(false, stream);
        List<Tensor> outputs;
        List<DType> gradients;
        try {
            List<Tensor> made = piece.apply(once, inputs);
            gradients = made.stream().map(Tensor::dtype).toList();
            outputs = pass.closeKeeping(once, kept == null ? made : made.stream().map(t -> once.cast(t, kept)).toList());
        } finally {
            once.close();
        }
        pass.record(outputs, gradients, () -> goBack(pass, inputs, outputs, piece, stream));
        return outputs;
    }

    private static void goBack(Pass pass, List<Tensor> inputs, List<Tensor> outputs, Piece piece, long stream) {
        List<Tensor> asked = outputs.stream().filter(t -> pass.gradientIfMade(t) != null).distinct().toList();
        List<Tensor> dOutputs = asked.stream().map(pass::gradient).toList();
        boolean isHandedOn = isLayer(inputs, outputs) && pass.handOn(outputs.getFirst(), inputs.getFirst());
        // Gradients outside must exist before the inner pass takes the memory on top of this one's.
        List<Tensor> tracked = inputs.stream().filter(pass::tracks).toList();
        List<Tensor> gradients = tracked.stream().map(pass::gradient).toList();
        try (Pass again = pass.child(true, stream)) {
            for (int i = 0; i < tracked.size(); i++) {
                again.trackOutside(tracked.get(i), gradients.get(i));
            }
            List<Tensor> made = piece.apply(again, inputs);
            for (int i = 0; i < asked.size(); i++) {
                Tensor inner = made.get(outputs.indexOf(asked.get(i)));
                // An input handed through is its own output: its gradient is already there.
                if (inner != asked.get(i) && again.tracks(inner)) {
                    again.addToGradient(inner, 1, dOutputs.get(i));
                }
            }
            if (isHandedOn) {
                gradients.getFirst().zero();
            }
            again.backward();
        }
    }

    /** Whether one tensor becomes another of its shape: layers in a row then need one gradient between them, not one each. */
    private static boolean isLayer(List<Tensor> inputs, List<Tensor> outputs) {
        return inputs.size() == 1 && outputs.size() == 1 && inputs.getFirst().hasShapeOf(outputs.getFirst())
                && !inputs.getFirst().storage().equals(outputs.getFirst().storage());
    }
}
