package dev.longspan.train;

import dev.longspan.autograd.Pass;
import dev.longspan.kernel.Philox;
import dev.longspan.model.Architecture;
import dev.longspan.model.Blueprint;
import dev.longspan.model.ModelPlan;
import dev.longspan.nn.Embedding;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.Linear;
import dev.longspan.nn.Parameters;
import dev.longspan.nn.StreamState;
import dev.longspan.op.Elementwise;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The smallest language model: the next token depends on the last one. With dropout, so that randomness is tested. */
public record Bigram(Embedding table, Linear output) implements LanguageModel<Bigram.Position> {

    /** Only how many tokens were seen. */
    public record Position(long position) implements StreamState {
        @Override
        public Map<String, Tensor> tensors() {
            return Map.of();
        }

        @Override
        public Position select(TensorArena arena, int... rows) {
            return this;
        }
    }

    static Bigram create(TensorArena arena, long vocabulary, long width, long seed) {
        return of(vocabulary, width, (name, shape) -> {
            Tensor tensor = arena.allocate(DType.F32, shape);
            float[] values = new float[Math.toIntExact(tensor.elements())];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (0.1 * Philox.normal(seed, name.hashCode(), i));
            }
            return tensor.set(values);
        });
    }

    private static Bigram of(long vocabulary, long width, Parameters parameters) {
        return new Bigram(new Embedding(parameters.get("table.weight", vocabulary, width), 1),
                Linear.of(parameters, "output", width, vocabulary, true));
    }

    @Override
    public long vocabulary() {
        return output.weight().size(0);
    }

    @Override
    public Tensor logits(Pass pass, Tensor tokens) {
        return output.apply(pass, Elementwise.dropout(pass, 0.1, table.apply(pass, tokens)));
    }

    @Override
    public Position start(TensorArena arena, long batch) {
        return new Position(0);
    }

    @Override
    public Position restore(TensorArena arena, Map<String, Tensor> saved) {
        return new Position(0);
    }

    @Override
    public Step<Position> next(Pass pass, Position state, Tensor tokens) {
        return new Step<>(logits(pass, tokens), new Position(state.position() + tokens.size(1)));
    }

    /** {@code {"vocabulary": 256, "width": 16}}. */
    public static final class Kind implements Architecture {
        @Override
        public String name() {
            return "bigram";
        }

        @Override
        public List<String> presets() {
            return List.of("tiny");
        }

        @Override
        public Map<String, @Nullable Object> preset(String preset, long context, long vocabulary) {
            return new java.util.LinkedHashMap<>(Map.of("vocabulary", vocabulary, "width", 16L));
        }

        @Override
        public Blueprint read(Map<String, @Nullable Object> config) {
            long vocabulary = positive(config, "vocabulary");
            long width = positive(config, "width");
            return new Blueprint() {
                @Override
                public long vocabulary() {
                    return vocabulary;
                }

                @Override
                public String shape() {
                    return "width " + width;
                }

                @Override
                public ModelPlan plan(long context, long batch, DType dtype) {
                    throw new UnsupportedOperationException("nobody plans this");
                }

                @Override
                public LanguageModel<?> build(Parameters parameters) {
                    return of(vocabulary, width, parameters);
                }

                @Override
                public LanguageModel<?> create(TensorArena arena, long seed) {
                    return Bigram.create(arena, vocabulary, width, seed);
                }
            };
        }

        private static long positive(Map<String, @Nullable Object> config, String name) {
            if (config.get(name) instanceof Long value && value > 0) {
                return value;
            }
            throw new IllegalArgumentException(name + " must be positive: " + name + "=" + config.get(name));
        }
    }
}
