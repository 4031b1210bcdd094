package dev.longspan.model;

import dev.longspan.nn.ChunkedLoss;
import dev.longspan.tensor.DType;

/**
 * What a model costs, before anything is allocated. Activations count what a pass keeps, not the kernels' own scratch.
 *
 * @param forward of one pass over batch × context tokens
 * @param backward of the way back, a second forward included where layers are recomputed
 * @param inferenceBytes activations of one forward pass over whole sequences
 * @param trainingBytes activations and their gradients of one training step
 * @param stateBytes what a stream carries from token to token after the whole context
 * @param cacheBytes keys and values among them that may be kept in bfloat16
 */
public record ModelPlan(long parameters, Work forward, Work backward, long weightBytes, long inferenceBytes,
        long trainingBytes, long stateBytes, long cacheBytes) {

    /**
     * FLOPs by kind, a multiplication and an addition counted as two; what is none of these is left out.
     *
     * @param products of weights with activations
     * @param attention products of queries with keys and of probabilities with values
     * @param scans linear recurrences along time
     */
    public record Work(double products, double attention, double scans) {

        public double total() {
            return products + attention + scans;
        }

        /** Both. */
        public Work plus(Work other) {
            return new Work(products + other.products, attention + other.attention, scans + other.scans);
        }
    }

    /** Checks what every plan is asked for; throws IllegalArgumentException. */
    public static void check(long context, long batch, DType dtype) {
        if (context <= 0 || batch <= 0) {
            throw new IllegalArgumentException("context and batch must be positive: context=" + context + ", batch=" + batch);
        }
        if (!dtype.isFloating()) {
            throw new IllegalArgumentException("dtype must be a floating one: dtype=" + dtype);
        }
    }

    /** What training adds to the plan of hidden states for the losses of all their tokens: {@link ChunkedLoss}. */
    public ModelPlan withLosses(long tokens, long width, long classes, DType dtype) {
        long atOnce = ChunkedLoss.rowsAtOnce(tokens, classes);
        Work logits = new Work(2.0 * tokens * width * classes, 0, 0);
        Work back = logits.plus(logits);
        long row = classes * dtype.bytes();
        return new ModelPlan(parameters, forward.plus(logits), backward.plus(atOnce < tokens ? back.plus(logits) : back), weightBytes,
                inferenceBytes + tokens * row, trainingBytes + 2 * atOnce * row, stateBytes, cacheBytes);
    }

    public long gradientBytes() {
        return weightBytes;
    }

    /** AdamW's two moments. */
    public long optimizerBytes() {
        return 2 * weightBytes;
    }

    /** Weights, gradients, moments and activations: what one training step needs. */
    public long trainingTotalBytes() {
        return weightBytes + gradientBytes() + optimizerBytes() + trainingBytes;
    }
}
