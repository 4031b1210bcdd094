package dev.longspan.longnet;

import dev.longspan.nn.Init;
import dev.longspan.nn.Parameters;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;

/**
 * How torchscale starts a LongNet: linear layers {@code U(±1/√in)}, weights and biases alike, those of values, outputs and
 * feed-forwards times {@code √ln(2L)} with SubLN and divided by {@code (8L)^¼} with DeepNorm; embedding and output
 * {@code N(0, 1/d)}; norms 1 and 0. With {@code initialStd} σ, weights and tables alike {@code N(0, σ²)} and biases 0:
 * σ = 0.02 is {@code initializer_range} of Hugging Face's Llama, after GPT-2's released code; the Llama papers do not say.
 */
final class LongNetInit {

    private LongNetInit() {
    }

    static Parameters parameters(LongNetConfig config, TensorArena arena, DType dtype, long seed) {
        return Init.parameters(arena, dtype, seed, (name, shape) -> rule(config, name, shape));
    }

    private static Init rule(LongNetConfig config, String name, long[] shape) {
        int last = name.lastIndexOf('.');
        String layer = name.substring(name.lastIndexOf('.', last - 1) + 1, last);
        boolean bias = name.endsWith(".bias");
        if (config.initialStd() > 0) {
            return shape.length > 1 ? Init.normal(config.initialStd()) : Init.constant(bias ? 0 : 1);
        }
        return switch (layer) {
            case "embedding", "output" -> Init.normal(1 / Math.sqrt(config.width()));
            case "positions" -> Init.normal(0.02);
            case "query", "key" -> Init.kaimingUniform(config.width());
            case "value", "out", "up", "gate" -> Init.kaimingUniform(config.width()).times(depthFactor(config));
            case "down" -> Init.kaimingUniform(config.feedForward().width()).times(depthFactor(config));
            default -> Init.constant(bias ? 0 : 1);
        };
    }

    private static double depthFactor(LongNetConfig config) {
        return config.norms().inner() ? Math.sqrt(Math.log(2.0 * config.layers()))
                : config.norms().deep() ? Math.pow(8.0 * config.layers(), -0.25) : 1;
    }
}
