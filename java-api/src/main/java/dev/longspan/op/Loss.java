package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;

/** Softmax cross-entropy. */
public final class Loss {

    private Loss() {
    }

    /** Target that takes no part. */
    public static final long IGNORED = -1;

    /** {@code −ln softmax(logits)[target]} for each row; logits: [..., classes], targets: [...]; 0 where {@link #IGNORED}. */
    public static Tensor crossEntropy(Pass pass, Tensor logits, Tensor targets) {
        Shapes.checkComputes(pass, "logits", logits);
        Shapes.checkContiguous("logits", logits);
        Tensor rows = Shapes.rows(logits);
        if (targets.elements() != rows.size(0)) {
            throw new IllegalArgumentException("targets must be one for each row of logits: targets=" + targets + ", logits="
                    + logits);
        }
        Ids.check("targets", targets, IGNORED, rows.size(1));
        Tensor flat = targets.reshape(targets.elements());
        Tensor losses = pass.allocate(logits.dtype(), rows.size(0));
        Tensor lse = pass.allocate(logits.dtype(), rows.size(0));
        pass.kernels().loss().crossEntropy(pass.parallel(), rows, flat, losses, lse);
        if (pass.tracks(logits)) {
            pass.record(losses, () -> pass.kernels().loss().crossEntropyBackward(pass.parallel(), rows, flat, lse,
                    pass.gradient(losses), Shapes.rows(pass.gradient(logits))));
        }
        return losses;
    }

    /** The mean of {@link #crossEntropy} over the rows that take part, of shape [1]; 0 if none does. */
    public static Tensor meanCrossEntropy(Pass pass, Tensor logits, Tensor targets) {
        Tensor losses = crossEntropy(pass, logits, targets);
        long counted = Ids.check("targets", targets, IGNORED, logits.size(-1));
        return Elementwise.sum(pass, counted == 0 ? 0 : 1.0 / counted, losses);
    }
}
