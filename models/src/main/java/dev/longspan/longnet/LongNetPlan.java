package dev.longspan.longnet;

import dev.longspan.autograd.Checkpoints;
import dev.longspan.kernel.AttentionPattern.Dilated;
import dev.longspan.kernel.AttentionPattern.FixedSparse;
import dev.longspan.model.ModelPlan;
import dev.longspan.model.ModelPlan.Work;
import dev.longspan.tensor.DType;

/** The costs of a decoder, op by op. */
final class LongNetPlan {

    private LongNetPlan() {
    }

    /** The plan of a configuration for {@code batch} sequences of {@code context} tokens in a dtype. */
    static ModelPlan of(LongNetConfig config, long context, long batch, DType dtype, Checkpoints checkpoints) {
        ModelPlan hidden = hidden(config, context, batch, dtype, checkpoints);
        return config.outputLayer() ? hidden.withLosses(context * batch, config.width(), config.vocabulary(), dtype) : hidden;
    }

    /** The same without logits. */
    static ModelPlan hidden(LongNetConfig config, long context, long batch, DType dtype, Checkpoints checkpoints) {
        ModelPlan.check(context, batch, dtype);
        boolean recompute = checkpoints != Checkpoints.NONE;
        long parameters = countParameters(config);
        double tokens = (double) context * batch;
        double width = config.width();
        double inner = config.feedForward().width();
        double products = 2 * tokens * config.layers() * (4 * width * width + (inputs(config) + 1) * width * inner);
        // Two products forward; backward five: the scores again, dV, dP, dQ and dK.
        double attention = 4 * tokens * config.layers() * width * keysPerToken(config, context);
        Work layers = new Work(products, attention, 0);
        Work backward = new Work(2 * products, 2.5 * attention, 0);
        long bytes = dtype.bytes();
        double layer = layerElements(config, true);
        double ends = endElements(config);
        // Without a way back nobody asks for a sum that only its norm reads.
        double inPlace = config.norms().before() ? 0 : 2 * width;
        // The two residual sums of a layer hand their gradients on, and so does that of embeddings and positions.
        double both = 2 * layer - 2 * width;
        double kept = (recompute ? 1 : config.layers()) * both + 2 * ends - (config.learnedPositions() > 0 ? width : 0);
        long between = recompute ? checkpoints.bytes(config.layers(), context * batch * config.width(), dtype) : 0;
        long caches = 2 * batch * config.layers() * cacheRows(config, context) * config.width() * bytes;
        return new ModelPlan(parameters, layers, recompute ? backward.plus(layers) : backward, parameters * bytes,
                (long) (tokens * bytes * (config.layers() * (layerElements(config, false) - inPlace) + ends)),
                (long) (tokens * bytes * kept) + between,
                caches, caches);
    }

    private static long countParameters(LongNetConfig config) {
        long width = config.width();
        long inner = config.feedForward().width();
        LongNetConfig.Norms norms = config.norms();
        long norm = norms.kind() == LongNetConfig.Norms.Kind.RMS ? 1 : 2; // parameters per element
        long bias = config.biases() ? 1 : 0;
        long layer = 4 * width * (width + bias) + inputs(config) * inner * (width + bias) + width * (inner + bias)
                + 2 * norm * width + (norms.inner() ? norm * (width + inner) : 0);
        long tables = (1 + (config.outputLayer() && !config.tiedOutput() ? 1 : 0)) * config.vocabulary() * width
                + config.learnedPositions() * width;
        return config.layers() * layer + tables + (norms.last() ? norm * width : 0)
                + (norms.embedding() ? norm * width : 0);
    }

    /** Matrices that a feed-forward's input is multiplied by. */
    private static int inputs(LongNetConfig config) {
        return config.feedForward().gated() ? 2 : 1;
    }

    /** Keys that a head's query sees on average. */
    static double keysPerToken(LongNetConfig config, long context) {
        double keys = switch (config.pattern()) {
            case Dilated dilated -> new SchedulePlan(context, config.heads(), dilated.schedule(), dilated.offset())
                    .keysPerToken();
            case FixedSparse sparse -> Math.min(sparse.block(), context) / 2.0
                    + Math.max(0, context - sparse.block()) * sparse.summary() / (2.0 * sparse.block());
            default -> context / 2.0;
        };
        return config.blockwise() == 0 ? keys : Math.min(keys, 0.75 * config.blockwise());
    }

    private static long cacheRows(LongNetConfig config, long context) {
        return config.pattern() instanceof Dilated dilated
                ? dilated.schedule().stream().mapToLong(b ->
                        Math.ceilDiv(Math.min(b.segment(), context), b.dilation())).sum()
                : context;
    }

    /** Elements per token that one layer keeps: what {@link dev.longspan.nn.TransformerBlock} allocates, op by op. */
    private static double layerElements(LongNetConfig config, boolean training) {
        int inner = config.norms().inner() ? 1 : 0;
        int rotated = config.rotation() instanceof Rotation.None ? 0 : 2;
        int hidden = training && config.dropouts().hidden() > 0 ? 2 : 0;
        int activation = training && config.dropouts().activation() > 0 ? 1 : 0;
        int before = training ? 1 : 0; // what the activation is of
        // Width: two norms, q, k, v, rotated q and k, attended, inner norm, out, down, two residual sums, dropouts.
        double wide = (10 + rotated + inner + hidden) * (double) config.width();
        return wide + (inputs(config) + before + inner + activation) * (double) config.feedForward().width()
                + config.heads();
    }

    /** Elements per token before and behind the layers. */
    private static double endElements(LongNetConfig config) {
        int embedded = 1 + (config.learnedPositions() > 0 ? 2 : 0) + (config.norms().embedding() ? 1 : 0)
                + (config.dropouts().hidden() > 0 ? 1 : 0) + (config.norms().last() ? 1 : 0);
        return embedded * (double) config.width();
    }
}
