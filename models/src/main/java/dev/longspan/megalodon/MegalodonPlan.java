package dev.longspan.megalodon;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.kernel.ScanPlan;
import dev.longspan.megalodon.MegalodonConfig.Average;
import dev.longspan.megalodon.MegalodonConfig.InputNorm;
import dev.longspan.megalodon.MegalodonConfig.Logits;
import dev.longspan.model.ModelPlan;
import dev.longspan.model.ModelPlan.Work;
import dev.longspan.tensor.DType;

/**
 * The costs of a MEGALODON, op by op. The state is constant in the context from the first whole chunk on.
 *
 * <p>An average costs 12 FLOP a token, channel and mode: one complex multiplication and addition for the state (8), the real
 * part of one for the output (4). The way back costs 32: the states again (8), their gradient (12), that of q (8), of c (4).
 */
record MegalodonPlan(MegalodonConfig config, long context, long batch, DType dtype) {

    private static final double SCAN_FORWARD = 12;
    private static final double SCAN_BACKWARD = 32;

    /** The scan's coefficients q (complex), p and c (complex); gradients of q and c. All F64. */
    private static final int COEFFICIENTS = 5;
    private static final int LEARNED_COEFFICIENTS = 4;

    MegalodonPlan {
        ModelPlan.check(context, batch, dtype);
    }

    ModelPlan plan(Checkpoints checkpoints) {
        return hidden(checkpoints).withLosses(context * batch, config.width(), config.outputs(), dtype);
    }

    /** Without logits. */
    ModelPlan hidden(Checkpoints checkpoints) {
        long parameters = parameters();
        double tokens = (double) context * batch;
        double layers = config.layers();
        double products = 2 * tokens * layers * productsPerToken();
        double pairs = tokens * layers * keysPerToken();
        double modes = tokens * layers * config.width() * config.modes();
        // Backward five products: the scores again and dQ, dK over keys, dV and dP over values.
        Work forward = new Work(products, 2 * pairs * (config.sharedWidth() + config.valueWidth()), SCAN_FORWARD * modes);
        Work backward = new Work(2 * products, 2 * pairs * (3.0 * config.sharedWidth() + 2.0 * config.valueWidth()),
                SCAN_BACKWARD * modes);
        return new ModelPlan(parameters, forward, checkpoints == Checkpoints.NONE ? backward : backward.plus(forward),
                parameters * dtype.bytes(), (long) (layers * layerBytes(false) + endBytes(false)),
                (long) trainingBytes(checkpoints), stateBytes(), batch * config.layers() * cacheBytes());
    }

    /** Keys that a query sees on average: those of its chunk up to its own. */
    double keysPerToken() {
        double chunk = config.chunk();
        double rest = context % config.chunk();
        return ((context - rest) / chunk * sum(chunk) + sum(rest)) / context;
    }

    private static double sum(double n) {
        return n * (n + 1) / 2;
    }

    private long parameters() {
        long d = config.width();
        long z = config.sharedWidth();
        long v = config.valueWidth();
        long inner = config.feedForward();
        long norm = hasMoments() || config.affineNorms() ? 2 * d : 0;
        long average = (4 * config.modes() + 1) * d + (config.parts().average() == Average.COMPLEX ? d : 0);
        long attention = norm + average + (config.affineNorms() ? d : 0) + (d + 1) * z + 4 * z + 2 * (d + 1) * v + (d + 1) * d
                + v * d;
        long feedForward = (config.affineNorms() ? 2 * d : 0) + (ups() + 1) * inner * d + (config.rescale() ? d : 0);
        return config.layers() * (attention + feedForward) + norm + config.vocabulary() * d
                + (config.tiedOutput() ? 0 : config.outputs() * d);
    }

    /** Multiplications of one token with one layer's weights. */
    private double productsPerToken() {
        double d = config.width();
        return d * config.sharedWidth() + 3 * d * config.valueWidth() + d * d + (ups() + 1) * d * config.feedForward();
    }

    /** Matrices that the feed-forward's input is multiplied by. */
    private int ups() {
        return config.gatedFeedForward() ? 2 : 1;
    }

