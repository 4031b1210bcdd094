package dev.longspan.longnet;

import dev.longspan.autograd.Pass;
import dev.longspan.nn.Embedding;
import dev.longspan.nn.FeedForward;
import dev.longspan.nn.LayerNorm;
import dev.longspan.nn.Linear;
import dev.longspan.nn.Norm;
import dev.longspan.nn.Parameters;
import dev.longspan.nn.RmsNorm;
import dev.longspan.nn.SelfAttention;
import dev.longspan.nn.TransformerBlock;
import dev.longspan.op.Elementwise;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What decoder and encoder have in common. */
final class Body {

    private Body() {
    }

    static List<TransformerBlock> blocks(LongNetConfig config, Parameters parameters, boolean causal) {
        return IntStream.range(0, config.layers())
                .mapToObj(i -> block(config, parameters.within("layers." + i), causal)).toList();
    }

    private static TransformerBlock block(LongNetConfig config, Parameters parameters, boolean causal) {
        long width = config.width();
        LongNetConfig.Norms norms = config.norms();
        Parameters inner = parameters.within("attention");
        boolean biases = config.biases();
        SelfAttention attention = new SelfAttention(Linear.of(inner, "query", width, width, biases),
                Linear.of(inner, "key", width, width, biases), Linear.of(inner, "value", width, width, biases),
                norms.inner() ? norm(norms, inner, "norm", width) : null, Linear.of(inner, "out", width, width, biases),
                config.heads(), config.rotation().of(config.headDim()).orElse(null), config.plan(causal),
                config.dropouts().attention());
        return new TransformerBlock(norm(norms, parameters, "attentionNorm", width), attention,
                norm(norms, parameters, "feedForwardNorm", width), feedForward(config, parameters.within("feedForward")),
                norms.before(), config.alpha(), config.dropouts().hidden());
    }

    private static FeedForward feedForward(LongNetConfig config, Parameters parameters) {
        long width = config.width();
        LongNetConfig.FeedForward shape = config.feedForward();
        boolean biases = config.biases();
        return new FeedForward(Linear.of(parameters, "up", width, shape.width(), biases),
                shape.gated() ? Linear.of(parameters, "gate", width, shape.width(), biases) : null,
                config.norms().inner() ? norm(config.norms(), parameters, "norm", shape.width()) : null,
                Linear.of(parameters, "down", shape.width(), width, biases), shape.activation(),
                config.dropouts().activation(), config.dropouts().hidden());
    }

    private static Norm norm(LongNetConfig.Norms norms, Parameters parameters, String name, long d) {
        return switch (norms.kind()) {
            case LAYER -> LayerNorm.of(parameters, name, d, norms.eps());
            case RMS -> RmsNorm.of(parameters, name, d, norms.eps());
        };
    }

    static @Nullable Embedding positions(LongNetConfig config, Parameters parameters) {
        return config.learnedPositions() == 0 ? null
                : new Embedding(parameters.get("positions.weight", config.learnedPositions(), config.width()), 1);
    }

    static long maxRows(LongNetConfig config) {
        return config.learnedPositions() == 0 ? Long.MAX_VALUE : config.learnedPositions();
    }

    static @Nullable Norm embeddingNorm(LongNetConfig config, Parameters parameters) {
        return config.norms().embedding() ? norm(config.norms(), parameters, "embeddingNorm", config.width()) : null;
    }

    static @Nullable Norm norm(LongNetConfig config, Parameters parameters) {
        return config.norms().last() ? norm(config.norms(), parameters, "norm", config.width()) : null;
    }

    static @Nullable Linear output(LongNetConfig config, Parameters parameters) {
        return config.outputLayer() && !config.tiedOutput()
                ? Linear.of(parameters, "output", config.width(), config.vocabulary(), false) : null;
    }

    static Embedding embedding(LongNetConfig config, Parameters parameters) {
        return new Embedding(parameters.get("embedding.weight", config.vocabulary(), config.width()), config.scaleEmbedding()
                ? Math.sqrt(config.width()) : 1);
    }

    /** The parameter of that name, which must have the shape asked for. */
    static Tensor shaped(Map<String, Tensor> parameters, String name, long... shape) {
        Tensor parameter = parameters.get(name);
        if (parameter == null || !Arrays.equals(parameter.shape(), shape)) {
            throw new IllegalArgumentException("parameter " + name + " must have shape " + Arrays.toString(shape) + ": "
                    + (parameter == null ? "absent" : parameter));
        }
        return parameter;
    }

    /** Embeddings with their positions, normalised where the model has that, after dropout. */
    static Tensor enter(Pass pass, LongNetConfig config, @Nullable Embedding positions, @Nullable Norm embeddingNorm,
            Tensor embedded, long first) {
        if (embedded.rank() != 3 || embedded.size(1) == 0 || embedded.size(2) != config.width()) {
            throw new IllegalArgumentException("embedded must be [batch, at least one row, " + config.width()
                    + "]: embedded=" + embedded);
        }
        Tensor x = positions == null ? embedded
                : Elementwise.add(pass, embedded, positions.apply(pass, numbers(pass, positions, embedded, first)));
        return Elementwise.dropout(pass, config.dropouts().hidden(), embeddingNorm == null ? x : embeddingNorm.apply(pass, x));
    }

    private static Tensor numbers(Pass pass, Embedding positions, Tensor embedded, long first) {
        long batch = embedded.size(0);
        int rows = Math.toIntExact(embedded.size(1));
        if (first + rows > positions.weight().size(0)) {
            throw new IllegalArgumentException("positions must lie in the learned table: last=" + (first + rows - 1)
                    + ", learnedPositions=" + positions.weight().size(0));
        }
        long[] numbers = new long[Math.toIntExact(batch * rows)];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = first + i % rows;
        }
        return pass.allocateOnHost(DType.I64, batch, rows).set(numbers);
    }
}
