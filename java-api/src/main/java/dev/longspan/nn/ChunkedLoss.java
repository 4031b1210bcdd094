package dev.longspan.nn;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Recompute;
import dev.longspan.op.Concat;
import dev.longspan.op.Loss;
import dev.longspan.op.Views;
import dev.longspan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;

/**
 * Cross-entropy of rows of hidden states without the logits of all of them: those of so many rows at a time, which the way back
 * computes again. What few classes or rows need at once stays as it is.
 */
public final class ChunkedLoss {

    /** Logits at a time, 32 MiB of float32. */
    private static final long LOGITS = 1 << 23;
    /** Rows whose product with the output layer is as fast as that of more. */
    private static final long LEAST_ROWS = 256;

    private ChunkedLoss() {
    }

    /** Of {@code rows} rows those whose logits of so many classes are there at once: all, or a part. */
    public static long rowsAtOnce(long rows, long classes) {
        return Math.min(rows, Math.max(LEAST_ROWS, LOGITS / Math.max(1, classes)));
    }

    /** {@link Loss#crossEntropy} of {@code logitsOf(hidden)}, of shape [rows]; hidden: [..., d], targets: an id for each row. */
    static Tensor of(Pass pass, Tensor hidden, Tensor targets, long classes, BiFunction<Pass, Tensor, Tensor> logitsOf) {
        long rows = targets.elements();
        long atOnce = rowsAtOnce(rows, classes);
        if (atOnce == rows) {
            return Loss.crossEntropy(pass, logitsOf.apply(pass, hidden), targets);
        }
        Tensor all = Views.reshape(pass, hidden, rows, hidden.size(-1));
        Tensor ids = targets.reshape(rows);
        List<Tensor> losses = new ArrayList<>();
        for (long from = 0; from < rows; from += atOnce) {
            long first = from;
            long to = Math.min(rows, from + atOnce);
            losses.addAll(Recompute.keepingOutputs(pass, List.of(Views.slice(pass, all, 0, first, to)), (inner, inputs) -> List.of(
                    Views.reshape(inner, Loss.crossEntropy(inner, logitsOf.apply(inner, inputs.getFirst()),
                            ids.slice(0, first, to)), to - first, 1))));
        }
        return Views.reshape(pass, Concat.apply(pass, 0, losses), rows);
    }
}
