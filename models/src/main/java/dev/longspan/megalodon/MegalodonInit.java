package dev.longspan.megalodon;

import dev.longspan.kernel.Philox;
import dev.longspan.nn.Init;
import dev.longspan.nn.Parameters;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.TensorArena;

/**
 * How the original starts: linear weights as {@link MegalodonConfig.LinearInit} says, {@code N(0, 1/3in)} as a rule; tables
 * {@code N(0, 1/d)} cut at 3 deviations; α, δ {@code N(0, 0.2²)}; Re γ {@code N(0, 1)}, Im γ 0; ω {@code N(0, 0.25²)} within
 * ±1; θ so that {@code σ(θ)} takes each of {@code d^(−k/d)}, k = 1…d, at one channel; biases and plus-one weights 0.
 */
final class MegalodonInit {

    private MegalodonInit() {
    }

    static Parameters parameters(MegalodonConfig config, TensorArena arena, DType dtype, long seed) {
        return Init.parameters(arena, dtype, seed, (name, shape) -> rule(config, name, shape));
    }

    static Init rule(MegalodonConfig config, String name, long... shape) {
        String[] path = name.split("\\.", -1);
        String last = path[path.length - 1];
        String owner = path[path.length - 2];
        return switch (owner) {
            case "embedding", "output" -> Init.truncatedNormal(1 / Math.sqrt(config.width()), 3);
            case "ema" -> average(last, shape[0]);
            case "shared", "value", "gate", "direct", "attended", "up", "down", "linear" ->
                    last.equals("bias") ? Init.constant(0) : linear(config.linearInit(), shape[1], shape[0]);
            case "feedForward" -> Init.constant(0.1 * Math.pow(0.5, Integer.parseInt(path[path.length - 3])));
            default -> Init.constant(0);
        };
    }

    private static Init linear(MegalodonConfig.LinearInit init, long in, long out) {
        return switch (init) {
            case HE -> Init.normal(1 / Math.sqrt(3.0 * in));
            case BERT -> Init.normal(0.02);
            case GAUSSIAN -> Init.truncatedNormal(1, 3);
            case XAVIER -> Init.xavierUniform(1, in, out);
            case NONE -> Init.constant(0);
        };
    }

    private static Init average(String parameter, long channels) {
        return switch (parameter) {
            case "theta" -> new Angles(Math.toIntExact(channels));
            case "gamma" -> (key, stream, counter) -> counter % 2 == 0 ? Philox.normal(key, stream, counter) : 0;
            case "omega" -> Init.truncatedNormal(0.25, 4);
            default -> Init.normal(0.2);
        };
    }

    /** {@code logit(d^(−k/d))} with k = 1…d in random order. */
    private static final class Angles implements Init {
        private final int channels;
        private int[] order = new int[0];

        Angles(int channels) {
            this.channels = channels;
        }

        @Override
        public double draw(long key, long stream, long counter) {
            if (order.length == 0) {
                order = shuffled(key, stream);
            }
            double f = Math.exp(-(order[(int) counter] + 1) * Math.log(channels) / channels);
            return Math.log(f / (1 - f));
        }

        private int[] shuffled(long key, long stream) {
            int[] shuffled = new int[channels];
            for (int i = 0; i < channels; i++) {
                int j = (int) (Philox.uniform(key, stream, i) * (i + 1));
                shuffled[i] = shuffled[j];
                shuffled[j] = i;
            }
            return shuffled;
        }
    }
}