    private double trainingBytes(Checkpoints checkpoints) {
        double layer = layerBytes(true) + layerGradientBytes();
        double layers = checkpoints == Checkpoints.NONE ? config.layers() * layer
                : layer + checkpoints.bytes(config.layers(), context * batch * config.width(), dtype);
        return layers + endBytes(true) + endGradientBytes();
    }

    /** What {@link MegalodonBlock} allocates. */
    private double layerBytes(boolean training) {
        double only = training ? droppedOut() : -activated();
        // A row's statistics: RMS norms of the average and of z by head, layer norm, log-sum-exp by head.
        double statistics = 3 + config.heads() * (config.parts().logits() == Logits.NORMALIZED ? 2 : 1);
        double states = 2.0 * config.modes() * config.width() * batch * (1 + (training ? ScanPlan.blocks(context) : 0));
        // Without a way back nobody asks for the sum that the feed-forward's norm is of.
        int inPlace = training || config.parts().residual() != MegalodonConfig.Residual.TWO_HOP ? 0 : config.width();
        return elements(differentiated() + only + statistics - inPlace) + states * dtype.bytes() + normBytes(training)
                + (double) COEFFICIENTS * config.modes() * config.width() * DType.F64.bytes();
    }

    /** Each of a layer's three sums hands its gradient on. */
    private double layerGradientBytes() {
        return elements(differentiated() - 3.0 * config.width() + droppedOut())
                + (double) LEARNED_COEFFICIENTS * config.modes() * config.width() * DType.F64.bytes();
    }

    /**
     * Elements a token that have gradients. d: norm, average and its norm, direct, attended, their sum, the residual; norm,
     * down and the residual of the feed-forward. v: values, their activation, attended, gate, gated. z: z and its norm, then q
     * and k before and behind the rotation.
     */
    private double differentiated() {
        return (10 + (config.rescale() ? 1 : 0)) * (double) config.width() + 5.0 * config.valueWidth()
                + 6.0 * config.sharedWidth() + (ups() + 1.0) * config.feedForward();
    }

    /** What activations are of and only the way back needs: values, gate, feed-forward, z where it is not normalized. */
    private int activated() {
        return 2 * config.valueWidth() + config.feedForward()
                + (config.parts().logits() == Logits.NORMALIZED ? 0 : config.sharedWidth());
    }

    private int droppedOut() {
        int residual = config.dropouts().residual() > 0 ? 2 * config.width() : 0;
        int hidden = config.dropouts().hidden() > 0 ? config.width() + config.valueWidth() + config.feedForward() : 0;
        return residual + hidden;
    }

    /** What the norm in front of a layer or of the output keeps beside its rows. */
    private double normBytes(boolean training) {
        return hasMoments() ? (batch + 1) * momentBytes()
                + (training ? 2.0 * config.groups() * context * batch * DType.F64.bytes() : 0) : elements(2);
    }

    /** Embedding, dropout, norm. */
    private double endBytes(boolean training) {
        return elements(2.0 * config.width() + (training ? embeddingDropout() : 0)) + normBytes(training);
    }

    private double endGradientBytes() {
        return elements(2.0 * config.width() + embeddingDropout());
    }

    private int embeddingDropout() {
        return config.dropouts().residual() > 0 ? config.width() : 0;
    }

    private double elements(double perToken) {
        return perToken * context * batch * dtype.bytes();
    }

    private boolean hasMoments() {
        return config.parts().norm() == InputNorm.TIMESTEP;
    }

    /** Count, means and variances of one sequence. */
    private long momentBytes() {
        return (1 + 2L * config.groups()) * Long.BYTES;
    }

    /** What {@link MegalodonState} saves but its position and fingerprint. */
    private long stateBytes() {
        long moments = hasMoments() ? momentBytes() : 0;
        long layer = moments + 2L * config.modes() * config.width() * dtype.bytes() + cacheBytes();
        return batch * (config.layers() * layer + moments);
    }

    /** Keys and values of a layer and sequence. */
    private long cacheBytes() {
        return Math.min(context, config.chunk()) * (config.sharedWidth() + config.valueWidth()) * dtype.bytes();
    }
}
