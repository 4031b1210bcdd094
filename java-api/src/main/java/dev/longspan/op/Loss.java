package dev.longspan.op;

import dev.longspan.autograd.Pass;
import dev.longspan.tensor.Tensor;

/** Softmax cross-entropy. */
public final class Loss {

    /** Target that takes no part. */
    public static final long IGNORED = -1;

    private Loss() {
    }

    /** {@code −ln softmax(logits)[target]} for each row; logits: [..., classes], targets: [...]; 0 where {@link #IGNORED}. */
    public static Tensor crossEntropy(Pass pass, Tensor logits, Tensor targets) {
        check(pass, logits, targets);
        return losses(pass, logits, targets);
    }

    /** The mean of {@link #crossEntropy} over the rows that take part, of shape [1]; 0 if none does. */
    public static Tensor meanCrossEntropy(Pass pass, Tensor logits, Tensor targets) {
        return mean(pass, crossEntropy(pass, logits, targets), targets);
    }

    /** The mean of losses, one for each target, over those that take part, of shape [1]; 0 if none does. */
    public static Tensor mean(Pass pass, Tensor losses, Tensor targets) {
        if (losses.elements() != targets.elements()) {
            throw new IllegalArgumentException("losses must be one for each target: losses=" + losses + ", targets=" + targets);
        }
        long counted = Ids.check("targets", targets, IGNORED, Long.MAX_VALUE);
        return Elementwise.sum(pass, counted == 0 ? 0 : 1.0 / counted, losses);
    }

    private static void check(Pass pass, Tensor logits, Tensor targets) {
        Shapes.checkComputes(pass, "logits", logits);
        Shapes.checkContiguous("logits", logits);
        Tensor rows = logits.rows();
        if (targets.elements() != rows.size(0)) {
            throw new IllegalArgumentException("targets must be one for each row of logits: targets=" + targets + ", logits="
                    + logits);
        }
        Ids.check("targets", targets, IGNORED, rows.size(1));
    }

    private static Tensor losses(Pass pass, Tensor logits, Tensor targets) {
        Tensor rows = logits.rows();
        Tensor flat = pass.here(targets).reshape(targets.elements());
        Tensor losses = pass.allocate(logits.dtype(), rows.size(0));
        Tensor lse = pass.allocate(logits.dtype(), rows.size(0));
        pass.kernels().loss().crossEntropy(pass.parallel(), rows, flat, losses, lse);
        if (pass.tracks(logits)) {
            pass.record(losses, () -> pass.kernels().loss().crossEntropyBackward(pass.parallel(), rows, flat, lse,
                    pass.gradient(losses), pass.gradient(logits).rows()));
        }
        return losses;
    }
}
